import { Validator } from '@cfworker/json-schema'
import { cutText, type Log, ParleyError, storable } from '../../kernel/index.ts'
import type { CallContext, Tool, ToolContext, ToolResult } from './tool.ts'

/** Characters of a result; about five thousand tokens. */
const maxText = 20_000
const maxArguments = 32_768

export interface Work extends Omit<Tool, 'call'> {
  /** What the tenant says of it, for the prompt. */
  readonly told?: string | undefined
  /** Whoever knows the schema checks arguments against it; a server of others does so itself. */
  readonly checkedElsewhere?: true
  /** Its arguments fit the schema. */
  run(context: CallContext, args: Record<string, unknown>, signal: AbortSignal): Promise<ToolResult>
}

/** A failure whose words are meant for the model. */
export class ToolFailure extends Error {}

/** Keeps the promises of `Tool` for what may break them. */
export function guarded({ run, checkedElsewhere, told: _told, ...tool }: Work, log: Log): Tool {
  return {
    ...tool,
    async call(context, args, signal) {
      signal.throwIfAborted()
      const fault = checkedElsewhere ? faultOfShape(args) : faultOfArguments(tool.parameters, args)
      if (fault !== undefined) return { text: `The arguments do not fit: ${fault}. Nothing was done.` }
      try {
        const result = await run(context, args as Record<string, unknown>, signal)
        signal.throwIfAborted()
        return { ...result, text: shortened(result.text) }
      } catch (error) {
        signal.throwIfAborted()
        return {
          text: shortened(`This failed: ${sayingOf(error, () => report(log, context, tool.name, error))}`),
        }
      }
    },
  }
}

/** Of errors that were not foreseen only the log learns more: they may name what is nobody's business outside. */
function sayingOf(error: unknown, unforeseen: () => void): string {
  if (error instanceof ToolFailure || error instanceof ParleyError) return error.message
  if (error instanceof Error && ['OutgoingError', 'McpError', 'ServiceFailure'].includes(error.name))
    return error.message
  unforeseen()
  return 'something went wrong inside.'
}

function report(log: Log, { scope, runId, agentId }: ToolContext, tool: string, error: unknown): void {
  log.error({ err: error, tenantId: scope.tenantId, runId, agentId, tool }, 'a tool failed')
}

function faultOfShape(args: unknown): string | undefined {
  if (typeof args !== 'object' || args === null || Array.isArray(args)) return 'they must be a JSON object'
  if (JSON.stringify(args).length > maxArguments) return 'they are too long'
  return undefined
}

function faultOfArguments(parameters: Tool['parameters'], args: unknown): string | undefined {
  const fault = faultOfShape(args)
  if (fault !== undefined) return fault
  const { valid, errors } = new Validator(parameters, '2020-12').validate(args)
  if (valid) return undefined
  // The last one lies deepest: those before it say only that something below does not fit.
  const deepest = errors.at(-1)
  return `${deepest?.instanceLocation ?? '#'}: ${deepest?.error ?? 'does not fit the schema'}`.replace(
    /\.$/,
    '',
  )
}

const shortened = (text: string): string =>
  text.length <= maxText
    ? storable(text)
    : `${cutText(text, maxText)}\n[cut: ${text.length - maxText} more characters]`

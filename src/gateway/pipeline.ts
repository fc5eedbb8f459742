import {
  faultsOf,
  type Log,
  type Metrics,
  ParleyError,
  plainWords,
  requirePermission,
} from '../kernel/index.ts'
import { type Ack, type Audience, isCommand, commands as protocol } from '../protocol/index.ts'
import type { Command, Session } from './command.ts'
import { describe, failureOf } from './failure.ts'
import type { Limits } from './limits.ts'

export interface PipelineParts {
  readonly commands: readonly Command[]
  readonly limits: Limits
  readonly log: Log
  readonly metrics: Metrics
}

/** A command without an acknowledgement is carried out all the same; whoever does not ask is not told. */
export type Pipeline = (
  session: Session,
  name: unknown,
  input: unknown,
  acknowledge: ((answer: Ack<unknown>) => void) | undefined,
) => Promise<void>

/** The one way a command runs: may it pass now → is there such a command → is it well formed → may they → do it → acknowledge. */
export function createPipeline({ commands, limits, log, metrics }: PipelineParts): Pipeline {
  const table = new Map(commands.map(command => [command.name as string, command]))

  async function carryOut(session: Session, name: unknown, input: unknown): Promise<unknown> {
    limits.command(session)
    const command = typeof name === 'string' ? table.get(name) : undefined
    if (!command || !isAllowedFor(command, session.audience)) {
      throw new ParleyError('unknown_command', `There is no such command for a ${session.audience}.`)
    }
    if (hasMoreValues(input, mostValues))
      throw new ParleyError('invalid_request', 'The input has too many fields.')
    const parsed = protocol[command.name].input.safeParse(input, { error: plainWords })
    if (!parsed.success)
      throw new ParleyError('invalid_request', undefined, { faults: faultsOf(parsed.error) })
    if (session.audience === 'member' && command.permission)
      requirePermission(session.scope, command.permission)
    return command.run({ scope: session.scope, input: parsed.data, session })
  }

  return async (session, name, input, acknowledge) => {
    const label = isCommand(name) ? name : 'unknown'
    const begun = performance.now()
    try {
      const value = await carryOut(session, name, input)
      metrics.commands.inc({ command: label, result: 'ok' })
      acknowledge?.({ ok: true, value: value ?? {} })
    } catch (error) {
      const failure =
        error instanceof ParleyError && error.cause === undefined
          ? describe(error)
          : failureOf(error, log, { command: label, tenantId: session.scope.tenantId })
      metrics.commands.inc({ command: label, result: failure.code })
      acknowledge?.({ ok: false, error: failure })
    } finally {
      metrics.commandDuration.observe({ command: label }, (performance.now() - begun) / 1_000)
    }
  }
}

/** Ten times what any command takes. Checking is dearer than reading: what is made of nothing but commas must not be checked. */
const mostValues = 1_000

/** Looks at no more than it has to. */
function hasMoreValues(input: unknown, most: number): boolean {
  const open = [input]
  for (let count = 0; open.length > 0; count++) {
    if (count + open.length > most) return true
    const value = open.pop()
    if (typeof value !== 'object' || value === null) continue
    if (Array.isArray(value)) {
      if (value.length > most) return true
      open.push(...value)
    } else
      for (const key in value) {
        open.push((value as Record<string, unknown>)[key])
        if (open.length > most) return true
      }
  }
  return false
}

const isAllowedFor = (command: Command, audience: Audience): boolean =>
  (protocol[command.name].for as readonly Audience[]).includes(audience)

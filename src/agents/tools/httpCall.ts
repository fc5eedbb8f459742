import type { Vault } from '../../kernel/index.ts'
import type { Outgoing } from '../../providers/outgoing.ts'
import { placeholders } from '../httpToolFields.ts'
import type { HttpTool } from '../schema.ts'
import { ToolFailure, type Work } from './guarded.ts'
import { withoutSecretWords } from './secretWords.ts'

export interface HttpToolParts {
  readonly outgoing: Outgoing
  readonly vault: Vault
}

const limits = { maxBytes: 512 * 1024, totalMs: 15_000, maxRedirects: 3 }

/** A call over HTTP that the tenant declared. Its secret headers are opened for the call alone, and taken out of what comes back. */
export const httpTool = (tool: HttpTool, { outgoing, vault }: HttpToolParts): Work => ({
  name: tool.name,
  description: tool.description,
  parameters: tool.parameters,
  outside: true,
  async run({ callKey }, args, signal) {
    const { url, rest } = filled(tool.url, args)
    const secrets = headersOf(vault, tool)
    const request = { method: tool.method, limits, signal }
    const hasBody = tool.method === 'POST' || tool.method === 'PUT' || tool.method === 'PATCH'
    if (!hasBody) for (const [name, value] of queryOf(rest)) url.searchParams.append(name, value)
    const response = await outgoing.fetch(url, {
      ...request,
      headers: {
        ...(tool.method !== 'GET' && { 'idempotency-key': callKey }),
        ...secrets,
        accept: 'application/json, text/*;q=0.9',
        ...(hasBody && jsonBody),
      },
      ...(hasBody && { body: JSON.stringify(rest) }),
    })
    const text = withoutSecretWords(await textOf(response), Object.values(secrets))
    const { status } = response
    return { text: response.ok ? text || `Done (${status}).` : `HTTP ${status}\n${text}`, data: { status } }
  },
})

const jsonBody = { 'content-type': 'application/json' }

const headersOf = (vault: Vault, { sealedHeaders }: HttpTool): Record<string, string> =>
  sealedHeaders === undefined ? {} : JSON.parse(vault.open(sealedHeaders))

/** The address with its arguments in their places, and the arguments that have none. */
function filled(
  template: string,
  args: Record<string, unknown>,
): { url: URL; rest: Record<string, unknown> } {
  const used = new Set<string>()
  const queryAt = template.includes('?') ? template.indexOf('?') : template.length
  const address = template.replace(placeholders, (_, name: string, at: number) => {
    used.add(name)
    const value = String(args[name] ?? '')
    if (at < queryAt) refuseClimbing(name, value)
    return encodeURIComponent(value)
  })
  const url = new URL(address)
  const [fixed = ''] = template.split('{')
  // Checked when it was saved, too; here it is what decides where the secrets go.
  if (url.origin !== new URL(fixed).origin) throw new ToolFailure('the address would lead elsewhere.')
  const rest = Object.entries(args).filter(([name]) => !used.has(name))
  return { url, rest: Object.fromEntries(rest) }
}

/** In a path an argument is one step of it: it neither climbs nor adds steps, even where a server reads %2F as a slash. */
function refuseClimbing(name: string, value: string): void {
  if (value === '' || /[/\\\p{Cc}]/u.test(value) || /^\.+$/.test(value))
    throw new ToolFailure(`${name} cannot be part of an address like this.`)
}

const queryOf = (args: Record<string, unknown>): [string, string][] =>
  Object.entries(args).flatMap(([name, value]) =>
    (Array.isArray(value) ? value : [value]).map((one): [string, string] => [
      name,
      typeof one === 'object' ? JSON.stringify(one) : String(one),
    ]),
  )

async function textOf(response: Response): Promise<string> {
  const type = response.headers.get('content-type') ?? ''
  if (type === '' || /^text\/|[/+]json\b|[/+]xml\b|x-www-form-urlencoded/.test(type)) return response.text()
  await response.body?.cancel()
  return `[an answer of the type ${type.slice(0, 100)}, which is not read]`
}

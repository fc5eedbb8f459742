import { ParleyError, type Vault } from '../kernel/index.ts'
import type { Mcp, McpTarget } from '../providers/mcp.ts'
import type { mcpTransports } from './mcpSchema.ts'
import type { ServerRow } from './mcpStore.ts'

/** What a request says of where a server is, and of how it lets us in. */
export interface PlaceInput {
  readonly transport?: (typeof mcpTransports)[number] | undefined
  readonly command?: string | null | undefined
  readonly args?: string[] | undefined
  readonly url?: string | null | undefined
  readonly headers?: Record<string, string> | undefined
  readonly environment?: Record<string, string> | undefined
}

export type Place = Pick<ServerRow, 'transport' | 'command' | 'args' | 'url' | 'sealedSecrets'>

interface Secrets {
  readonly headers: Record<string, string>
  readonly environment: Record<string, string>
}

/** Where to connect, with its secrets: only for the connection itself. */
export function targetOf(vault: Vault, { transport, command, args, url, sealedSecrets }: Place): McpTarget {
  const { headers, environment } = secretsOf(vault, sealedSecrets)
  if (transport === 'stdio') return { transport, command: command ?? '', args, environment }
  return { transport, url: url ?? '', headers }
}

/** Of what is secret, the names. */
export function secretNames(vault: Vault, { sealedSecrets }: Pick<Place, 'sealedSecrets'>) {
  const { headers, environment } = secretsOf(vault, sealedSecrets)
  return { headerNames: Object.keys(headers), environmentNames: Object.keys(environment) }
}

/** Where a server is from now on; refused if it leads where it must not. One that stays is not asked about: it may still be switched off. */
export function placeOf(
  { vault, mcp }: { readonly vault: Vault; readonly mcp: Mcp },
  input: PlaceInput,
  before: Place | undefined,
): Place {
  const place = { ...bare(input, before), sealedSecrets: before?.sealedSecrets ?? null }
  const kept = secretsOf(vault, place.sealedSecrets)
  const secrets = before && isSame(place, before) ? kept : { headers: {}, environment: {} }
  const overHttp = place.transport !== 'stdio'
  const wanted: Secrets = {
    headers: overHttp ? (input.headers ?? secrets.headers) : {},
    environment: overHttp ? {} : (input.environment ?? secrets.environment),
  }
  const after = sameText(wanted, kept) ? place : { ...place, sealedSecrets: sealed(vault, wanted) }
  if (before && sameText({ ...before, ...after }, before)) return after
  const refused = mcp.refusal(targetOf(vault, after))
  if (refused === undefined) return after
  const path = overHttp ? 'url' : 'command'
  throw new ParleyError('invalid_request', undefined, { faults: [{ path, message: refused }] })
}

function bare(input: PlaceInput, before: Place | undefined) {
  const transport = input.transport ?? before?.transport ?? 'streamable-http'
  const { command = before?.command ?? null, args = before?.args ?? [], url = before?.url ?? null } = input
  return transport === 'stdio'
    ? { transport, command, args, url: null }
    : { transport, command: null, args: [], url }
}

/** Whoever moves a server elsewhere names its secrets anew: nobody gets to see one by having it sent to themselves. */
const isSame = (one: Omit<Place, 'sealedSecrets'>, other: Omit<Place, 'sealedSecrets'>): boolean =>
  one.command === other.command && sameText(one.args, other.args) && originOf(one.url) === originOf(other.url)

const originOf = (url: string | null) => (url !== null && URL.canParse(url) ? new URL(url).origin : url)

const sameText = (one: unknown, other: unknown) => JSON.stringify(one) === JSON.stringify(other)

const secretsOf = (vault: Vault, sealedSecrets: string | null): Secrets =>
  sealedSecrets === null ? { headers: {}, environment: {} } : JSON.parse(vault.open(sealedSecrets))

function sealed(vault: Vault, secrets: Secrets): string | null {
  const none = Object.keys({ ...secrets.headers, ...secrets.environment }).length === 0
  return none ? null : vault.seal(JSON.stringify(secrets))
}

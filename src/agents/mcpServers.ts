import { type Database, duplicateOf, type Transaction } from '../db/index.ts'
import { difference, found, ParleyError, type Scope, type Vault } from '../kernel/index.ts'
import type { Mcp } from '../providers/mcp.ts'
import { memberOf } from './createAgent.ts'
import {
  changeServer,
  insertServer,
  lockServer,
  readServer,
  removeServer,
  type Server,
  type ServerRow,
  type ServerValues,
  writeInstructions,
  writeToolInstructions,
} from './mcpStore.ts'
import { type PlaceInput, placeOf, secretNames } from './mcpTarget.ts'

export interface McpParts {
  readonly vault: Vault
  readonly mcp: Mcp
}

/** To ask a server something, outside of any transaction. */
export interface AskingParts extends McpParts {
  readonly db: Database
}

export interface ServerInput extends PlaceInput {
  readonly name?: string | undefined
  readonly active?: boolean | undefined
  readonly instructions?: string | null | undefined
  readonly toolInstructions?: Record<string, string> | undefined
}

export async function createServer(
  scope: Scope,
  tx: Transaction,
  parts: McpParts,
  input: ServerInput & { readonly name: string; readonly transport: ServerRow['transport'] },
): Promise<Server> {
  const values = storable(parts, input, undefined)
  const { name, transport } = input
  const id = await withUniqueName(async () => {
    const all = { ...values, name, transport, createdBy: memberOf(scope) }
    const [row] = await insertServer(tx, scope, all)
    return found(row, 'server').id
  })
  await writeTexts(scope, tx, id, input)
  const server = found(await readServer(tx, scope, id), 'server')
  await report(tx, 'mcp_server.created', id, null, shownServer(parts.vault, server))
  return server
}

export async function updateServer(
  scope: Scope,
  tx: Transaction,
  parts: McpParts,
  id: string,
  input: ServerInput,
): Promise<Server> {
  const before = found(await lockServer(tx, scope, id), 'server')
  const values = storable(parts, input, before)
  await withUniqueName(() => changeServer(tx, scope, id, values))
  await writeTexts(scope, tx, id, input)
  const after = found(await readServer(tx, scope, id), 'server')
  if (difference(before, after).changed) {
    const [was, is] = [before, after].map(server => shownServer(parts.vault, server))
    const { oldValues, newValues } = difference(was ?? {}, is ?? {})
    await report(tx, 'mcp_server.updated', id, oldValues, newValues)
  }
  return after
}

/** Agents that may use it do without it from their next answer on. */
export async function deleteServer(
  scope: Scope,
  tx: Transaction,
  { vault }: McpParts,
  id: string,
): Promise<void> {
  const before = found(await lockServer(tx, scope, id), 'server')
  await removeServer(tx, scope, id)
  await report(tx, 'mcp_server.deleted', id, shownServer(vault, before), null)
}

/** As answers and the audit trail show it. */
export function shownServer(vault: Vault, { sealedSecrets, tenantId: _, ...server }: Server) {
  return { ...server, ...secretNames(vault, { sealedSecrets }) }
}

const storable = (parts: McpParts, input: ServerInput, before: Server | undefined): ServerValues => ({
  ...placeOf(parts, input, before),
  ...(input.name !== undefined && { name: input.name }),
  ...(input.active !== undefined && { active: input.active }),
})

async function writeTexts(scope: Scope, tx: Transaction, id: string, input: ServerInput): Promise<void> {
  const { instructions, toolInstructions } = input
  if (instructions !== undefined) await writeInstructions(tx, scope, id, instructions)
  if (toolInstructions !== undefined) await writeToolInstructions(tx, scope, id, toolInstructions)
}

type Values = Record<string, unknown> | null

const report = (tx: Transaction, action: string, resourceId: string, oldValues: Values, newValues: Values) =>
  tx.emit({ type: 'changed', action, resourceType: 'mcp_server', resourceId, oldValues, newValues })

async function withUniqueName<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error) === 'mcp_servers_name')
      throw new ParleyError('conflict', 'A tool server of this name exists already.')
    throw error
  }
}

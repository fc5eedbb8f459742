import { and, desc, eq, inArray, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { mcpServerInstructions, mcpServers, mcpToolInstructions } from './mcpSchema.ts'

export type ServerRow = typeof mcpServers.$inferSelect
export type ServerValues = Partial<
  Omit<typeof mcpServers.$inferInsert, 'tenantId' | 'id' | 'createdAt' | 'updatedAt'>
>

/** A server and what the model is told about it and its tools. */
export interface Server extends ServerRow {
  readonly instructions: string | null
  readonly toolInstructions: Readonly<Record<string, string>>
}

const one = (scope: Scope, id: string) => and(eq(mcpServers.tenantId, scope.tenantId), eq(mcpServers.id, id))

export const listServers = async (
  tx: Transaction,
  scope: Scope,
  page: { readonly limit: number; readonly after: string | undefined },
): Promise<Server[]> => {
  const rows = await tx.sql
    .select()
    .from(mcpServers)
    .where(
      and(
        eq(mcpServers.tenantId, scope.tenantId),
        page.after === undefined ? undefined : lt(mcpServers.id, page.after),
      ),
    )
    .orderBy(desc(mcpServers.id))
    .limit(page.limit + 1)
  return withInstructions(tx, scope, rows)
}

/** Of these, those that there are and that are switched on, in the order of their names. */
export const activeServers = async (
  tx: Transaction,
  scope: Scope,
  ids: readonly string[],
): Promise<Server[]> => {
  if (ids.length === 0) return []
  const rows = await tx.sql
    .select()
    .from(mcpServers)
    .where(
      and(
        eq(mcpServers.tenantId, scope.tenantId),
        inArray(mcpServers.id, [...ids]),
        eq(mcpServers.active, true),
      ),
    )
    .orderBy(mcpServers.name)
  return withInstructions(tx, scope, rows)
}

export async function readServer(tx: Transaction, scope: Scope, id: string): Promise<Server | undefined> {
  const rows = await tx.sql.select().from(mcpServers).where(one(scope, id))
  return (await withInstructions(tx, scope, rows))[0]
}

export async function lockServer(tx: Transaction, scope: Scope, id: string): Promise<Server | undefined> {
  const rows = await tx.sql.select().from(mcpServers).where(one(scope, id)).for('update')
  return (await withInstructions(tx, scope, rows))[0]
}

export const insertServer = (
  tx: Transaction,
  scope: Scope,
  values: ServerValues & Pick<ServerRow, 'name' | 'transport'>,
) =>
  tx.sql
    .insert(mcpServers)
    .values({ ...values, tenantId: scope.tenantId })
    .returning({ id: mcpServers.id })

export const changeServer = (tx: Transaction, scope: Scope, id: string, values: ServerValues) =>
  tx.sql
    .update(mcpServers)
    .set({ ...values, updatedAt: new Date() })
    .where(one(scope, id))

export const removeServer = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(mcpServers).where(one(scope, id))

/** In the place of what was said before; null is nothing. */
export async function writeInstructions(
  tx: Transaction,
  { tenantId }: Scope,
  mcpServerId: string,
  instructions: string | null,
): Promise<void> {
  await tx.sql
    .delete(mcpServerInstructions)
    .where(
      and(eq(mcpServerInstructions.tenantId, tenantId), eq(mcpServerInstructions.mcpServerId, mcpServerId)),
    )
  if (instructions !== null)
    await tx.sql.insert(mcpServerInstructions).values({ tenantId, mcpServerId, instructions })
}

export async function writeToolInstructions(
  tx: Transaction,
  { tenantId }: Scope,
  mcpServerId: string,
  byTool: Readonly<Record<string, string>>,
): Promise<void> {
  await tx.sql
    .delete(mcpToolInstructions)
    .where(and(eq(mcpToolInstructions.tenantId, tenantId), eq(mcpToolInstructions.mcpServerId, mcpServerId)))
  const rows = Object.entries(byTool).map(([toolName, instructions]) => ({
    ...{ tenantId, mcpServerId, toolName, instructions },
  }))
  if (rows.length > 0) await tx.sql.insert(mcpToolInstructions).values(rows)
}

async function withInstructions(
  tx: Transaction,
  { tenantId }: Scope,
  rows: readonly ServerRow[],
): Promise<Server[]> {
  if (rows.length === 0) return []
  const ids = rows.map(({ id }) => id)
  const said = await tx.sql
    .select({
      serverId: mcpServerInstructions.mcpServerId,
      toolName: sql<string | null>`null`,
      text: mcpServerInstructions.instructions,
    })
    .from(mcpServerInstructions)
    .where(and(eq(mcpServerInstructions.tenantId, tenantId), inArray(mcpServerInstructions.mcpServerId, ids)))
    .unionAll(
      tx.sql
        .select({
          serverId: mcpToolInstructions.mcpServerId,
          toolName: mcpToolInstructions.toolName,
          text: mcpToolInstructions.instructions,
        })
        .from(mcpToolInstructions)
        .where(
          and(eq(mcpToolInstructions.tenantId, tenantId), inArray(mcpToolInstructions.mcpServerId, ids)),
        ),
    )
  return rows.map(row => {
    const ofServer = said.filter(({ serverId }) => serverId === row.id)
    const tools = ofServer.flatMap(({ toolName, text }) =>
      toolName === null ? [] : [[toolName, text] as const],
    )
    return {
      ...row,
      instructions: ofServer.find(({ toolName }) => toolName === null)?.text ?? null,
      toolInstructions: Object.fromEntries(tools),
    }
  })
}

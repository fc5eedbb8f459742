import { and, desc, eq, getTableColumns, inArray, isNotNull, lt, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { mcpServers } from './mcpSchema.ts'
import { type AgentDefinition, agentPermissions, agents, agentTemplates, agentVersions } from './schema.ts'

export type AgentRow = typeof agents.$inferSelect
export type AgentValues = Partial<
  Omit<typeof agents.$inferInsert, 'tenantId' | 'id' | 'createdAt' | 'updatedAt'>
>
export type Visibility = (typeof agentPermissions.$inferSelect)['visibility']

/** An agent that is hidden from a member is not there for them. */
const shownTo = ({ tenantId, actor }: Scope) =>
  actor.kind === 'member'
    ? sql`not exists (select from ${agentPermissions} p where p.tenant_id = ${tenantId} and p.agent_id = ${agents.id}
        and p.member_id = ${actor.memberId} and p.visibility = 'hidden')`
    : undefined

const one = (scope: Scope, id: string) =>
  and(eq(agents.tenantId, scope.tenantId), eq(agents.id, id), shownTo(scope))

export const listAgents = (
  tx: Transaction,
  scope: Scope,
  page: {
    readonly limit: number
    readonly after: string | undefined
    readonly status?: AgentRow['status'] | undefined
  },
) =>
  tx.sql
    .select()
    .from(agents)
    .where(
      and(
        eq(agents.tenantId, scope.tenantId),
        shownTo(scope),
        page.status === undefined ? undefined : eq(agents.status, page.status),
        page.after === undefined ? undefined : lt(agents.id, page.after),
      ),
    )
    .orderBy(desc(agents.id))
    .limit(page.limit + 1)

export async function readAgent(tx: Transaction, scope: Scope, id: string): Promise<AgentRow | undefined> {
  const [row] = await tx.sql.select().from(agents).where(one(scope, id))
  return row
}

export async function lockAgent(tx: Transaction, scope: Scope, id: string): Promise<AgentRow | undefined> {
  const [row] = await tx.sql.select().from(agents).where(one(scope, id)).for('update')
  return row
}

/** The agent and the definition that it answers with, if it does. */
export async function readAnswering(tx: Transaction, { tenantId }: Scope, id: string) {
  const [row] = await tx.sql
    .select({
      agent: getTableColumns(agents),
      definition: agentVersions.definition,
      version: agentVersions.version,
    })
    .from(agents)
    .innerJoin(
      agentVersions,
      and(
        eq(agentVersions.tenantId, agents.tenantId),
        eq(agentVersions.agentId, agents.id),
        eq(agentVersions.version, agents.version),
      ),
    )
    .where(
      and(
        eq(agents.tenantId, tenantId),
        eq(agents.id, id),
        eq(agents.published, true),
        eq(agents.status, 'active'),
      ),
    )
  return row
}

/**
 * How agents present themselves, whether they answer or not: as they were published, else as they are drafted; which is nobody's business
 * outside, where those that were never published have no face.
 */
export async function agentFaces(tx: Transaction, { tenantId, actor }: Scope, ids: readonly string[]) {
  const outside = actor.kind === 'visitor' || actor.kind === 'guest'
  const name = sql<string>`coalesce(${agentVersions.definition} ->> 'name', ${agents.name})`
  const rows = await tx.sql
    .select({ id: agents.id, name, avatarUrl: agents.avatarUrl })
    .from(agents)
    .leftJoin(
      agentVersions,
      and(
        eq(agentVersions.tenantId, agents.tenantId),
        eq(agentVersions.agentId, agents.id),
        eq(agentVersions.version, agents.version),
      ),
    )
    .where(
      and(
        eq(agents.tenantId, tenantId),
        inArray(agents.id, [...ids]),
        outside ? isNotNull(agentVersions.version) : undefined,
      ),
    )
  return new Map(rows.map(({ id, ...face }) => [id, face]))
}

export const insertAgent = (tx: Transaction, scope: Scope, values: AgentValues & { readonly name: string }) =>
  tx.sql
    .insert(agents)
    .values({ ...values, tenantId: scope.tenantId })
    .returning()

export const changeAgent = (tx: Transaction, scope: Scope, id: string, values: AgentValues) =>
  tx.sql
    .update(agents)
    .set({ ...values, updatedAt: new Date() })
    .where(and(eq(agents.tenantId, scope.tenantId), eq(agents.id, id)))
    .returning()

export const removeAgent = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.delete(agents).where(and(eq(agents.tenantId, scope.tenantId), eq(agents.id, id)))

/** Of these tool servers, those that there are. */
export async function knownServers(
  tx: Transaction,
  scope: Scope,
  ids: readonly string[],
): Promise<Set<string>> {
  if (ids.length === 0) return new Set()
  const rows = await tx.sql
    .select({ id: mcpServers.id })
    .from(mcpServers)
    .where(and(eq(mcpServers.tenantId, scope.tenantId), inArray(mcpServers.id, [...ids])))
  return new Set(rows.map(({ id }) => id))
}

export const insertVersion = (
  tx: Transaction,
  scope: Scope,
  values: {
    readonly agentId: string
    readonly version: number
    readonly definition: AgentDefinition
    readonly note: string
    readonly publishedBy: string | null
  },
) => tx.sql.insert(agentVersions).values({ ...values, tenantId: scope.tenantId })

export const listVersions = (
  tx: Transaction,
  scope: Scope,
  agentId: string,
  page: { readonly limit: number; readonly after: string | undefined },
) => {
  const { definition: _definition, ...line } = getTableColumns(agentVersions)
  return tx.sql
    .select(line)
    .from(agentVersions)
    .where(
      and(
        eq(agentVersions.tenantId, scope.tenantId),
        eq(agentVersions.agentId, agentId),
        page.after === undefined ? undefined : lt(agentVersions.id, page.after),
      ),
    )
    .orderBy(desc(agentVersions.id))
    .limit(page.limit + 1)
}

export async function readVersion(tx: Transaction, scope: Scope, agentId: string, version: number) {
  const [row] = await tx.sql
    .select()
    .from(agentVersions)
    .where(
      and(
        eq(agentVersions.tenantId, scope.tenantId),
        eq(agentVersions.agentId, agentId),
        eq(agentVersions.version, version),
      ),
    )
  return row
}

export const listTemplates = (
  tx: Transaction,
  page: { readonly limit: number; readonly after: string | undefined },
) =>
  tx.sql
    .select()
    .from(agentTemplates)
    .where(
      and(
        eq(agentTemplates.active, true),
        page.after === undefined ? undefined : lt(agentTemplates.id, page.after),
      ),
    )
    .orderBy(desc(agentTemplates.id))
    .limit(page.limit + 1)

export async function readTemplate(tx: Transaction, id: string) {
  const [row] = await tx.sql
    .select()
    .from(agentTemplates)
    .where(and(eq(agentTemplates.id, id), eq(agentTemplates.active, true)))
  return row
}

import { randomBytes } from 'node:crypto'
import { hashToken, newId, newTenantToken } from '../../../src/kernel/index.ts'
import type { TestParley } from '../../support/parley.ts'
import { insertPassage } from '../../support/passages.ts'
import { type Caller, callerWith } from '../../support/people.ts'
import { newSessionToken } from '../../support/sessionToken.ts'

/** The people and things that the matrix of routes is tried on. All is written straight into the tables: what is tried is the door. */

/** A person and a session of theirs, without a password: hashing one is slow on purpose. */
export interface Somebody extends Caller {
  readonly userId: string
  readonly email: string
  readonly sessionId: string
  readonly token: string
}

export interface Side {
  readonly tenantId: string
  readonly slug: string
  /** Stands in every name that belongs to the workspace, so that an answer that leaks anything leaks this. */
  readonly mark: string
  readonly owner: Somebody
}

export async function newSomebody(
  parley: TestParley,
  label = 'somebody',
  options: { readonly expiresAt?: Date; readonly masterAdmin?: boolean } = {},
): Promise<Somebody> {
  const userId = newId()
  const sessionId = newId()
  const { stored: token, presented } = newSessionToken()
  const email = `${label}-${userId}@people.example`
  await parley.owner.query(
    'insert into users (id, email, name, email_verified, platform_role) values ($1, $2, $3, true, $4)',
    [userId, email, label, options.masterAdmin ? 'master_admin' : 'user'],
  )
  await parley.owner.query(
    'insert into auth_sessions (id, token, user_id, expires_at) values ($1, $2, $3, $4)',
    [sessionId, token, userId, options.expiresAt ?? new Date(Date.now() + 3_600_000)],
  )
  return { userId, email, sessionId, token, ...callerWith(parley, { authorization: `Bearer ${presented}` }) }
}

export async function newSide(parley: TestParley, label: string, status = 'active'): Promise<Side> {
  const tenantId = newId()
  const mark = `${label}${randomBytes(6).toString('hex')}`
  const slug = `w-${mark}`
  await parley.owner.query('insert into tenants (id, name, slug, status) values ($1, $2, $3, $4)', [
    tenantId,
    `Workspace ${mark}`,
    slug,
    status,
  ])
  const owner = await newSomebody(parley, `owner-${mark}`)
  const side = { tenantId, slug, mark, owner }
  await join(parley, side, owner, 'owner')
  return side
}

export async function join(
  parley: TestParley,
  { tenantId }: Pick<Side, 'tenantId'>,
  { userId }: Pick<Somebody, 'userId'>,
  role: string,
  status = 'active',
): Promise<string> {
  const memberId = newId()
  await parley.owner.query(
    'insert into members (tenant_id, id, user_id, role, status) values ($1, $2, $3, $4, $5)',
    [tenantId, memberId, userId, role, status],
  )
  return memberId
}

export interface Key {
  readonly id: string
  readonly key: string
}

/** Makes things of a workspace. */
export function makerFor(parley: TestParley, side: Pick<Side, 'tenantId' | 'mark'>) {
  const { tenantId, mark } = side
  const insert = async (table: string, values: Record<string, unknown>): Promise<string> => {
    const id = newId()
    const row: Record<string, unknown> = { tenant_id: tenantId, id, ...values }
    const columns = Object.keys(row)
    const places = columns.map((_, at) => `$${at + 1}`).join(', ')
    await parley.owner.query(
      `insert into ${table} (${columns.join(', ')}) values (${places})`,
      Object.values(row),
    )
    return id
  }
  const unique = (what: string) => `${what} ${mark} ${newId()}`
  const role = (permissions: readonly string[]) =>
    insert('custom_roles', { name: unique('role').slice(0, 60), permissions })
  const assign = (memberId: string, roleId: string) =>
    insert('role_assignments', { member_id: memberId, role_id: roleId })
  const widget = () => insert('widgets', { name: unique('widget'), public_key: unique('key') })
  const agent = () => insert('agents', { name: unique('agent') })
  const contact = () => insert('contacts', { name: unique('contact'), email: `${newId()}@${mark}.example` })
  /** A workspace has one for each period: the one that is there, or a new one. */
  const budget = async (): Promise<string> => {
    const { rows } = await parley.owner.query<{ id: string }>(
      `select id from budgets where tenant_id = $1 and period = 'day'`,
      [tenantId],
    )
    return rows[0]?.id ?? insert('budgets', { period: 'day', limit_usd: 7, period_start: new Date() })
  }
  return {
    role,
    assign,
    budget,
    retrieval: () =>
      insert('retrievals', {
        ...{ query: unique('question'), method: 'exact', embedder: 'built-in-4/1536' },
        ...{ confidence: 0.5, judgement: 'unsure', latency_ms: 1 },
      }),
    chunk: () =>
      insertPassage(parley.owner, tenantId, { title: unique('document'), text: unique('delivery to') }),
    cost: () => insert('cost_events', { service: 'model', provider: 'openai', model: unique('model') }),
    alert: async () =>
      insert('budget_alerts', {
        ...{ budget_id: await budget(), threshold: Math.random().toFixed(3), current_spend: 5 },
        ...{ severity: 'notice', period_start: new Date(Math.floor(Math.random() * 1e12)) },
      }),
    source: async () => {
      const values = { name: unique('source'), type: 'text', status: 'ready', url: unique('url') }
      const source_id = await insert('knowledge_sources', { ...values, metadata: '{"text": "words"}' })
      const document = { uri: 'text', title: unique('document'), mime_type: 'text/plain', content_hash: '0' }
      await insert('knowledge_documents', { source_id, ...document })
      return source_id
    },
    contact,
    widget,
    agent,
    publishedAgent: async () => {
      const id = await agent()
      const definition = {
        ...{ name: unique('agent'), instructions: unique('say'), welcomeMessage: null, provider: 'default' },
        ...{ model: null, parameters: {}, tools: [], toolResources: {}, allowedMcpServers: {} },
        ...{ escalationRules: {}, limits: {} },
      }
      await insert('agent_versions', { agent_id: id, version: 1, definition })
      await parley.owner.query(
        `update agents set published = true, version = 1, status = 'active' where id = $1`,
        [id],
      )
      return id
    },
    hide: (agent_id: string, member_id: string) =>
      insert('agent_permissions', { agent_id, member_id, visibility: 'hidden' }),
    memory: async () => {
      const contactId = await contact()
      const memory = { contact_id: contactId, key: unique('key'), value: unique('value'), source: 'manual' }
      return { contactId, id: await insert('memories', memory) }
    },
    mcpServer: () =>
      insert('mcp_servers', { name: unique('server'), transport: 'sse', url: 'http://127.0.0.1:1/sse' }),
    /** Its material opens nothing; what is tried is who may reach it. */
    widgetWithIdentity: async () => {
      const widget_id = await widget()
      const columns = '(tenant_id, widget_id, algorithm, material)'
      await parley.owner.query(`insert into widget_identities ${columns} values ($1, $2, 'HS256', '')`, [
        ...[tenantId, widget_id],
      ])
      return widget_id
    },
    member: async (memberRole = 'member', status = 'active') => {
      const person = await newSomebody(parley, `${memberRole}-${mark}`)
      return { ...person, memberId: await join(parley, side, person, memberRole, status) }
    },
    /** A member whose own role gives little, with exactly these permissions on top. */
    memberWith: async (permissions: readonly string[]) => {
      const person = await newSomebody(parley, `custom-${mark}`)
      const memberId = await join(parley, side, person, 'member')
      await assign(memberId, await role(permissions))
      return { ...person, memberId }
    },
    key: async (
      permissions: readonly string[],
      dates: { expires_at?: Date; revoked_at?: Date } = {},
    ): Promise<Key> => {
      const { token, hash } = newTenantToken('parley', tenantId)
      // Used in the future: the note of its last use would otherwise look like a change to the workspace.
      const last_used_at = new Date(Date.now() + 3_600_000)
      const values = {
        name: unique('key'),
        permissions,
        hash,
        prefix: token.slice(0, 13),
        last_used_at,
        ...dates,
      }
      return { id: await insert('api_keys', values), key: token }
    },
    invitation: async (email = `${newId()}@${mark}.example`, invitedAs = 'member') => {
      const { token } = newTenantToken('invite', tenantId)
      const expires_at = new Date(Date.now() + 3_600_000)
      const values = { email, role: invitedAs, token_hash: hashToken(token), expires_at }
      return { id: await insert('invitations', values), token }
    },
    /** The row alone; what is tried is who may reach it. */
    file: async () => {
      const conversation_id = await insert('conversations', { title: unique('talk') })
      return insert('files', {
        ...{ conversation_id, uploader_kind: 'member', uploader_id: newId(), storage_provider: 'disk' },
        ...{ filename: unique('file'), original_name: unique('file'), storage_key: unique('key') },
        ...{ mime_type: 'image/png', size: 1, sha256: '0' },
      })
    },
    ticket: async () => {
      const conversationId = await insert('conversations', { title: unique('talk') })
      const guestId = newId()
      const expires_at = new Date(Date.now() + 3_600_000)
      const given = { conversation_id: conversationId, guest_id: guestId, issued_by: newId(), expires_at }
      await insert('join_tickets', given)
      return { conversationId, guestId }
    },
    survey: async () => {
      const conversation_id = await insert('conversations', { title: unique('talk') })
      return insert('surveys', { conversation_id, rating: 4, comment: unique('thoughts') })
    },
    escalation: async () => {
      const conversation_id = await insert('conversations', { title: unique('talk') })
      const brief = { summary: unique('summary'), asked: '', tried: [], contact: { name: unique('visitor') } }
      const why = { reason: 'asked_for_person', detail: unique('why') }
      return insert('escalations', { conversation_id, epoch: 1, ...why, brief })
    },
    conversation: async () => {
      const contact_id = await insert('contacts', { name: unique('visitor') })
      const id = await insert('conversations', { title: unique('talk'), contact_id, seq: 1, public_seq: 1 })
      await insert('messages', {
        conversation_id: id,
        seq: 1,
        public_seq: 1,
        role: 'user',
        sender_kind: 'contact',
        sender_id: contact_id,
        client_id: 'first',
        text: unique('hello'),
      })
      return id
    },
  }
}

export type Maker = ReturnType<typeof makerFor>

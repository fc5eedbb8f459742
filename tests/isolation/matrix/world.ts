import { randomBytes } from 'node:crypto'
import { hashToken, newId, newTenantToken } from '../../../src/kernel/index.ts'
import type { TestParley } from '../../support/parley.ts'
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
  return {
    role,
    assign,
    contact: () => insert('contacts', { name: unique('contact'), email: `${newId()}@${mark}.example` }),
    widget: () => insert('widgets', { name: unique('widget'), public_key: unique('key') }),
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

import { newId, type Role } from '../../src/kernel/index.ts'
import type { TestParley } from './parley.ts'
import { callerWith, newWorkspace, type Person, type Workspace } from './people.ts'
import { newSessionToken } from './sessionToken.ts'

/** All they need of a program, in whichever process it runs. */
type Reachable = Pick<TestParley, 'url' | 'owner'>

/**
 * People whose session is written straight into the table. Signing in hashes a password, which is slow on purpose; whoever does
 * not test accounts takes these.
 */
export async function quickPerson(parley: Reachable, name = 'Quick'): Promise<Person> {
  const userId = newId()
  const email = `${name.toLowerCase()}-${userId}@people.example`
  const token = newSessionToken()
  await parley.owner.query(
    `with person as (insert into users (id, email, name, email_verified) values ($1, $2, $3, true) returning id)
     insert into auth_sessions (id, token, user_id, expires_at) select $4, $5, id, now() + interval '1 day' from person`,
    [userId, email, name, newId(), token.stored],
  )
  return {
    userId,
    email,
    password: '',
    token: token.presented,
    ...callerWith(parley, { authorization: `Bearer ${token.presented}` }),
  }
}

const password = 'correct horse battery'
let hashed: Promise<string> | undefined

/** The same with a password to sign in with; it is hashed once per file. */
export async function quickAccount(parley: Reachable): Promise<Person> {
  const { hashPassword } = await import('better-auth/crypto')
  hashed ??= hashPassword(password)
  const person = await quickPerson(parley)
  await parley.owner.query(
    `insert into accounts (id, account_id, provider_id, user_id, password) values ($1, $2::uuid::text, 'credential', $2::uuid, $3)`,
    [newId(), person.userId, await hashed],
  )
  return { ...person, password }
}

export const quickWorkspace = async (parley: Reachable): Promise<Workspace> =>
  newWorkspace(parley, await quickPerson(parley, 'Owner'))

export async function quickMember(
  parley: Reachable,
  { tenantId }: Workspace,
  role: Role,
): Promise<Person & { memberId: string }> {
  const person = await quickPerson(parley, role)
  const memberId = newId()
  await parley.owner.query('insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, $4)', [
    tenantId,
    memberId,
    person.userId,
    role,
  ])
  return { ...person, memberId }
}

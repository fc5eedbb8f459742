import { newId, type Role } from '../../src/kernel/index.ts'
import type { Problem } from '../../src/protocol/index.ts'
import type { TestParley } from './parley.ts'

export interface Answer<Body = Record<string, never>> {
  readonly status: number
  readonly headers: Headers
  readonly body: Body & Partial<Problem>
}

export interface Caller {
  /** Sends JSON with this caller's credential and reads the answer. */
  call<Body = Record<string, never>>(
    method: string,
    path: string,
    body?: unknown,
    headers?: Record<string, string>,
  ): Promise<Answer<Body>>
}

export interface Person extends Caller {
  readonly userId: string
  readonly email: string
  readonly password: string
  readonly token: string
}

export const callerWith = (parley: { url: string }, credential: Record<string, string> = {}): Caller => ({
  async call<Body>(method: string, path: string, body?: unknown, headers: Record<string, string> = {}) {
    const response = await fetch(`${parley.url}${path}`, {
      method: method.toUpperCase(),
      headers: {
        ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        ...credential,
        ...headers,
      },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      redirect: 'manual',
    })
    const text = await response.text()
    const json = /json/.test(response.headers.get('content-type') ?? '')
    return {
      status: response.status,
      headers: response.headers,
      body: (json && text ? JSON.parse(text) : {}) as Body,
    }
  },
})

export const nobody = (parley: { url: string }): Caller => callerWith(parley)

export const keyCaller = (parley: { url: string }, key: string): Caller =>
  callerWith(parley, { authorization: `Bearer ${key}` })

/** The hash of `password`, made once: hashing is slow on purpose, and these tests are not about it. */
const password = 'correct horse battery'
let hashed: Promise<string> | undefined

/** A person with a verified address who is signed in; the sign-in is real, the sign-up is written straight into the tables. */
export async function newPerson(parley: Pick<TestParley, 'url' | 'owner'>, name = 'Ada'): Promise<Person> {
  const { hashPassword } = await import('better-auth/crypto')
  hashed ??= hashPassword(password)
  const userId = newId()
  const email = `${name.toLowerCase()}-${userId}@people.example`
  await parley.owner.query('insert into users (id, email, name, email_verified) values ($1, $2, $3, true)', [
    userId,
    email,
    name,
  ])
  await parley.owner.query(
    `insert into accounts (id, account_id, provider_id, user_id, password) values ($1, $2, 'credential', $3, $4)`,
    [newId(), userId, userId, await hashed],
  )
  const token = await signIn(parley, email, password)
  return { userId, email, password, token, ...callerWith(parley, { authorization: `Bearer ${token}` }) }
}

export async function signIn(parley: { url: string }, email: string, secret: string): Promise<string> {
  const answer = await nobody(parley).call<{ token: string }>('post', '/api/auth/sign-in/email', {
    email,
    password: secret,
  })
  if (answer.status !== 200)
    throw new Error(`sign-in answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return answer.body.token
}

export interface Workspace {
  readonly tenantId: string
  readonly slug: string
  readonly owner: Person
}

export async function newWorkspace(
  parley: Pick<TestParley, 'url' | 'owner'>,
  owner?: Person,
): Promise<Workspace> {
  const founder = owner ?? (await newPerson(parley, 'Owner'))
  const slug = `w-${newId().slice(-12)}`
  const answer = await founder.call<{ id: string }>('post', '/api/v1/tenants', {
    name: `Workspace ${slug}`,
    slug,
  })
  if (answer.status !== 201)
    throw new Error(`creating a workspace answered ${answer.status}: ${JSON.stringify(answer.body)}`)
  return { tenantId: answer.body.id, slug, owner: founder }
}

/** A further person in the workspace, put there directly. */
export async function newMember(
  parley: TestParley,
  workspace: Workspace,
  role: Role,
): Promise<Person & { memberId: string }> {
  const person = await newPerson(parley, role)
  const memberId = newId()
  await parley.owner.query('insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, $4)', [
    workspace.tenantId,
    memberId,
    person.userId,
    role,
  ])
  return { ...person, memberId }
}

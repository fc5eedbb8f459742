import { spawn } from 'node:child_process'
import { createHmac, randomBytes } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { createVault, newId, Secret } from '../../src/kernel/index.ts'
import { atParentExit } from '../../tests/support/services/parent-exit.ts'
import type { BenchmarkContext } from './benchmark.ts'
import { type Child, callable, cpuOf, serverCore } from './children.ts'
import type { TemporaryDatabase } from './database.ts'
import { pinned } from './processes.ts'

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
const secret = 'a secret for benchmarks, long enough to sign with'
const signingSecret = createVault(new Secret(secret)).derive('accounts')

/** The product as it is started anywhere, on a core of its own. */
export interface Program {
  readonly pid: number
  readonly url: string
  readonly cpu: () => number
  /** Answered by what was loaded into it before it began, if anything was. */
  readonly call: Child['call']
}

/** Limits that protect against what a benchmark does on purpose are out of its way; nothing else is changed. */
const unlimited = {
  COMMANDS_PER_SECOND: '1000000',
  TENANT_COMMANDS_PER_SECOND: '10000000',
  CONNECTIONS_PER_ADDRESS: '1000000',
  REQUESTS_PER_MINUTE: '1000000',
  SIGN_INS_PER_MINUTE: '1000000',
}

export async function startProgram(
  { undo, profile }: Pick<BenchmarkContext, 'undo' | 'profile'>,
  { connection }: Pick<TemporaryDatabase, 'connection'>,
  environment: Readonly<Record<string, string>> = {},
  nodeArguments: readonly string[] = [],
): Promise<Program> {
  if (!('url' in connection)) throw new Error('the program under test takes its database by address')
  const folder = await mkdtemp(join(tmpdir(), 'parley-bench-'))
  undo.defer(() => rm(folder, { recursive: true, force: true }))
  const options = ['--disable-warning=ExperimentalWarning', ...profile('program'), ...nodeArguments]
  const [command = '', ...args] = pinned([serverCore], [process.execPath, ...options, main])
  const child = spawn(command, args, {
    cwd: folder,
    env: {
      ...{ PATH: process.env.PATH, HOME: process.env.HOME, PORT: '0', PARLEY_DATA: folder },
      ...{ PARLEY_SECRET: secret, DATABASE_URL: connection.url, SEED_DEMO: 'false', LOG_LEVEL: 'warn' },
      ...unlimited,
      ...environment,
    },
    // As it is started anywhere, unless something is to be asked of what was loaded into it.
    stdio: ['ignore', 'pipe', 'inherit', ...(nodeArguments.length > 0 ? ['ipc' as const] : [])],
  })
  const forget = atParentExit(() => child.kill('SIGKILL'))
  const { call, ended } = callable(child, 'the program')
  undo.defer(async () => {
    child.kill('SIGTERM')
    // What was loaded into it keeps it going for as long as it can be called.
    if (child.connected) child.disconnect()
    await ended
    forget()
  })
  const url = await new Promise<string>((resolve, reject) => {
    let output = ''
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      output += text
      const found = /Start page {3}(\S+)\/\n/.exec(output)?.[1]
      if (found !== undefined) resolve(found)
    })
    child.once('exit', code => reject(new Error(`the program ended with ${code}: ${output}`)))
  })
  const pid = child.pid ?? 0
  return { pid, url, cpu: () => cpuOf(pid), call }
}

export interface Member {
  readonly token: string
}

/** Someone with an account who is signed in, written straight into the tables: signing in is slow on purpose. */
async function newPerson({ owner }: TemporaryDatabase): Promise<{ userId: string; token: string }> {
  const userId = newId()
  const stored = randomBytes(24).toString('base64url')
  await owner.query(
    `with person as (insert into users (id, email, name, email_verified) values ($1, $2, 'Person', true) returning id)
     insert into auth_sessions (id, token, user_id, expires_at) select $3, $4, id, now() + interval '1 day' from person`,
    [userId, `${userId}@people.example`, newId(), stored],
  )
  const signature = createHmac('sha256', signingSecret).update(stored).digest('base64')
  return { userId, token: `${stored}.${signature}` }
}

export interface Workspace {
  readonly tenantId: string
  readonly widgetKey: string
  readonly widgetId: string
  /** May do everything. */
  readonly founder: Member
  readonly members: readonly Member[]
}

export async function newWorkspace(
  { url }: Pick<Program, 'url'>,
  database: TemporaryDatabase,
  memberCount: number,
): Promise<Workspace> {
  const founder = await newPerson(database)
  const post = async <Body>(path: string, body: object) => {
    const response = await fetch(`${url}/api/v1/${path}`, {
      method: 'POST',
      headers: { 'content-type': 'application/json', authorization: `Bearer ${founder.token}` },
      body: JSON.stringify(body),
    })
    if (response.status !== 201) throw new Error(`${path}: ${response.status} ${await response.text()}`)
    return (await response.json()) as Body
  }
  const slug = `w-${newId().slice(-12)}`
  const { id: tenantId } = await post<{ id: string }>('tenants', { name: slug, slug })
  const widget = { name: 'Widget', allowedDomains: ['shop.example'] }
  const { id: widgetId, publicKey } = await post<{ id: string; publicKey: string }>('widgets', widget)
  const members: Member[] = []
  for (let at = 0; at < memberCount; at++) {
    const { userId, token } = await newPerson(database)
    const row = [tenantId, newId(), userId, 'support_agent']
    await database.owner.query(
      'insert into members (tenant_id, id, user_id, role) values ($1, $2, $3, $4)',
      row,
    )
    members.push({ token })
  }
  return { tenantId, widgetKey: publicKey, widgetId, founder, members }
}

export async function newVisitor({ url }: Pick<Program, 'url'>, widget: string): Promise<{ token: string }> {
  const response = await fetch(`${url}/api/v1/visitor/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ widget }),
  })
  if (response.status !== 201) throw new Error(`no visit: ${response.status} ${await response.text()}`)
  return (await response.json()) as { token: string }
}

import { spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Readable } from 'node:stream'
import { fileURLToPath } from 'node:url'
import { copyOfEmbeddedTemplate } from './databases.ts'
import { eventually } from './eventually.ts'
import { type Caller, callerWith, nobody } from './people.ts'
import { atParentExit } from './services/parent-exit.ts'

/** Where a program runs: folders of its own for everything it could write to, gone at the end. */
export interface Workplace extends AsyncDisposable {
  readonly root: string
  readonly home: string
  /** The working folder. */
  readonly work: string
  readonly temporary: string
  /** PARLEY_DATA; made by the program itself. */
  readonly data: string
}

export async function workplace(options: { prepared?: boolean } = {}): Promise<Workplace> {
  const root = mkdtempSync(join(tmpdir(), 'parley-process-'))
  const place = (name: string) => join(root, name)
  for (const name of ['home', 'work', 'tmp']) mkdirSync(place(name))
  const data = place('data')
  if (options.prepared) {
    // Migrated beforehand, which saves each test the seconds of a first start.
    mkdirSync(data, { mode: 0o700 })
    await copyOfEmbeddedTemplate(join(data, 'db'))
  }
  return {
    root,
    home: place('home'),
    work: place('work'),
    temporary: place('tmp'),
    data,
    [Symbol.asyncDispose]: () => rm(root, { recursive: true, force: true, maxRetries: 10, retryDelay: 100 }),
  }
}

export interface Exit {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
}

export interface Program extends AsyncDisposable {
  readonly pid: number
  readonly ended: Promise<Exit>
  /** What it ended with; undefined while it runs. */
  exit(): Exit | undefined
  stdout(): string
  stderr(): string
  /** Resolves with the address it prints once it serves; fails at once when it ends instead. */
  serving(withinMs?: number): Promise<{ url: string }>
  signal(signal: NodeJS.Signals): void
  /** To all of its group, as a terminal does with Ctrl-C. */
  signalGroup(signal: NodeJS.Signals): void
  /** SIGTERM, and the end that follows. */
  stop(): Promise<Exit>
}

const main = fileURLToPath(new URL('../../src/main.ts', import.meta.url))
export const nodeCommand = [process.execPath, '--disable-warning=ExperimentalWarning', main] as const

export interface ProgramOptions {
  readonly environment?: Readonly<Record<string, string>>
  readonly command?: readonly string[]
  readonly folder?: string
}

/** The program as a person starts it: a process of its own, with nothing of our environment but PATH. */
export function startProgram(at: Workplace, options: ProgramOptions = {}): Program {
  const [command = '', ...args] = options.command ?? nodeCommand
  const child = spawn(command, args, {
    cwd: options.folder ?? at.work,
    env: {
      PATH: process.env.PATH,
      HOME: at.home,
      TMPDIR: at.temporary,
      PORT: '0',
      PARLEY_DATA: at.data,
      ...options.environment,
    },
    // A group of its own, so that nothing it starts can outlive the test.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const pid = child.pid ?? 0
  const signalGroup = (signal: NodeJS.Signals) => {
    if (pid > 0) signalIfThere(-pid, signal)
  }
  const forget = atParentExit(() => signalGroup('SIGKILL'))
  const stdout = collect(child.stdout)
  const stderr = collect(child.stderr)
  let exit: Exit | undefined
  const ended = new Promise<Exit>((resolve, reject) => {
    child.once('error', reject)
    // Not 'close': what it started may hold its output open a moment longer.
    child.once('exit', (code, signal) => {
      exit = { code, signal }
      resolve(exit)
    })
  })
  ended.catch(() => undefined)
  const output = () => `stdout:\n${stdout()}\nstderr:\n${stderr()}`
  return {
    pid,
    ended,
    exit: () => exit,
    stdout,
    stderr,
    async serving(withinMs = 50_000) {
      let url = ''
      const served = () => {
        if (exit) throw new Error(`it ended with ${exit.code ?? exit.signal}; ${output()}`)
        url = /Start page {3}(\S+)\/\n/.exec(stdout())?.[1] ?? ''
        return url !== ''
      }
      await eventually(`it serves (pid ${pid})`, served, withinMs).catch((error: Error) => {
        throw new Error(`${error.message}; ${output()}`)
      })
      return { url }
    },
    signal: signal => signalIfThere(pid, signal),
    signalGroup,
    async stop() {
      signalIfThere(pid, 'SIGTERM')
      return ended
    },
    async [Symbol.asyncDispose]() {
      if (!exit) signalIfThere(pid, 'SIGTERM')
      const killer = setTimeout(() => signalGroup('SIGKILL'), 5_000)
      await ended.catch(() => undefined)
      clearTimeout(killer)
      signalGroup('SIGKILL')
      forget()
    },
  }
}

function signalIfThere(pid: number, signal: NodeJS.Signals): void {
  try {
    process.kill(pid, signal)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function collect(stream: Readable): () => string {
  let text = ''
  stream.setEncoding('utf8').on('data', (chunk: string) => {
    text += chunk
  })
  return () => text
}

/** The database process of the program that serves this data folder, by the note it leaves beside its lock. */
export function databasePid(at: Workplace): number | undefined {
  try {
    return JSON.parse(readFileSync(join(at.data, 'db', 'database.pid'), 'utf8')).pid
  } catch {
    return undefined
  }
}

/** What it logged of a kind. */
export const linesWith = (program: Program, text: string): string[] =>
  program
    .stdout()
    .split('\n')
    .filter(line => line.includes(text))

/** For tests that are not about limits. */
export const unlimited = { REQUESTS_PER_MINUTE: '1000000', SIGN_INS_PER_MINUTE: '1000000' }

/** Whoever holds the login that the program printed. */
export async function demoOwner(program: Program): Promise<Caller & { url: string; authorization: string }> {
  const { url } = await program.serving()
  const [, email, password] = /Demo login {3}(\S+) {2}(\S+)\n/.exec(program.stdout()) ?? []
  const answer = await nobody({ url }).call<{ token: string }>(
    'post',
    '/api/auth/sign-in/email',
    {
      ...{ email, password },
    },
    { origin: url },
  )
  if (answer.status !== 200) throw new Error(`the demo login was answered with ${answer.status}`)
  const authorization = `Bearer ${answer.body.token}`
  return { url, authorization, ...callerWith({ url }, { authorization }) }
}

interface Page<Item> {
  readonly items: Item[]
  readonly nextCursor: string | null
}

/** All items of a paged list. */
export async function everything<Item>(caller: Caller, path: string): Promise<Item[]> {
  const items: Item[] = []
  for (let cursor: string | null = ''; cursor !== null; ) {
    const query: string = cursor === '' ? 'limit=100' : `limit=100&cursor=${encodeURIComponent(cursor)}`
    const answer = await caller.call<Page<Item>>('get', `${path}${path.includes('?') ? '&' : '?'}${query}`)
    if (answer.status !== 200) throw new Error(`${path} answered ${answer.status}`)
    items.push(...answer.body.items)
    cursor = answer.body.nextCursor
  }
  return items
}

import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { freePort, type RunningServer, startServer } from './services/process.ts'

/** The folder that holds src/, drizzle/ and node_modules/. */
const ownRoot = join(import.meta.dirname, '..', '..')

export interface NodePlan {
  readonly name: string
  /** For PARLEY_DATA and everything else it writes. */
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Where its program is; another than our own holds a changed copy. */
  readonly root?: string | undefined
}

/** One gateway: a real process at a fixed address, which can be ended and started again. */
export interface GatewayNode {
  readonly url: string
  readonly port: number
  readonly running: boolean
  /** Resolves when it is ready for requests. */
  start(): Promise<void>
  /** SIGTERM, and the draining that follows. */
  stop(): Promise<void>
  /** SIGKILL: it has no last word. */
  kill(): Promise<void>
  /** SIGSTOP freezes it, SIGCONT lets it go on as if no time had passed. */
  signal(name: 'SIGSTOP' | 'SIGCONT'): void
}

export async function createNode(plan: NodePlan): Promise<GatewayNode> {
  const port = await freePort()
  const url = `http://127.0.0.1:${port}`
  const { name, folder, environment, root = ownRoot } = plan
  const place = (part: string) => join(folder, name, part)
  for (const part of ['home', 'tmp', 'data']) mkdirSync(place(part), { recursive: true, mode: 0o700 })
  const given = {
    PATH: process.env.PATH ?? '',
    HOME: place('home'),
    TMPDIR: place('tmp'),
    PARLEY_DATA: place('data'),
    PORT: String(port),
    LOG_LEVEL: 'warn',
    ...environment,
  }
  let server: RunningServer | undefined
  return {
    url,
    port,
    get running() {
      return server !== undefined
    },
    async start() {
      server ??= await startServer({
        name,
        command: 'env',
        // Nothing of our own environment: a setting in it would change what is tested.
        args: [
          '-i',
          ...Object.entries(given).map(([key, value]) => `${key}=${value}`),
          ...[process.execPath, '--disable-warning=ExperimentalWarning', join(root, 'src/main.ts')],
        ],
        cwd: place('home'),
        ready: async () => {
          const { status } = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(2_000) })
          if (status !== 200) throw new Error(`/readyz answers ${status}`)
        },
        deadlineMs: 60_000,
        graceMs: 30_000,
      })
    },
    async stop() {
      const ending = server
      server = undefined
      await ending?.stop()
    },
    async kill() {
      const ending = server
      server = undefined
      if (!ending) return
      process.kill(ending.pid, 'SIGKILL')
      await ending.stop()
    },
    signal(name) {
      if (server) process.kill(server.pid, name)
    },
  }
}

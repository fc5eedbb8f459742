import { type ChildProcess, spawn } from 'node:child_process'
import { createSocket } from 'node:dgram'
import { once } from 'node:events'
import { chownSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { isMainThread } from 'node:worker_threads'
import { findOnPath, type Identity, lastLines, reasonOf } from './command.ts'
import { atParentExit } from './parent-exit.ts'

export interface ServerPlan {
  name: string
  command: string
  args: readonly string[]
  cwd?: string
  identity?: Identity
  /** Resolves when the server answers; throws while it does not yet. Must have a deadline of its own. */
  ready(): Promise<void>
  deadlineMs: number
  /** SIGTERM unless the server means something slower by it. */
  stopSignal?: NodeJS.Signals
  /** How long the polite signal may take before SIGKILL. */
  graceMs: number
}

export interface RunningServer {
  pid: number
  stop(): Promise<void>
}

const keptOutput = 8_000

export async function startServer(plan: ServerPlan): Promise<RunningServer> {
  const stopSignal = plan.stopSignal ?? 'SIGTERM'
  const [command, args] = dyingWithParent(plan.command, plan.args, stopSignal)
  const child = spawn(command, args, {
    cwd: plan.cwd,
    ...plan.identity,
    // Out of the terminal's group: Ctrl-C is for us, and we then stop the server in good order.
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  const forget = atParentExit(() => child.kill(stopSignal))
  let output = ''
  const keep = (text: string) => {
    output = (output + text).slice(-keptOutput)
  }
  child.stdout.setEncoding('utf8').on('data', keep)
  child.stderr.setEncoding('utf8').on('data', keep)
  let ended: string | undefined
  child.once('error', error => {
    ended = `could not be started (${error.message})`
  })
  child.once('exit', (code, signal) => {
    ended ??= `ended by itself with ${code ?? signal}`
  })
  const stop = async () => {
    await end(child, stopSignal, plan.graceMs)
    forget()
  }
  try {
    await untilReady(plan.ready, plan.deadlineMs, () => ended)
  } catch (error) {
    await stop()
    throw new Error(`${plan.name} ${reasonOf(error)}${output === '' ? '' : `: ${lastLines(output)}`}`)
  }
  return { pid: child.pid ?? 0, stop }
}

/** Asks until it answers; `ended` gives a reason as soon as waiting on has become pointless. */
export async function untilReady(
  ready: () => Promise<void>,
  deadlineMs: number,
  ended: () => string | undefined,
): Promise<void> {
  const deadline = performance.now() + deadlineMs
  for (;;) {
    const reason = ended()
    if (reason !== undefined) throw new Error(reason)
    try {
      await ready()
      // Somebody else may answer on that port while ours failed to get it.
      if (ended() === undefined) return
    } catch (error) {
      if (performance.now() > deadline)
        throw new Error(`was not ready within ${deadlineMs / 1000} s (${reasonOf(error)})`)
    }
    await sleep(100)
  }
}

/** A free port may be taken between our asking and the server's listening: then once more with others. */
export async function retryingPortClash<T>(start: () => Promise<T>): Promise<T> {
  for (let left = 2; ; left--) {
    try {
      return await start()
    } catch (error) {
      if (left === 0 || !/address already in use|EADDRINUSE/i.test(reasonOf(error))) throw error
    }
  }
}

export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  server.close()
  await once(server, 'close')
  if (address === null || typeof address === 'string') throw new Error('no port was given')
  return address.port
}

export async function freeUdpPort(): Promise<number> {
  const socket = createSocket('udp4').bind(0, '127.0.0.1')
  await once(socket, 'listening')
  const { port } = socket.address()
  socket.close()
  await once(socket, 'close')
  return port
}

export interface TemporaryFolder {
  path: string
  remove(): void
}

export function temporaryFolder(purpose: string, owner?: Identity): TemporaryFolder {
  const path = mkdtempSync(join(tmpdir(), `parley-test-${purpose}-`))
  if (owner !== undefined) chownSync(path, owner.uid, owner.gid)
  const clean = () => removeFolder(path)
  const forget = atParentExit(clean)
  return {
    path,
    remove() {
      clean()
      forget()
    },
  }
}

/**
 * At the end of this process the server that lives in the folder is only just being told to go, and still writes:
 * hence the patience. Looked at afterwards, because rmSync is silent about a folder that filled again under it.
 */
function removeFolder(path: string): void {
  const pause = new Int32Array(new SharedArrayBuffer(4))
  for (let left = 30; left > 0; left--) {
    rmSync(path, { recursive: true, force: true })
    if (!existsSync(path)) return
    Atomics.wait(pause, 0, 0, 100)
  }
}

async function end(child: ChildProcess, signal: NodeJS.Signals, graceMs: number): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  const exited = once(child, 'exit')
  const killer = setTimeout(() => child.kill('SIGKILL'), graceMs)
  child.kill(signal)
  await exited
  clearTimeout(killer)
}

/**
 * No 'exit' runs here when this process is killed outright; on Linux the kernel can pass the news on. It watches
 * the starting thread, so not from a worker, whose end is not the end of the test run.
 */
function dyingWithParent(
  command: string,
  args: readonly string[],
  signal: NodeJS.Signals,
): [string, readonly string[]] {
  if (process.platform !== 'linux' || !isMainThread) return [command, args]
  const setpriv = findOnPath(['setpriv'], process.env)
  if (setpriv === undefined) return [command, args]
  return [setpriv, ['--pdeathsig', signal.slice('SIG'.length), '--', command, ...args]]
}

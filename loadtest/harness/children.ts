import { type ChildProcess, spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { atParentExit } from '../../tests/support/services/parent-exit.ts'
import type { BenchmarkContext } from './benchmark.ts'
import { pinned, readCpu } from './processes.ts'

/** Of two cores: what is measured has one for itself, what makes the load has the other. */
export const serverCore = 0
export const loadCore = 1

/** A part of a benchmark in a process of its own, which answers calls. */
export interface Child {
  readonly pid: number
  call<Answer>(method: string, ...args: unknown[]): Promise<Answer>
  /** CPU seconds it has used, all threads. */
  cpu(): number
  stop(): Promise<void>
}

export interface Reply {
  readonly id: number
  readonly value?: unknown
  readonly error?: string
}

interface Plan {
  readonly core: number
  readonly nodeArguments?: readonly string[]
  readonly environment?: Readonly<Record<string, string>>
}

/** Starts a file of loadtest/ that serves calls (see parts.ts). */
export function startChild({ undo }: Pick<BenchmarkContext, 'undo'>, file: string, plan: Plan): Child {
  const path = fileURLToPath(new URL(`../${file}`, import.meta.url))
  const options = ['--disable-warning=ExperimentalWarning', ...(plan.nodeArguments ?? [])]
  const [command = '', ...args] = pinned([plan.core], [process.execPath, ...options, path])
  const child = spawn(command, args, {
    env: { ...process.env, ...plan.environment },
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  })
  const { call, ended } = callable(child, file)
  const forget = atParentExit(() => child.kill('SIGKILL'))
  const stop = async () => {
    // It ends by itself when nobody is there to call it, and leaves its profile.
    if (child.connected) child.disconnect()
    const killer = setTimeout(() => child.kill('SIGKILL'), 5_000)
    await ended
    clearTimeout(killer)
    forget()
  }
  undo.defer(stop)
  return { pid: child.pid ?? 0, call, cpu: () => cpuOf(child.pid ?? 0), stop }
}

/** The calls of a process that serves some, over its channel; and its end, which refuses those that are not answered. */
export function callable(
  child: ChildProcess,
  file: string,
): Pick<Child, 'call'> & { readonly ended: Promise<void> } {
  const waiting = new Map<number, PromiseWithResolvers<unknown>>()
  const ended = new Promise<void>(resolve => {
    child.once('exit', (code, signal) => {
      for (const { reject } of waiting.values()) reject(new Error(`${file} ended with ${code ?? signal}`))
      resolve()
    })
  })
  child.on('message', ({ id, value, error }: Reply) => {
    const call = waiting.get(id)
    waiting.delete(id)
    if (error === undefined) call?.resolve(value)
    else call?.reject(new Error(`${file}: ${error}`))
  })
  let calls = 0
  return {
    ended,
    call: <Answer>(method: string, ...args: unknown[]) => {
      const call = Promise.withResolvers<unknown>()
      const id = ++calls
      waiting.set(id, call)
      send(child, { id, method, args })
      return call.promise as Promise<Answer>
    },
  }
}

const send = (child: ChildProcess, message: object): void => {
  if (!child.connected) throw new Error('a process of the benchmark is gone')
  child.send(message)
}

/** CPU seconds of one process that is there for certain. */
export function cpuOf(pid: number): number {
  const seconds = readCpu([pid]).get(pid)
  if (seconds === undefined) throw new Error(`the CPU time of process ${pid} cannot be read`)
  return seconds
}

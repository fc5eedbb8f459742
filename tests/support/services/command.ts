import { spawn } from 'node:child_process'
import { accessSync, constants, statSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { atParentExit } from './parent-exit.ts'

export interface Identity {
  uid: number
  gid: number
}

export interface RunOptions {
  timeoutMs: number
  cwd?: string
  env?: NodeJS.ProcessEnv
  identity?: Identity
}

const keptOutput = 4_000
const drainMs = 500

/** Runs a command to its end and gives what it wrote to stdout; any other end throws with the tail of its output. */
export function run(command: string, args: readonly string[], options: RunOptions): Promise<string> {
  const shown = [command, ...args].join(' ').slice(0, 160)
  return new Promise((resolve, reject) => {
    // A group of its own, so that a deadline also reaches what the command itself started (dpkg, compilers).
    const child = spawn(command, args, {
      cwd: options.cwd,
      env: options.env,
      ...options.identity,
      detached: true,
      stdio: ['ignore', 'pipe', 'pipe'],
    })
    const signalGroup = (signal: NodeJS.Signals) => killGroup(child.pid, signal)
    const forget = atParentExit(() => signalGroup('SIGTERM'))
    let stdout = ''
    let tail = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      stdout += text
      tail = (tail + text).slice(-keptOutput)
    })
    child.stderr.setEncoding('utf8').on('data', (text: string) => {
      tail = (tail + text).slice(-keptOutput)
    })
    let late = false
    let killer: NodeJS.Timeout | undefined
    const deadline = setTimeout(() => {
      late = true
      signalGroup('SIGTERM')
      killer = setTimeout(() => signalGroup('SIGKILL'), 5_000)
    }, options.timeoutMs)
    const finish = (failure: string | undefined) => {
      clearTimeout(deadline)
      clearTimeout(killer)
      forget()
      child.stdout.destroy()
      child.stderr.destroy()
      if (failure === undefined) resolve(stdout)
      else reject(new Error(`\`${shown}\` ${failure}${tail === '' ? '' : `: ${lastLines(tail)}`}`))
    }
    child.once('error', error => finish(`could not be started (${error.message})`))
    child.once('exit', (code, signal) => {
      const failure = late
        ? `took longer than ${options.timeoutMs / 1000} s`
        : code === 0
          ? undefined
          : `ended with ${code ?? signal}`
      // Not 'close' alone: a daemon that a package's installer started keeps our pipes open for good.
      const drained = setTimeout(() => finish(failure), drainMs)
      child.once('close', () => {
        clearTimeout(drained)
        finish(failure)
      })
    })
  })
}

export function findOnPath(names: readonly string[], environment: NodeJS.ProcessEnv): string | undefined {
  const folders = (environment.PATH ?? '').split(delimiter).filter(folder => folder !== '')
  for (const name of names) {
    for (const folder of folders) {
      const path = join(folder, name)
      if (isExecutable(path)) return path
    }
  }
  return undefined
}

export function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return statSync(path).isFile()
  } catch {
    return false
  }
}

/** pg and the sockets report several failed addresses as one AggregateError with an empty message. */
export function reasonOf(error: unknown): string {
  if (error instanceof AggregateError && error.message === '') return error.errors.map(reasonOf).join('; ')
  return error instanceof Error ? error.message : String(error)
}

/** For an error message: what a command said last is what it ended on. */
export function lastLines(output: string, count = 8): string {
  return output.trim().split('\n').slice(-count).join('\n')
}

/** `0.8.0-1` is at least `0.8`; only the leading numbers count. */
export function versionAtLeast(version: string, wanted: string): boolean {
  const numbers = (text: string) => (/\d+(\.\d+)*/.exec(text)?.[0] ?? '').split('.').map(Number)
  const have = numbers(version)
  for (const [place, number] of numbers(wanted).entries()) {
    const difference = (have[place] ?? 0) - number
    if (difference !== 0) return difference > 0
  }
  return true
}

function killGroup(pid: number | undefined, signal: NodeJS.Signals): void {
  if (pid === undefined) return
  try {
    process.kill(-pid, signal)
  } catch {
    // It ended by itself in between.
  }
}

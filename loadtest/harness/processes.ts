import { existsSync, readFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'

// What /proc counts in; USER_HZ is 100 on every Linux that Node runs on.
const ticksPerSecond = 100

/** CPU seconds that processes have used since their start, by pid. */
export type CpuReading = ReadonlyMap<number, number>

/**
 * All threads, user and system. Leaves out what cannot be known: no /proc, or the process is gone. On a busy machine this says more
 * about the price of something than its speed does.
 */
export function readCpu(pids: readonly number[]): CpuReading {
  const reading = new Map<number, number>()
  for (const pid of pids) {
    const stat = readProc(pid, 'stat')
    if (stat === undefined) continue
    // The name in brackets may contain anything; user and system time are fields 14 and 15 of the whole line.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ')
    reading.set(pid, (Number(fields[11]) + Number(fields[12])) / ticksPerSecond)
  }
  return reading
}

/** What the processes of `after` have used since `before`. Undefined when there are none. */
export function secondsBetween(before: CpuReading, after: CpuReading): number | undefined {
  if (after.size === 0) return undefined
  return [...after].reduce((sum, [pid, seconds]) => sum + seconds - (before.get(pid) ?? 0), 0)
}

/** The command line that a process shows. */
export const commandLine = (pid: number): string | undefined => readProc(pid, 'cmdline')

function readProc(pid: number, file: string): string | undefined {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? error.code : undefined
    if (code === 'ENOENT' || code === 'ESRCH') return undefined
    throw error
  }
}

/**
 * The command that runs `command` on these cores alone, so that a server and its load do not take turns on one core. Where there is
 * no taskset (macOS) it is the command itself.
 */
export function pinned(cores: readonly number[], command: readonly string[]): readonly string[] {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const available = folders.some(folder => folder !== '' && existsSync(join(folder, 'taskset')))
  return available ? ['taskset', '--cpu-list', cores.join(','), ...command] : command
}

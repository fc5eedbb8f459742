import { type Benchmark, meets, type Outcome } from './benchmark.ts'
import type { Environment } from './environment.ts'

export interface Result {
  readonly benchmark: Benchmark
  readonly outcome: Outcome
  readonly environment: Environment
}

/** One line for machines. Its form is relied upon elsewhere: add to it, change nothing. */
export function jsonLine({ benchmark, outcome, environment }: Result): string {
  const { metrics, rounds, versions } = outcome
  return JSON.stringify({ name: benchmark.name, metrics, rounds, env: { ...versions, ...environment } })
}

export const missedTargets = ({ benchmark, outcome }: Result) =>
  benchmark.targets.filter(target => !meets(target, outcome.metrics[target.key] ?? Number.NaN))

/** A table for people: each figure's median and spread over the rounds, then the targets. */
export function summary(result: Result): string {
  const { benchmark, outcome, environment: env } = result
  const header = ['', 'median', 'least', 'most']
  const rows = Object.entries(outcome.metrics).map(([key, value]) => {
    const values = outcome.rounds.flatMap(round => round[key] ?? [])
    return [key, value, Math.min(...values), Math.max(...values)].map(cell)
  })
  const missed = new Set(missedTargets(result))
  const targets = benchmark.targets.map(target => {
    const { key, comparison, value } = target
    const verdict = missed.has(target) ? 'MISSED' : 'met'
    return `target ${key} ${comparison} ${value}: ${verdict} with ${cell(outcome.metrics[key] ?? Number.NaN)}`
  })
  const versions = Object.entries(outcome.versions).map(([name, version]) => `${name} ${version}`)
  const machine = `${env.cores} cores of ${env.cpu}, load ${env.load}; node ${env.node}, ${versions.join(', ')}`
  const tree = `parley ${env.parley} at ${env.commit.slice(0, 10)}${env.dirty ? ' with changes' : ''}`
  return [
    `${benchmark.name}: ${benchmark.summary}`,
    `${machine}; ${tree}; ${outcome.rounds.length} ${env.short ? 'short ' : ''}rounds`,
    ...align([header, ...rows]),
    ...targets,
    '',
  ].join('\n')
}

function cell(value: string | number): string {
  if (typeof value === 'string') return value
  return Math.abs(value) >= 1_000 ? value.toFixed(0) : value.toPrecision(3)
}

function align(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map(row => row[column]?.length ?? 0)))
  return rows.map(row =>
    row
      .map((text, column) =>
        column === 0 ? text.padEnd(widths[column] ?? 0) : text.padStart(widths[column] ?? 0),
      )
      .join('  '),
  )
}

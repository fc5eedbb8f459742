import type { Log } from '../../src/kernel/index.ts'

/** Figures by key; keys are snake_case and end in their unit. */
export type Metrics = Readonly<Record<string, number>>

export interface Target {
  readonly key: string
  readonly comparison: '>=' | '<='
  readonly value: number
}

export interface BenchmarkContext {
  /** Shorter rounds, never fewer: for a quick look, and for machines shared with others. */
  readonly short: boolean
  /** How many chunks of documents there are, where a benchmark needs some and the usual number is not wanted. */
  readonly chunks: number | undefined
  /** What the product's parts under test have to say. Goes to standard error. */
  readonly log: Log
  /** A line for whoever is waiting. Goes to standard error. */
  readonly progress: (line: string) => void
  /** Arguments for a Node process under test that make it write a CPU profile, where one was asked for. */
  readonly profile: (name: string) => readonly string[]
  /** Whatever a benchmark starts or creates is registered here; the runner undoes it in reverse, whether or not the run succeeded. */
  readonly undo: AsyncDisposableStack
}

export interface Outcome {
  /** Medians over the rounds, unless a benchmark says otherwise in its summary. */
  readonly metrics: Metrics
  readonly rounds: readonly Metrics[]
  /** Versions of the services that took part, for the record. */
  readonly versions: Readonly<Record<string, string>>
}

/**
 * One question with figures for an answer. `run` also checks that what it measures is right, and throws when it is not:
 * a fast wrong answer is a failure, not a result.
 */
export interface Benchmark {
  readonly name: string
  readonly summary: string
  readonly targets: readonly Target[]
  run(context: BenchmarkContext): Promise<Outcome>
}

export const meets = (target: Target, value: number): boolean =>
  target.comparison === '>=' ? value >= target.value : value <= target.value

/** A benchmark whose figures are incomplete has failed as much as one that threw. */
export function assertComplete(benchmark: Benchmark, { metrics }: Outcome): void {
  const faults = Object.keys(metrics).filter(key => !Number.isFinite(metrics[key]))
  const absent = benchmark.targets.map(target => target.key).filter(key => !(key in metrics))
  if (faults.length > 0) throw new Error(`no number for ${faults.join(', ')}`)
  if (absent.length > 0) throw new Error(`there are targets for ${absent.join(', ')}, but no figures`)
}

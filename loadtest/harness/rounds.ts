import type { Metrics } from './benchmark.ts'

/** Enough for a median that one disturbed round cannot move. */
const leastRounds = 5

export interface Side<Figures> {
  readonly name: string
  readonly run: (durationMs: number) => Promise<Figures>
}

export interface RoundSettings {
  readonly rounds: number
  readonly warmUpMs: number
  readonly durationMs: number
  readonly progress: (line: string) => void
}

/**
 * Runs the sides in turn (A B, B A, A B …): on a machine whose speed drifts, a comparison is fair only between neighbours, and
 * neither side may always go first. Returns each round's figures by side.
 */
export async function interleave<Figures, Name extends string>(
  sides: readonly (Side<Figures> & { readonly name: Name })[],
  settings: RoundSettings,
): Promise<Record<Name, Figures>[]> {
  if (settings.rounds < leastRounds) throw new Error(`a comparison takes at least ${leastRounds} rounds`)
  for (const side of sides) {
    settings.progress(`warming up: ${side.name}`)
    await side.run(settings.warmUpMs)
  }
  const rounds: Record<Name, Figures>[] = []
  for (let round = 0; round < settings.rounds; round++) {
    settings.progress(`round ${round + 1} of ${settings.rounds}`)
    const figures: Partial<Record<Name, Figures>> = {}
    for (const side of round % 2 === 0 ? sides : sides.toReversed()) {
      figures[side.name] = await side.run(settings.durationMs)
    }
    rounds.push(figures as Record<Name, Figures>)
  }
  return rounds
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((left, right) => left - right)
  const middle = sorted.length / 2
  const upper = sorted[Math.floor(middle)] ?? Number.NaN
  return Number.isInteger(middle) ? ((sorted[middle - 1] ?? Number.NaN) + upper) / 2 : upper
}

/** The median of every figure, each taken for itself. A figure missing in one round is NaN, which fails the benchmark. */
export function medians(rounds: readonly Metrics[]): Metrics {
  const keys = new Set(rounds.flatMap(round => Object.keys(round)))
  return Object.fromEntries(
    [...keys].map(key => [key, median(rounds.map(round => round[key] ?? Number.NaN))]),
  )
}

export interface LoopFigures {
  readonly done: number
  readonly perSecond: number
  readonly p50Ms: number
  readonly p95Ms: number
  readonly p99Ms: number
}

/**
 * Keeps `inFlight` operations going, each followed by the next as soon as it is done, and measures how many that makes. A closed
 * loop never asks for more than the other side can do, so its latencies are those at full load, queueing included. What an operation leaves
 * to be done is waited for before the next one, and belongs to neither.
 */
export async function closedLoop<Left>(
  inFlight: number,
  durationMs: number,
  operation: () => Promise<Left>,
  afterwards?: (left: Left) => Promise<void>,
): Promise<LoopFigures> {
  const latencies: number[] = []
  const start = performance.now()
  const end = start + durationMs
  const worker = async () => {
    for (let before = performance.now(); before < end; ) {
      const left = await operation()
      const after = performance.now()
      latencies.push(after - before)
      await afterwards?.(left)
      before = afterwards ? performance.now() : after
    }
  }
  await Promise.all(Array.from({ length: inFlight }, worker))
  const seconds = (performance.now() - start) / 1_000
  const sorted = Float64Array.from(latencies).sort()
  const quantile = (share: number) =>
    sorted[Math.min(sorted.length - 1, Math.floor(share * sorted.length))] ?? Number.NaN
  return {
    done: sorted.length,
    perSecond: sorted.length / seconds,
    p50Ms: quantile(0.5),
    p95Ms: quantile(0.95),
    p99Ms: quantile(0.99),
  }
}

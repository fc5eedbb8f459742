/** Rejects with the reason of `signal` as soon as that is given. */
export const pause = (ms: number, signal?: AbortSignal): Promise<void> =>
  new Promise((resolve, reject) => {
    signal?.throwIfAborted()
    const giveUp = () => {
      clearTimeout(timer)
      reject(signal?.reason)
    }
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', giveUp)
      resolve()
    }, ms)
    signal?.addEventListener('abort', giveUp, { once: true })
  })

/** Until everybody else on the event loop has had a turn. */
export const nextTurn = (): Promise<void> => new Promise(resolve => setImmediate(resolve))

const longestTurnMs = 5

/**
 * For work in many small steps, to be awaited after each of them: when the steps together have taken some milliseconds, others have their
 * turn. So whatever a tenant brings may take long, but holds nobody else up.
 */
export function takingTurns(longestMs = longestTurnMs): () => Promise<void> {
  let since = performance.now()
  return async () => {
    if (performance.now() - since < longestMs) return
    await nextTurn()
    since = performance.now()
  }
}

/** The next pause of someone who tries again: twice as long each time, and never the same as that of the neighbour. */
export const growing = (firstMs: number, attempt: number): number =>
  firstMs * 2 ** attempt * (0.5 + Math.random())

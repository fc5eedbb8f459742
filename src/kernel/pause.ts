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

/** The next pause of someone who tries again: twice as long each time, and never the same as that of the neighbour. */
export const growing = (firstMs: number, attempt: number): number =>
  firstMs * 2 ** attempt * (0.5 + Math.random())

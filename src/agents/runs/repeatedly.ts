/** One look after the other, with a pause in between. */
export function repeatedly(
  ms: number,
  look: () => Promise<void>,
  failed: (error: unknown) => void,
): { stop(): Promise<void> } {
  let stopped = false
  let wake: (() => void) | undefined
  const turning = (async () => {
    while (!stopped) {
      await look().catch(failed)
      if (stopped) return
      // Not all nodes at the same moment.
      await new Promise<void>(resolve => {
        wake = resolve
        setTimeout(resolve, ms * (0.8 + 0.4 * Math.random())).unref()
      })
    }
  })()
  return {
    stop: () => {
      stopped = true
      wake?.()
      return turning
    },
  }
}

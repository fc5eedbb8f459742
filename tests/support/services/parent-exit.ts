/** Cleaning that must happen even when nobody called stop(): synchronous, latest first, so servers die before their folders. */
const pending: (() => void)[] = []
const endingSignals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']
let listening = false

/** Registers a cleaning for the end of this process; the function given back withdraws it. */
export function atParentExit(clean: () => void): () => void {
  listen()
  pending.push(clean)
  return () => {
    const place = pending.indexOf(clean)
    if (place !== -1) pending.splice(place, 1)
  }
}

function listen(): void {
  if (listening) return
  listening = true
  process.on('exit', cleanAll)
  for (const signal of endingSignals) process.on(signal, endBySignal)
}

function cleanAll(): void {
  for (const clean of pending.splice(0).reverse()) {
    try {
      clean()
    } catch {
      // The rest must still be cleaned, and there is nobody left to tell.
    }
  }
}

/** Node skips 'exit' when a signal ends it. Our listener also took the default ending away, so it is given back here. */
function endBySignal(signal: NodeJS.Signals): void {
  if (process.listenerCount(signal) > 1) return // Someone else decides how this process ends; 'exit' will reach us.
  cleanAll()
  process.removeListener(signal, endBySignal)
  process.kill(process.pid, signal)
}

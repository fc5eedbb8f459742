import type { Log } from '../kernel/index.ts'

interface HeartbeatParts {
  /** Whether the other nodes' publications reach this one, and nothing is known to be missing. */
  readonly calm: () => boolean
  /** Each makes up for something else that may have been lost on the way. */
  readonly looks: readonly (() => Promise<void>)[]
  readonly log: Log
}

/** While the bus works it only makes up for a publication that was lost on the way. */
const calmMs = 10_000
/** While it does not, this is how what happens on other nodes gets here at all. */
const outageMs = 1_000

/** Looks regularly into the database for what the bus did not bring, and at once when asked to. */
export function startHeartbeat({ calm, looks, log }: HeartbeatParts): { look(): void; stop(): void } {
  let running = false
  let again = false
  let lastLook = performance.now()
  async function lookOnce(): Promise<void> {
    // What is asked for meanwhile may be about something this look has passed already.
    again = running
    if (running) return
    running = true
    lastLook = performance.now()
    for (const look of looks)
      await look().catch(error => log.debug({ err: error }, 'what may be missing could not be read'))
    running = false
    if (again) void lookOnce()
  }
  const timer = setInterval(() => {
    if (performance.now() - lastLook >= (calm() ? calmMs : outageMs)) void lookOnce()
  }, outageMs / 2)
  timer.unref()
  return { look: () => void lookOnce(), stop: () => clearInterval(timer) }
}

import { setTimeout as pause } from 'node:timers/promises'
import type { SocketSession } from './session.ts'

/** How long a connection may take to have its running commands acknowledged. */
const patienceMs = 2_000

/**
 * Gives connections back one after the other, in random order, spread over a time (L10): all at once would send everybody to the next
 * node in the same moment. Each has its running commands acknowledged first.
 */
export async function drainSlowly(
  sessions: SocketSession[],
  overMs: number,
  close: (session: SocketSession) => void,
): Promise<void> {
  const began = performance.now()
  const order = sessions.map(session => ({ session, at: Math.random() * overMs })).sort((a, b) => a.at - b.at)
  const closings = order.map(async ({ session, at }) => {
    await pause(Math.max(0, began + at - performance.now()))
    const deadline = performance.now() + patienceMs
    while (session.running > 0 && performance.now() < deadline) await pause(10)
    close(session)
  })
  await Promise.all(closings)
}

import type { Session } from '../gateway/index.ts'
import type { Metrics } from '../kernel/index.ts'
import type { Page } from './readHistory.ts'

/** Of one connection; beyond, those are forgotten that were read longest ago. */
const logsKept = 500

/**
 * Counts catch-ups: in however many pages a client catches up, one of them reaches the end of the log, and that one counts. What the
 * connection has read before is no gap, or whoever reads the same again and again would write the graph.
 */
export function countCatchUps(metrics: Metrics) {
  /** Up to where each connection has caught up, by conversation. Most never do, and nothing is kept of them. */
  const reached = new WeakMap<Session, Map<string, number>>()

  return (session: Session, conversationId: string, after: number | undefined, page: Page): void => {
    const last = page.entries.at(-1)?.seq
    if (after === undefined || page.more || last === undefined) return
    const logs = reached.get(session) ?? new Map<string, number>()
    reached.set(session, logs)
    const before = logs.get(conversationId) ?? 0
    if (last <= before) return
    logs.delete(conversationId)
    logs.set(conversationId, last)
    const [oldest] = logs.keys()
    if (oldest !== undefined && logs.size > logsKept) logs.delete(oldest)
    metrics.gapsHealed.inc({ audience: session.audience })
  }
}

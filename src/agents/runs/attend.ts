import { Briefly, type Scope, systemScope } from '../../kernel/index.ts'
import { type Beginning, beginRun } from './beginRun.ts'
import { handOver } from './conclude.ts'
import { Live } from './live.ts'
import type { RunsParts } from './parts.ts'
import { perform, shorten } from './perform.ts'
import { createSummaries } from './summarise.ts'
import { throughOutage } from './throughOutage.ts'

/** The conversations that this node answers at the moment. */
export interface Attendance {
  /** Answers what is due in a conversation, if anything is. */
  consider(tenantId: string, conversationId: string): void
  /** How many more could be considered. */
  readonly free: number
  /** Whether a conversation is being answered here, or is better left alone for a while. */
  isSettled(conversationId: string): boolean
  liveIn(conversationId: string): Live | undefined
  running(): readonly Live[]
  /** Begins nothing more, and lets what runs come to its end for a moment. */
  stop(): Promise<void>
}

/** On one node; what is due beyond them waits for a free place, here or elsewhere. */
const mostAtOnce = 300
/** What cannot be answered now is looked at again later. */
const postponeMs = 3_000
const lastWordsMs = 5_000

export function createAttendance(parts: RunsParts, node: string): Attendance {
  /** By conversation. `null`: about to begin. */
  const live = new Map<string, Live | null>()
  const working = new Set<Promise<void>>()
  /** Something was asked while a run was at work. */
  const askedMeanwhile = new Set<string>()
  const postponed = new Briefly<true>(postponeMs)
  let stopping = false
  const stopped = new AbortController()
  const { log } = parts
  const summarise = createSummaries(parts)
  const running = () => [...live.values()].filter(run => run !== null)

  function consider(tenantId: string, conversationId: string): void {
    if (stopping || live.size >= mostAtOnce) return
    if (live.has(conversationId)) return void askedMeanwhile.add(conversationId)
    live.set(conversationId, null)
    let performed: Live | undefined
    const begin = (begun: Live) => {
      performed = begun
      live.set(conversationId, begun)
    }
    const work = attempt(parts, node, systemScope(tenantId, 'answers'), conversationId, { begin, follow })
      .catch(error => {
        postponed.set(conversationId, true)
        log.error({ err: error, conversationId }, 'an answer could not be begun or ended')
      })
      .finally(() => {
        live.delete(conversationId)
        working.delete(work)
        if (askedMeanwhile.delete(conversationId)) consider(tenantId, conversationId)
        if (performed) follow(shorten({ summarise, log }, performed, stopped.signal))
      })
    working.add(work)
  }

  function follow(work: Promise<void>): void {
    const following = work.finally(() => working.delete(following))
    working.add(following)
  }

  /** With all that what is at work hands to what follows. */
  async function ended(): Promise<void> {
    while (working.size > 0) await Promise.allSettled(working)
  }

  return {
    consider,
    get free() {
      return stopping ? 0 : mostAtOnce - live.size
    },
    isSettled: conversationId => live.has(conversationId) || postponed.has(conversationId),
    liveIn: conversationId => live.get(conversationId) ?? undefined,
    running,
    async stop() {
      stopping = true
      stopped.abort(new Error('the node stops'))
      const patience = new Promise(resolve => setTimeout(resolve, lastWordsMs).unref())
      await Promise.race([ended(), patience])
      for (const run of running()) run.end('lost')
      await ended()
    },
  }
}

async function attempt(
  parts: RunsParts,
  node: string,
  scope: Scope,
  conversationId: string,
  { begin, follow }: { begin: (run: Live) => void; follow: (work: Promise<void>) => void },
): Promise<void> {
  const askedAt = performance.now()
  const beginning = await throughOutage(() => beginRun(parts.db, scope, conversationId, node))
  if (!beginning.begun) return leaveToPeople(parts, scope, conversationId, beginning)
  const run = new Live(parts.gateway, scope, beginning.begun, askedAt)
  begin(run)
  try {
    await perform(parts, run, beginning.outset, follow)
  } finally {
    run.close()
  }
}

/** Nobody can answer it, and silence is no answer. */
async function leaveToPeople(
  { conversations }: RunsParts,
  scope: Scope,
  conversationId: string,
  { unanswerable: due }: Exclude<Beginning, { begun: object }>,
): Promise<void> {
  if (!due) return
  const about = { ...due, conversationId, due, runId: null, regenerates: undefined }
  const why =
    due.why === 'no_agent'
      ? ({ reason: 'no_agent', detail: 'The agent is not active.' } as const)
      : ({ reason: 'model_failed', detail: 'It was tried too often.' } as const)
  await handOver({ log: conversations }, scope, about, { kind: 'hand_over', ...why, priority: 0 })
}

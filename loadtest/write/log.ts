/** The log alone: groups of entries through the product's own writer and pool, without sockets. */

import type { Draft } from '../../src/chat/draft.ts'
import { createConversationLog } from '../../src/chat/log.ts'
import { createDatabase, createJobs, createPool } from '../../src/db/index.ts'
import { createLog, createMetrics } from '../../src/kernel/index.ts'
import { serveCalls } from '../harness/parts.ts'
import type { Tenant } from './batches.ts'
import { sampleDraft } from './batches.ts'

let append: (tenantId: string, draft: Draft) => Promise<unknown> = async () => undefined
const metrics = createMetrics()
/** Of the groups written in the last run, in their order. */
let sizes: number[] = []

function open(url: string, connections: number): void {
  const log = createLog({ level: 'warn' })
  const pool = createPool({ connection: { url }, max: connections, statementTimeoutMs: 10_000 }, log)
  const db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
  Object.assign(metrics.groupSize, { observe: (size: number) => void sizes.push(size) })
  const conversationLog = createConversationLog({ db, log, metrics })
  append = (tenantId, draft) => conversationLog.append(tenantId, draft)
}

/** Each conversation grows by one entry as soon as the one before is committed; the log makes groups of them as it always does. */
async function run(
  durationMs: number,
  tenants: readonly Tenant[],
): Promise<{ perSecond: number; sizes: number[] }> {
  sizes = []
  const start = performance.now()
  const end = start + durationMs
  let stored = 0
  const grow = async (tenantId: string, conversationId: string) => {
    while (performance.now() < end) {
      await append(tenantId, { ...sampleDraft(conversationId), public: true, guard: () => undefined })
      stored++
    }
  }
  await Promise.all(tenants.flatMap(({ id, conversations }) => conversations.map(one => grow(id, one))))
  return { perSecond: stored / ((performance.now() - start) / 1_000), sizes }
}

serveCalls({ open, run })

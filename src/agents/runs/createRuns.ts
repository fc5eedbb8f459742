import type { Command } from '../../gateway/index.ts'
import { type DomainEvent, newId, type Scope } from '../../kernel/index.ts'
import { type Attendance, createAttendance } from './attend.ts'
import { keepLeases } from './leases.ts'
import type { RunsParts } from './parts.ts'
import { repeatedly } from './repeatedly.ts'
import { listDue } from './runStore.ts'
import { runCommands } from './socket.ts'

export interface Runs {
  readonly commands: Command[]
  /** Lets what runs come to its end, for a moment; what does not is left to other nodes. */
  stop(): Promise<void>
}

const sweepMs = 1_000
const swept = 200

/**
 * Answers what visitors ask, on the node that has committed it, at once. Every run holds a lease; what is due and has none is swept up by
 * any node (L8). So a node that dies costs a visitor seconds, and nobody is left without an answer or a person.
 */
export function createRuns(parts: RunsParts): Runs {
  const { db, log } = parts
  const node = newId()
  const attendance = createAttendance(parts, node)
  db.after(hearing(attendance))

  async function sweep(): Promise<void> {
    if (attendance.free === 0) return
    for (const { tenantId, conversationId } of await db.platform(tx => listDue(tx, swept)))
      if (!attendance.isSettled(conversationId)) attendance.consider(tenantId, conversationId)
  }
  const sweeping = repeatedly(sweepMs, sweep, error =>
    log.warn({ err: error }, 'what is due could not be read'),
  )
  const leases = keepLeases({ db, log, node, runs: attendance.running })

  return {
    commands: runCommands({ db, attendance }),
    async stop() {
      await sweeping.stop()
      await attendance.stop()
      await leases.stop()
    },
  }
}

/** What is asked here is answered here; who loses a conversation hears of it before anybody is told. */
const hearing =
  (attendance: Attendance) =>
  ({ tenantId }: Scope, event: DomainEvent): void => {
    if (event.type === 'appended') {
      const { conversationId, agentId, entries } = event
      const asks = entries.some(({ role, type }) => role === 'user' && type !== 'edit' && type !== 'delete')
      if (agentId !== null && asks) attendance.consider(tenantId, conversationId)
    }
    if (event.type === 'words.taken_back') {
      for (const { conversationId, askedSeq } of event.places) {
        const run = attendance.liveIn(conversationId)
        // One on another node hears of it when it renews its lease.
        if (!run || run.begun.due.askedSeq < askedSeq) continue
        run.end('taken_back')
        attendance.consider(tenantId, conversationId)
      }
    }
    if (event.type === 'conversation.moved') {
      const { conversationId, owner, epoch } = event
      const run = attendance.liveIn(conversationId)
      if (run && run.begun.epoch < epoch) run.end('fenced')
      if (owner === 'ai') attendance.consider(tenantId, conversationId)
    }
  }

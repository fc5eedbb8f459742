import { mayKeepWords } from '../agents/index.ts'
import { readBrief } from '../chat/index.ts'
import type { Transaction } from '../db/index.ts'
import type { ConversationMoved, EventWithin, HandOver, Scope } from '../kernel/index.ts'
import { byDatabase, changeOpenEscalation, type EscalationValues, insertEscalation } from './store.ts'

/** Keeps the escalations in step with who answers, in the transaction that decides it. */
export async function recordMovement(scope: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type !== 'conversation.moved') return
  const { conversationId, owner, status, epoch, assignedMemberId } = event
  const change = (values: Parameters<typeof changeOpenEscalation>[3]) =>
    changeOpenEscalation(tx, scope, conversationId, { ...values, epoch })
  if (status === 'resolved') await change({ status: 'resolved', resolvedAt: byDatabase })
  else if (owner === 'ai') await change({ status: 'returned', resolvedAt: byDatabase })
  else if (owner === 'queue') {
    // What a person did in between is no part of how long the next one is waited for.
    const pending = { status: 'pending', waitsSince: byDatabase } as const
    const waits = await change({ ...pending, assignedMemberId: null, assignedAt: null })
    if (!waits) await open(scope, tx, event, pending)
  } else {
    const assigned = { status: 'assigned', assignedMemberId, assignedAt: byDatabase } as const
    if (!(await change(assigned))) await open(scope, tx, event, assigned)
  }
}

async function open(
  scope: Scope,
  tx: Transaction,
  { conversationId, contactId, epoch, handOver }: ConversationMoved,
  opening: Pick<EscalationValues, 'status' | 'waitsSince' | 'assignedMemberId' | 'assignedAt'>,
): Promise<void> {
  const why = handOver ?? (await takenOver(scope, tx, conversationId))
  const { runId } = why
  const detail = runId === null || (await mayKeepWords(tx, scope, runId)) ? why.detail : ''
  await insertEscalation(tx, scope, { ...why, detail, ...opening, conversationId, contactId, epoch })
}

/** Nobody called: a person stepped in. */
const takenOver = async (scope: Scope, tx: Transaction, conversationId: string): Promise<HandOver> => ({
  ...{ reason: 'member_took_over', detail: '', priority: 0, runId: null },
  brief: await readBrief(tx, scope, conversationId),
})

import type { Database } from '../db/index.ts'
import { type Gateway, rooms } from '../gateway/index.ts'
import type { Metrics } from '../kernel/index.ts'
import { audiences, type Entry } from '../protocol/index.ts'
import type { Gathering } from './gathering.ts'
import type { Inbox } from './inbox.ts'
import type { MovedMark, ToldMark } from './marksStore.ts'
import { entryFor } from './views.ts'

export interface FanOutParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly inbox: Inbox
  readonly states: Gathering
  readonly metrics: Metrics
}

export interface FanOut {
  marksMoved(tenantId: string, marks: readonly MovedMark[]): void
}

function appended(
  gateway: Gateway,
  tenantId: string,
  conversationId: string,
  entries: readonly Entry[],
): void {
  const room = rooms.conversation(tenantId, conversationId)
  const last = entries.at(-1)
  if (!last) return
  // A commit of many conversations: to each socket its part of it at once, with the acknowledgement.
  const joined = { joined: true }
  gateway.publish(
    'member',
    room,
    'entries',
    { conversationId, entries: [...entries], head: last.seq },
    joined,
  )
  const visible = entries.map(entry => entryFor('public', entry)).filter(entry => entry !== undefined)
  const lastVisible = visible.at(-1)
  if (!lastVisible) return
  const event = { conversationId, entries: visible, head: lastVisible.seq }
  gateway.publish('visitor', room, 'entries', event, joined)
  gateway.publish('participant', room, 'entries', event, joined)
}

/** Tells a mark to everyone who may see it, each in their own way of counting. */
export function tellMark(
  publish: Gateway['publishHere'],
  tenantId: string,
  { conversationId, readerKind, readerId, publicMoved, ...mark }: ToldMark,
): void {
  const room = rooms.conversation(tenantId, conversationId)
  const reader = { kind: readerKind, id: readerId }
  const known = { conversationId, reader, delivered: mark.deliveredSeq, read: mark.seq }
  publish('member', room, 'mark', known)
  if (!publicMoved) return
  const seen = { conversationId, reader, delivered: mark.deliveredPublicSeq, read: mark.publicSeq }
  for (const audience of ['visitor', 'participant'] as const) publish(audience, room, 'mark', seen)
}

/** Takes what was committed to everyone who may see it (L4): entries to members, public ones to visitors and guests as well. */
export function createFanOut({ db, gateway, inbox, states, metrics }: FanOutParts): FanOut {
  db.after(({ tenantId }, event) => {
    if (event.type === 'appended') {
      const end = metrics.fanoutDuration.startTimer()
      // After the acknowledgements, which are only a few microtasks away.
      setImmediate(() => {
        appended(gateway, tenantId, event.conversationId, event.entries)
        end()
      })
      inbox.touch(tenantId, event.conversationId)
    }
    // Before the acknowledgement: who is told that they have the conversation sees nothing more of whoever had it.
    if (event.type === 'conversation.moved') {
      const { conversationId, owner, assignedMemberId, epoch } = event
      const room = rooms.conversation(tenantId, conversationId)
      for (const audience of audiences)
        gateway.publish(audience, room, 'owner', { conversationId, owner, assignedMemberId, epoch })
    }
    if (event.type === 'conversation.changed') {
      states.changed(tenantId, event.conversationId)
      inbox.touch(tenantId, event.conversationId)
    }
  })

  return {
    marksMoved(tenantId, marks) {
      for (const mark of marks) {
        tellMark(gateway.publish, tenantId, mark)
        const { conversationId, readerKind: kind, readerId: id } = mark
        // Nobody but members and keys has an inbox.
        if (mark.readMoved && (kind === 'member' || kind === 'system'))
          inbox.touch(tenantId, conversationId, { kind, id })
      }
    },
  }
}

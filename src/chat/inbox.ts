import type { Database } from '../db/index.ts'
import { type Gateway, rooms, type SocketSession, tenantOfInbox } from '../gateway/index.ts'
import { type Log, systemScope } from '../kernel/index.ts'
import type { Events } from '../protocol/index.ts'
import { type Sender, senderOf } from './access.ts'
import { createRounds } from './eachTenant.ts'
import { gatherChanges, marginMs } from './gathering.ts'
import { type InboxChange, type Line, lineFor, readChanges, readerName, readLines } from './linesStore.ts'

/** Keeps the lists of those who follow an inbox as the database has them. Nodes tell each other what has changed, and each reads for its own. */
export interface Inbox {
  /** A conversation changed; with a reader, only for that one. */
  touch(tenantId: string, conversationId: string, reader?: Sender): void
  /** Looks for what happened lately and nobody here was told of. */
  look(): Promise<void>
  stop(): void
}

/** With more changed lines than this in one moment it takes less to look at an inbox anew. */
const burst = 200
/** Instead of more names than that. */
const everything = '*'

interface InboxParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly log: Log
}

/** A conversation, or one of its readers in it. */
const nameOf = (conversationId: string, reader?: string | null): string =>
  reader ? `${conversationId} ${reader}` : conversationId
const conversationIn = (name: string): string => name.slice(0, 36)
const readerIn = (name: string): string => name.slice(37)

type Followers = ReadonlyMap<string, { readonly reader: Sender; readonly sessions: SocketSession[] }>

/** Those of this node, by name, each with all their connections. */
function followersOf(gateway: Gateway, tenantId: string): Followers {
  const followers = new Map<string, { reader: Sender; sessions: SocketSession[] }>()
  for (const session of gateway.sessionsIn('member', rooms.inbox(tenantId))) {
    const reader = senderOf(session.scope)
    const known = followers.get(readerName(reader))
    if (known) known.sessions.push(session)
    else followers.set(readerName(reader), { reader, sessions: [session] })
  }
  return followers
}

export function createInbox({ db, gateway, log }: InboxParts): Inbox {
  /** What was told here lately, of each tenant: by name the version. */
  const toldOf = new Map<string, Map<string, string>>()

  async function tellLines(tenantId: string, names: ReadonlySet<string>): Promise<void> {
    const followers = followersOf(gateway, tenantId)
    const ofInterest = [...names].filter(name => readerIn(name) === '' || followers.has(readerIn(name)))
    if (followers.size === 0 || ofInterest.length === 0) return
    const room = rooms.inbox(tenantId)
    const ids = [...new Set(ofInterest.map(conversationIn))]
    if (names.has(everything) || ids.length > burst)
      return gateway.publishHere('member', room, 'inbox.stale', {})
    const readers = [...followers.values()].map(({ reader }) => reader)
    const scope = systemScope(tenantId, 'inbox')
    const wanted = { view: 'all', readers, ids, limit: ids.length } as const
    const lines = await db.scoped(scope, tx => readLines(tx, scope, wanted))
    const told = toldOf.get(tenantId) ?? new Map<string, string>()
    toldOf.set(tenantId, told)
    for (const { line, version } of lines) if (names.has(line.id)) told.set(line.id, version)
    const there = new Set(lines.map(({ line }) => line.id))
    for (const [reader, { sessions }] of followers) {
      // Whoever has come since has a snapshot that is newer.
      const still = sessions.filter(session => session.isIn(room))
      const concerns = (id: string) => names.has(id) || names.has(nameOf(id, reader))
      const own = lines.filter(({ line }) => concerns(line.id))
      const removed = ids.filter(id => !there.has(id) && concerns(id))
      const event = newsFor(reader, own, removed)
      if (event.conversations.length + event.gone.length > 0) gateway.publishTo(still, 'inbox', event)
      for (const { line, readers } of own) {
        const version = readers[reader]?.version
        if (version) told.set(nameOf(line.id, reader), version)
      }
    }
  }

  const gathering = gatherChanges({
    tellOthers: (tenantId, names) =>
      gateway.hint('member', rooms.inbox(tenantId), names.size > burst ? [everything] : [...names]),
    look: tellLines,
    log,
  })
  gateway.onHint((_audience, room, names) => {
    const tenantId = tenantOfInbox(room)
    if (tenantId) gathering.heard(tenantId, names)
  })

  async function lookAt(tenantId: string, withinMs: number): Promise<void> {
    const readers = [...followersOf(gateway, tenantId).values()].map(({ reader }) => reader)
    const scope = systemScope(tenantId, 'inbox')
    const changes = await db.scoped(scope, tx => readChanges(tx, scope, readers, withinMs))
    const told = toldOf.get(tenantId)
    const news = changes.filter(change => told?.get(nameIn(change)) !== change.version)
    const anew = news.length > burst
    // Older ones will not be asked for again; whoever reads anew is told of all.
    const kept = anew ? changes : changes.filter(change => !news.includes(change))
    toldOf.set(tenantId, new Map(kept.map(change => [nameIn(change), change.version])))
    if (news.length > 0) gathering.heard(tenantId, anew ? [everything] : news.map(nameIn))
  }

  let lookedAt = performance.now()
  const rounds = createRounds({ log, what: 'inbox' })
  return {
    touch: (tenantId, conversationId, reader) =>
      gathering.changed(tenantId, nameOf(conversationId, reader && readerName(reader))),
    async look() {
      const began = performance.now()
      const followed = new Set<string>()
      for (const room of gateway.roomsHere('member')) {
        const tenantId = tenantOfInbox(room)
        if (tenantId) followed.add(tenantId)
      }
      for (const tenantId of toldOf.keys()) if (!followed.has(tenantId)) toldOf.delete(tenantId)
      await rounds.go(followed, lookedAt, (tenantId, since) => lookAt(tenantId, began - since + marginMs))
      lookedAt = began
    },
    stop: gathering.stop,
  }
}

const nameIn = ({ conversationId, reader }: InboxChange): string => nameOf(conversationId, reader)

/** Conversations in which nothing was ever said are in no list. */
const newsFor = (reader: string, lines: readonly Line[], removed: readonly string[]): Events['inbox'] => ({
  conversations: lines
    .filter(({ archived, line }) => !archived && line.head > 0)
    .map(line => lineFor(line, reader)),
  gone: [...removed, ...lines.filter(({ archived }) => archived).map(({ line }) => line.id)],
})

import type {
  Ack,
  CommandOutput,
  ConversationLine,
  ConversationState,
  Entry,
  EventName,
  Events,
  Mark,
  SourceState,
} from '../../src/protocol/index.ts'
import { eventually } from './eventually.ts'
import { CommandRefused, type TestSocket } from './sockets.ts'

type Opened = CommandOutput<'conversation.open'>

/** One conversation as somebody has it who took a snapshot once and has listened since. */
export interface FollowedConversation {
  readonly entries: Entry[]
  state: Omit<ConversationState, 'head' | 'lastMessageAt'>
  /** The newest position that anyone told of. */
  head: number
  lastMessageAt: string | null
  readonly marks: Map<string, Mark>
  online: boolean
}

/** The inbox likewise. */
export interface FollowedInbox {
  readonly lines: Map<string, ConversationLine>
  readonly present: Map<string, string>
  stale: boolean
}

/** The sources of knowledge likewise. */
export type FollowedSources = Map<string, SourceState>

export interface Followed {
  readonly conversations: Map<string, FollowedConversation>
  inbox: FollowedInbox | undefined
  sources: FollowedSources | undefined
  /** What is heard of these afterwards is older. */
  readonly goneSources: Set<string>
  /** Everything that came. */
  readonly events: [EventName, unknown][]
  /** Asks for what a conversation lacks, while it lacks something. */
  readonly catchUp: (conversationId: string) => void
  /** Asks for all sources anew. */
  readonly takeUpSourcesAgain: () => void
}

/**
 * What each event changes. Every event of the protocol has its place here, or this file does not compile; `nothing` says that no
 * snapshot holds what it tells.
 */
const reduce: {
  readonly [Name in EventName]: ((followed: Followed, event: Events[Name]) => void) | 'nothing'
} = {
  entries: ({ conversations, catchUp }, { conversationId, entries }) => {
    const followed = conversations.get(conversationId)
    for (const entry of entries) if (followed) append(followed, entry)
    catchUp(conversationId)
  },
  head: ({ conversations, catchUp }, { conversationId, head }) => {
    const followed = conversations.get(conversationId)
    if (followed) followed.head = Math.max(head, followed.head)
    catchUp(conversationId)
  },
  conversation: ({ conversations }, state) => {
    const followed = conversations.get(state.id)
    if (followed) followed.state = stateOf(state)
  },
  owner: ({ conversations }, { conversationId, ...moved }) => {
    const followed = conversations.get(conversationId)
    if (followed && moved.epoch > followed.state.epoch) Object.assign(followed.state, moved)
  },
  run: 'nothing',
  delta: 'nothing',
  mark: ({ conversations }, { conversationId, ...mark }) => {
    const marks = conversations.get(conversationId)?.marks
    const known = marks?.get(mark.reader.id)
    // One that was on its way with the snapshot may be older than it; marks move forward only.
    const furthest = (place: 'delivered' | 'read') => Math.max(mark[place], known?.[place] ?? 0)
    marks?.set(mark.reader.id, { ...mark, delivered: furthest('delivered'), read: furthest('read') })
  },
  online: ({ conversations }, { conversationId, online }) => {
    const followed = conversations.get(conversationId)
    if (followed) followed.online = online
  },
  presence: ({ inbox }, { memberId, status }) => {
    if (status === 'offline') inbox?.present.delete(memberId)
    else inbox?.present.set(memberId, status)
  },
  inbox: ({ inbox }, { conversations, gone }) => {
    for (const line of conversations) inbox?.lines.set(line.id, line)
    for (const id of gone) inbox?.lines.delete(id)
  },
  'inbox.stale': ({ inbox }) => {
    if (inbox) inbox.stale = true
  },
  source: ({ sources, goneSources }, source) => {
    const known = sources?.get(source.id)
    if (goneSources.has(source.id) || (known && known.updatedAt > source.updatedAt)) return
    sources?.set(source.id, source)
  },
  'source.gone': ({ sources, goneSources }, { id }) => {
    goneSources.add(id)
    sources?.delete(id)
  },
  'knowledge.stale': ({ sources, takeUpSourcesAgain }) => {
    if (sources) takeUpSourcesAgain()
  },
  // About the connection, or about this very moment.
  welcome: 'nothing',
  typing: 'nothing',
  'session.expiring': 'nothing',
  closing: 'nothing',
}

function append(followed: FollowedConversation, entry: Entry): void {
  const { entries } = followed
  if (entry.seq > followed.head) followed.head = entry.seq
  // What does not follow is asked for.
  if (entry.seq !== entries.length + 1) return
  entries.push(entry)
  // A note is nothing that was said to the visitor; for them there are none.
  if (entry.publicSeq !== null) followed.lastMessageAt = entry.createdAt
  if (entry.type === 'delete') for (const at of entries.keys()) withdraw(entries, at, entry.parentId)
}

function withdraw(entries: Entry[], at: number, id: string | null): void {
  const entry = entries[at]
  if (!entry || !(entry.id === id || (entry.type === 'edit' && entry.parentId === id))) return
  entries[at] = { ...entry, parts: [], text: '', deleted: true }
}

/** Applies everything that comes to a socket from now on. */
export function follow(socket: TestSocket): Followed {
  const asking = new Set<string>()
  async function catchUp(conversationId: string): Promise<void> {
    const known = followed.conversations.get(conversationId)
    if (!known || known.entries.length >= known.head || asking.has(conversationId)) return
    asking.add(conversationId)
    const after = known.entries.length
    const page = await socket
      .ask('history.read', { conversationId, after, limit: 200 })
      .catch(() => undefined)
    asking.delete(conversationId)
    for (const entry of page?.entries ?? []) append(known, entry)
    if (page) await catchUp(conversationId)
  }
  const followed: Followed = {
    ...{ conversations: new Map(), inbox: undefined, sources: undefined, goneSources: new Set(), events: [] },
    catchUp: conversationId => void catchUp(conversationId),
    // Whose connection ends meanwhile follows nothing any more.
    takeUpSourcesAgain: () => void takeUpSources(socket, followed).catch(() => undefined),
  }
  socket.socket.onAny((name: EventName, payload: unknown) => {
    followed.events.push([name, payload])
    apply(followed, name, payload)
  })
  return followed
}

function apply(followed: Followed, name: EventName, payload: unknown): void {
  const change = reduce[name]
  if (change !== 'nothing') change(followed, payload as never)
}

/** These tell of now only; the snapshot is read after them. The others may be newer than what it was read from. */
const ofTheMoment = new Set<EventName>(['online', 'presence', 'knowledge.stale'])

/** Takes a snapshot and goes on from there, with what came while it was on its way: nothing passes between the two. */
function takeUp(
  socket: TestSocket,
  followed: Followed,
  [name, input]: readonly [string, object],
  hold: (answer: never) => void,
): Promise<void> {
  const since = followed.events.length
  return new Promise((resolve, reject) => {
    socket.socket.timeout(15_000).emit(name, input, (late: Error | null, answer: Ack<unknown>) => {
      if (late) return reject(late)
      if (!answer.ok) return reject(new CommandRefused(answer.error))
      hold(answer.value as never)
      for (const [event, payload] of followed.events.slice(since))
        if (!ofTheMoment.has(event)) apply(followed, event, payload)
      resolve()
    })
  })
}

export const takeUpConversation = (socket: TestSocket, followed: Followed, conversationId: string) =>
  takeUp(
    socket,
    followed,
    ['conversation.open', { conversationId, after: 0, limit: 200 }],
    (opened: Opened) => followed.conversations.set(conversationId, toFollowed(opened, opened.entries)),
  )

export const takeUpInbox = (socket: TestSocket, followed: Followed) =>
  takeUp(
    socket,
    followed,
    ['inbox.subscribe', { limit: 200 }],
    (answer: CommandOutput<'inbox.subscribe'>) => {
      followed.inbox = toInbox(answer)
    },
  )

export const takeUpSources = (socket: TestSocket, followed: Followed) =>
  takeUp(
    socket,
    followed,
    ['knowledge.subscribe', { limit: 200 }],
    (answer: CommandOutput<'knowledge.subscribe'>) => {
      followed.sources = toSources(answer)
    },
  )

const toFollowed = ({ conversation, marks, online }: Opened, entries: Entry[]): FollowedConversation => ({
  ...{ state: stateOf(conversation), online, marks: new Map(marks.map(mark => [mark.reader.id, mark])) },
  ...{ entries, head: conversation.head, lastMessageAt: conversation.lastMessageAt },
})

/** Where the log ends is told by its entries. */
const stateOf = ({ head: _head, lastMessageAt: _lastMessageAt, ...state }: ConversationState) => state

/** All of a conversation as it is now, as that socket sees it. */
export async function snapshot(socket: TestSocket, conversationId: string): Promise<FollowedConversation> {
  const opened = await socket.ask('conversation.open', { conversationId, after: 0, limit: 200 })
  if (opened.more) throw new Error('the conversation is longer than one page')
  return toFollowed(opened, opened.entries)
}

export const inboxSnapshot = async (socket: TestSocket): Promise<FollowedInbox> =>
  toInbox(await socket.ask('inbox.subscribe', { limit: 200 }))

export const sourcesSnapshot = async (socket: TestSocket): Promise<FollowedSources> =>
  toSources(await socket.ask('knowledge.subscribe', { limit: 200 }))

const toSources = ({ sources }: CommandOutput<'knowledge.subscribe'>): FollowedSources =>
  new Map(sources.map(source => [source.id, source]))

const toInbox = ({ conversations, present }: CommandOutput<'inbox.subscribe'>): FollowedInbox => ({
  lines: new Map(conversations.map(line => [line.id, line])),
  present: new Map(present.map(({ memberId, status }) => [memberId, status])),
  stale: false,
})

type Part = FollowedConversation | FollowedInbox | FollowedSources

/** Everything in one text, in an order of its own, for comparing. */
export const essence = (part: Part): string =>
  JSON.stringify(part, (_key, value: unknown) =>
    value instanceof Map
      ? [...value].sort(([one], [other]) => String(one).localeCompare(String(other)))
      : sorted(value),
  )

const sorted = (value: unknown): unknown =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => one.localeCompare(other)))
    : value

/** Until both are the same; what differs is said otherwise. */
export async function converges(
  what: string,
  held: () => Part | undefined,
  fresh: () => Promise<Part>,
  withinMs = 12_000,
): Promise<void> {
  let difference = ''
  const same = async () => {
    const now = essence(await fresh())
    const own = held()
    difference = own === undefined ? 'nothing is held' : firstDifference(essence(own), now)
    return difference === ''
  }
  await eventually(what, same, withinMs).catch((error: Error) => {
    throw new Error(`${error.message}\n${difference}`)
  })
}

function firstDifference(held: string, fresh: string): string {
  if (held === fresh) return ''
  let at = 0
  while (held[at] === fresh[at]) at++
  const from = Math.max(0, at - 200)
  return `held:  …${held.slice(from, at + 200)}\nfresh: …${fresh.slice(from, at + 200)}`
}

import { setTimeout as sleep } from 'node:timers/promises'
import { io, type Socket } from 'socket.io-client'
import { type Client, type Conversation, createClient, memoryStore } from '../../src/client/index.ts'
import { startWire, type Wire } from '../../tests/support/networkPath.ts'
import type { ClientLog, Followed, StoredConversation } from './history.ts'
import { type Person, type Recorder, type Written, writing } from './recorder.ts'
import type { World } from './world.ts'

/** Impatient, so that a short run sees many retries; what is proved does not depend on these. */
const options = {
  ...{ ackTimeoutMs: 3_000, connectTimeoutMs: 4_000, backoffBaseMs: 100, backoffCapMs: 1_000 },
  ...{ pageSize: 50, catchUpPageSize: 50, echoGraceMs: 1_000, markIntervalMs: 200 },
}

/** One browser tab, or whatever else holds a connection of a person: the product's client at the end of a wire that can be damaged. */
export interface Participant {
  readonly name: string
  readonly person: Person
  readonly wire: Wire
  /** The conversations it follows, by the place they have in the run. */
  conversation(which: number): Conversation
  /** What it held each time before it was loaded anew. */
  readonly before: readonly ClientLog[]
  /** As if its page was loaded anew: another client, with what the first one left in its store. */
  reload(): Promise<void>
  /** Sends something again as it is, past the client. */
  repeat(written: Written): void
  close(): Promise<void>
}

export interface Crowd {
  readonly participants: readonly Participant[]
  readonly conversationIds: readonly string[]
  /** Whether everybody has everything, and nothing waits to be sent. */
  level(heads: ReadonlyMap<string, StoredConversation>): string | undefined
  readonly followed: readonly Followed[]
  /** What everybody holds, the older part included, which who was loaded anew has to ask for. */
  logs(): Promise<ClientLog[]>
  /** What everybody holds at this moment, and what they held whenever they were loaded anew. */
  earlierLogs(): ClientLog[]
  close(): Promise<void>
}

type Identity = Person & {
  readonly namespace: 'visitor' | 'member'
  readonly query: Record<string, string>
  readonly auth: () => Promise<{ token: string }>
  /** Only the first connection of a visitor has no conversation yet. */
  readonly own: number | undefined
}

/** Every visitor with two tabs on a conversation of their own; members, who follow all of them. */
export async function gather(world: World, recorder: Recorder): Promise<Crowd> {
  const ids: string[] = []
  const participants: Participant[] = []
  for (const [at, visiting] of world.visits.entries()) {
    const identity: Identity = {
      ...{ audience: 'visitor', namespace: 'visitor', senderId: visiting.contactId, own: at },
      query: { widget: visiting.widgetKey },
      auth: async () => ({ token: visiting.token }),
    }
    const first = await join(world, recorder, `visitor-${at + 1}a`, identity, ids)
    await until(() => first.conversation(at).getSnapshot().id !== null)
    ids[at] = first.conversation(at).getSnapshot().id ?? ''
    participants.push(first, await join(world, recorder, `visitor-${at + 1}b`, identity, ids))
  }
  for (const [at, { memberId, token }] of world.members.entries()) {
    const identity: Identity = {
      ...{ audience: 'member', namespace: 'member', senderId: memberId, own: undefined },
      ...{ query: {}, auth: async () => ({ token }) },
    }
    participants.push(await join(world, recorder, `member-${at + 1}`, identity, ids))
  }
  await until(() => ids.every((_, which) => followersOf(participants, which).every(({ live }) => live)))
  return {
    participants,
    conversationIds: ids,
    level: heads => firstBehind(participants, ids, heads),
    followed: participants.flatMap(participant => followedBy(participant, ids)),
    logs: () => collect(participants, ids),
    earlierLogs: () => participants.flatMap(one => [...one.before, ...heldBy(one, ids)]),
    close: async () => void (await Promise.all(participants.map(one => one.close()))),
  }
}

async function until(check: () => boolean, withinMs = 120_000): Promise<void> {
  const deadline = performance.now() + withinMs
  while (!check()) {
    if (performance.now() > deadline) throw new Error(`not within ${withinMs} ms: the crowd gathers`)
    await sleep(50)
  }
}

const followersOf = (participants: readonly Participant[], which: number) =>
  participants.flatMap(one => (follows(one, which) ? [one.conversation(which).getSnapshot()] : []))

export const follows = ({ person, name }: Participant, which: number): boolean =>
  person.audience === 'member' || name.startsWith(`visitor-${which + 1}`)

async function join(
  world: World,
  recorder: Recorder,
  name: string,
  identity: Identity,
  ids: readonly string[],
): Promise<Participant> {
  const wire = await startWire(() => ({ host: '127.0.0.1', port: world.anyNode().port }))
  const store = memoryStore()
  let socket: Socket
  let client: Client<'visitor'> | Client<'member'>
  const open = () => {
    socket = io(`http://127.0.0.1:${wire.port}/${identity.namespace}`, {
      ...{ autoConnect: false, reconnection: false, forceNew: true },
      ...{ transports: ['websocket'], query: identity.query },
    })
    const parts = { auth: identity.auth, renew: identity.auth, store, options }
    client = createClient({ ...parts, socket: recorder.port(name, identity, socket) })
    return client.connect()
  }
  const conversation = (which: number): Conversation => {
    if (identity.own !== undefined && identity.own !== which)
      throw new Error(`${name} has no such conversation`)
    const id = ids[which]
    return id === undefined ? client.startConversation('simulation') : client.conversation(id)
  }
  const follow = () => {
    if (identity.own !== undefined) conversation(identity.own)
    else for (const which of ids.keys()) conversation(which)
  }
  await open()
  follow()
  const before: ClientLog[] = []
  const participant: Participant = {
    ...{ name, person: identity, wire, conversation, before },
    async reload() {
      before.push(...heldBy(participant, ids))
      client.close()
      // The store is written to without anybody waiting for it.
      await sleep(5)
      await open()
      follow()
    },
    repeat({ command, input }) {
      if (!socket.connected || !writing.has(command)) return
      socket.emit(command, input, (answer: never) =>
        recorder.answered(name, identity, command, input, answer),
      )
    },
    async close() {
      client.close()
      await wire[Symbol.asyncDispose]()
    },
  }
  return participant
}

const followedBy = (participant: Participant, ids: readonly string[]): Followed[] =>
  ids.flatMap((conversationId, which) => {
    const { name: client, person } = participant
    return follows(participant, which) ? [{ client, audience: person.audience, conversationId }] : []
  })

const heldBy = (participant: Participant, ids: readonly string[]): ClientLog[] =>
  followedBy(participant, ids).map(followed => {
    const { entries } = participant.conversation(ids.indexOf(followed.conversationId)).getSnapshot()
    return { ...followed, entries }
  })

function firstBehind(
  participants: readonly Participant[],
  ids: readonly string[],
  heads: ReadonlyMap<string, StoredConversation>,
): string | undefined {
  for (const participant of participants) {
    for (const [which, id] of ids.entries()) {
      if (!follows(participant, which)) continue
      const { live, applied, messages } = participant.conversation(which).getSnapshot()
      const waiting = messages.filter(({ delivery }) => delivery === 'queued' || delivery === 'sent').length
      const head = heads.get(id)
      const end = (participant.person.audience === 'member' ? head?.seq : head?.publicSeq) ?? 0
      // Who has more than is stored is not behind, but wrong: nothing will come that makes it right.
      if (live && waiting === 0 && applied >= end) continue
      return `${participant.name} in ${id}: ${live ? 'live' : 'not live'}, ${applied} of ${end}, ${waiting} to be sent`
    }
  }
  return undefined
}

async function collect(participants: readonly Participant[], ids: readonly string[]): Promise<ClientLog[]> {
  for (const participant of participants) {
    for (const which of ids.keys()) {
      if (!follows(participant, which)) continue
      const conversation = participant.conversation(which)
      // Loaded anew, a client begins with the last page only. A page that brings nothing will not do so the next time.
      for (let held = -1; conversation.getSnapshot().entries.length > held; ) {
        held = conversation.getSnapshot().entries.length
        if (conversation.getSnapshot().hasOlder) await conversation.loadOlder(200)
      }
    }
  }
  return participants.flatMap(participant => heldBy(participant, ids))
}

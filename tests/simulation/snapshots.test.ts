import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { chosenSeed, type Random, seededRandom } from '../../loadtest/simulation/random.ts'
import { newId } from '../../src/kernel/index.ts'
import { clusterPossible, startCluster } from '../support/cluster.ts'
import { databaseKinds } from '../support/databases.ts'
import {
  converges,
  type Followed,
  type FollowedConversation,
  follow,
  inboxSnapshot,
  snapshot,
  sourcesSnapshot,
  takeUpConversation,
  takeUpInbox,
  takeUpSources,
} from '../support/followed.ts'
import { startWire } from '../support/networkPath.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { callerWith, type Person, type Workspace } from '../support/people.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import {
  CommandRefused,
  type ConnectOptions,
  connectMember,
  connectSocket,
  connectVisitor,
  newWidget,
  type TestSocket,
  text,
  type Visit,
  visit,
} from '../support/sockets.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

const steps = 120
/** Nobody leaves any more. */
const lastSteps = 20

/** Where the walk happens. */
interface Place {
  readonly parley: TestParley
  readonly urls: readonly string[]
  /** Something happens to what connects the nodes. */
  damage(random: Random): Promise<void> | void
  restore(): Promise<void>
  remove(): Promise<void>
}

async function oneNode(kind: (typeof databaseKinds)[number]): Promise<Place> {
  const parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
  const nothing = async () => undefined
  return { parley, urls: [parley.url], damage: nothing, restore: nothing, remove: parley.remove }
}

/** Each with a way of its own to Redis. */
async function twoNodes(): Promise<Place> {
  const redis = new URL(inject('services').redis?.url ?? '')
  const target = { host: redis.hostname, port: Number(redis.port) }
  const wires = [await startWire(target), await startWire(target)]
  const cluster = await startCluster({
    nodes: wires.length,
    redisUrl: which => `redis://127.0.0.1:${wires[which]?.port}`,
  })
  return {
    parley: cluster.parley(0),
    urls: cluster.nodes.map(({ url }) => url),
    damage: random => {
      const wire = random.pick(wires)
      return random.chance(0.5) ? wire.cut() : wire.freeze()
    },
    restore: async () => {
      for (const wire of wires) await wire.restore()
    },
    remove: async () => {
      await cluster.stop()
      for (const wire of wires) await wire[Symbol.asyncDispose]()
    },
  }
}

const places: [string, () => Promise<Place>][] = [
  ...databaseKinds.map((kind): (typeof places)[number] => [`one node on ${kind}`, () => oneNode(kind)]),
  ...(clusterPossible
    ? [['two nodes, and what connects them fails', twoNodes] as (typeof places)[number]]
    : []),
]

interface Someone {
  readonly name: string
  readonly connect: (url: string) => Promise<TestSocket>
  readonly audience: ConnectOptions['audience']
  /** Places of the conversations that are open to them. */
  readonly conversations: readonly number[]
  present: { readonly socket: TestSocket; readonly followed: Followed } | undefined
  /** What they wrote: id and conversation. */
  readonly own: { id: string; conversationId: string }[]
}

describe.each(places)('a snapshot and the events since, on %s', (_name, start) => {
  let place: Place
  let workspace: Workspace
  let widgetKey: string
  let visits: Visit[]
  let members: Person[]

  beforeAll(async () => {
    place = await start()
    const { parley } = place
    workspace = await quickWorkspace(parley)
    widgetKey = (await newWidget(workspace)).publicKey
    visits = [await visit(parley.url, widgetKey), await visit(parley.url, widgetKey)]
    members = [workspace.owner, await quickMember(parley, workspace, 'support_agent')]
  })
  afterAll(() => place?.remove())

  async function everybody(): Promise<{ people: Someone[]; ids: string[] }> {
    const ids: string[] = []
    for (const visiting of visits) {
      const socket = await connectVisitor(place.parley.url, visiting)
      ids.push((await socket.ask('conversation.open', { clientId: 'walk' })).conversation.id)
      socket.close()
    }
    const agent = newId()
    const { owner } = place.parley
    await owner.query(`insert into agents (tenant_id, id, name) values ($1, $2, 'Walker')`, [
      ...[workspace.tenantId, agent],
    ])
    await owner.query('update conversations set agent_id = $1 where id = any($2)', [agent, ids])
    const path = `/api/v1/conversations/${ids[0]}/tickets`
    const { body } = await workspace.owner.call<{ ticket: string }>('post', path, { name: 'Guest' })
    const someone = (
      name: string,
      audience: Someone['audience'],
      conversations: number[],
      connect: Someone['connect'],
    ): Someone => ({ name, audience, conversations, connect, present: undefined, own: [] })
    return {
      ids,
      people: [
        ...visits.map((one, at) =>
          someone(`visitor ${at}`, 'visitor', [at], url => connectVisitor(url, one)),
        ),
        ...members.map((one, at) =>
          someone(`member ${at}`, 'member', [0, 1], url => connectMember(url, one)),
        ),
        someone('guest', 'participant', [0], url =>
          connectSocket({ url, audience: 'participant', auth: { ticket: body.ticket } }),
        ),
      ],
    }
  }

  async function enter(person: Someone, random: Random): Promise<void> {
    const socket = await person.connect(random.pick(place.urls))
    person.present = { socket, followed: follow(socket) }
  }

  function leave(person: Someone): void {
    person.present?.socket.close()
    person.present = undefined
  }

  /** One thing that somebody does; what may not be done now is simply refused. */
  async function act(person: Someone, ids: readonly string[], random: Random, step: number): Promise<void> {
    const { socket, followed } = person.present ?? {}
    if (!socket || !followed) return enter(person, random)
    const conversationId = ids[random.pick(person.conversations)] ?? ''
    const clientId = `${person.name}-${step}`.replace(' ', '-')
    const parts = text(`step ${step}`)
    const target = person.own.length > 0 ? random.pick(person.own) : undefined
    const deed = random.below(31)
    if (deed < 7) {
      const note = person.audience === 'member' && random.chance(0.4)
      const sent = { conversationId, clientId, parts, ...(note ? { note } : {}) }
      const { id } = await socket.ask('message.send', sent)
      person.own.push({ id, conversationId })
    } else if (deed < 9 && target) await socket.ask('message.edit', { ...change(target), clientId, parts })
    else if (deed < 10 && target) await socket.ask('message.delete', { ...change(target), clientId })
    else if (deed < 13) {
      const seq = random.below(40)
      // Only what one has opened can be marked; those who have not are refused.
      await socket.ask('mark.set', { conversationId, delivered: seq, read: random.below(seq + 1) })
    } else if (deed < 16) {
      // What is held already is held on to: from then on, only events tell.
      if (!followed.conversations.has(conversationId))
        await takeUpConversation(socket, followed, conversationId)
    } else if (deed < 17 && person.audience === 'member') {
      if (!followed.inbox) await takeUpInbox(socket, followed)
    } else if (deed < 18 && person.audience === 'member')
      await socket.ask('presence.set', { status: random.pick(['online', 'away']) })
    else if (deed < 20 && person.audience === 'member')
      await socket.ask('conversation.update', { conversationId, ...somethingElse(random, step) })
    else if (deed < 21) await socket.ask('typing.set', { conversationId, typing: random.chance(0.5) })
    else if (deed < 26) await handOver(person, { conversationId, clientId }, random)
    else if (deed < 28) {
      if (person.audience === 'member' && !followed.sources) await takeUpSources(socket, followed)
    } else if (deed < 30) await changeSources(random, step)
    else if (step < steps - lastSteps) leave(person)
  }

  const sourceIds: string[] = []
  /** What is added is read by whichever node comes to it; each tells of what it has changed. */
  async function changeSources(random: Random, step: number): Promise<void> {
    const authorization = `Bearer ${workspace.owner.token}`
    const owner = callerWith({ url: random.pick(place.urls) }, { authorization })
    const ask = (method: string, path: string, body?: object) =>
      owner.call<{ id?: string }>(method, `/api/v1/knowledge/sources${path}`, body)
    const id = sourceIds.length > 0 ? random.pick(sourceIds) : undefined
    if (id === undefined || random.chance(0.4)) {
      const { body } = await ask('post', '', { type: 'text', name: `Text ${step}`, text: `Words ${step}.` })
      if (body.id !== undefined) sourceIds.push(body.id)
    } else if (random.chance(0.7)) await ask('patch', `/${id}`, { name: `Renamed ${step}` })
    else await ask('delete', `/${id}`)
  }

  /** Who answers changes; mostly decided on what one has last heard of, now and then on what is no more. */
  async function handOver(
    { audience, present }: Someone,
    about: { conversationId: string; clientId: string },
    random: Random,
  ): Promise<void> {
    if (!present || audience === 'participant') return
    const known = present.followed.conversations.get(about.conversationId)?.state
    if (audience === 'visitor' || known?.owner === 'ai') {
      if (random.chance(0.7)) return void (await present.socket.ask('conversation.escalate', about))
    }
    if (audience === 'visitor') return
    const fenced = { ...about, epoch: Math.max(0, (known?.epoch ?? 0) - (random.chance(0.1) ? 1 : 0)) }
    if (known?.owner !== 'member') return void (await present.socket.ask('conversation.claim', fenced))
    if (random.chance(0.3)) return void (await present.socket.ask('conversation.resolve', fenced))
    const to = random.pick(['ai', 'queue'] as const)
    await present.socket.ask('conversation.handBack', { ...fenced, to })
  }

  /** An archived conversation is no end: it is taken back by and by. */
  const somethingElse = (random: Random, step: number) =>
    random.pick([
      { title: `title ${step}` },
      { tags: [`tag ${step}`], priority: random.below(100) },
      { archived: random.chance(0.2) },
      { archived: false },
    ])

  /** Whoever is away comes back, and everyone follows all that they may: so that there is something to compare, whatever the walk was. */
  async function takeUpEverything(
    people: readonly Someone[],
    ids: readonly string[],
    random: Random,
  ): Promise<void> {
    for (const person of people) {
      if (!person.present) await enter(person, random)
      const { present } = person
      if (!present) continue
      for (const at of person.conversations) {
        const id = ids[at] ?? ''
        if (!present.followed.conversations.has(id))
          await takeUpConversation(present.socket, present.followed, id)
      }
      if (person.audience !== 'member') continue
      if (!present.followed.inbox) await takeUpInbox(present.socket, present.followed)
      if (!present.followed.sources) await takeUpSources(present.socket, present.followed)
    }
  }

  const change = ({ id, conversationId }: Someone['own'][number]) => ({ messageId: id, conversationId })

  test('L1 L5: is what a new snapshot says, whatever was done in between', async () => {
    const seed = chosenSeed(process.env.SIMULATION_SEED)
    console.log(`SIMULATION_SEED=${seed}`)
    const random = seededRandom(seed)
    const { people, ids } = await everybody()
    for (const person of people) await enter(person, random)
    for (let step = 0; step < steps; step++) {
      if (step === steps - lastSteps) await takeUpEverything(people, ids, random)
      if (random.chance(0.05)) await place.damage(random)
      if (random.chance(0.1)) await place.restore()
      const together = Array.from({ length: random.between(1, 3) }, () => random.pick(people))
      const deeds = [...new Set(together)].map(person => act(person, ids, random, step))
      for (const deed of await Promise.allSettled(deeds))
        if (deed.status === 'rejected' && !(deed.reason instanceof CommandRefused)) throw deed.reason
    }
    await place.restore()
    const { rows } = await place.parley.owner.query('select epoch from conversations where id = any($1)', [
      ids,
    ])
    expect(rows.some(({ epoch }) => epoch > 0)).toBe(true)
    expect(sourceIds.length).toBeGreaterThan(0)
    let compared = 0
    for (const { name, audience, present } of people) {
      if (!present) continue
      const { socket, followed } = present
      // Participants are not told who is there.
      const toldOf = (one: FollowedConversation) =>
        audience === 'participant' ? { ...one, online: false } : one
      for (const [id, held] of followed.conversations) {
        compared++
        await converges(
          `${name} has ${id}`,
          () => toldOf(held),
          async () => toldOf(await snapshot(socket, id)),
        )
      }
      if (followed.sources) {
        compared++
        await converges(
          `${name} has the sources`,
          () => followed.sources,
          () => sourcesSnapshot(socket),
        )
      }
      if (!followed.inbox) continue
      compared++
      await converges(
        `${name} has the inbox`,
        () => followed.inbox,
        () => inboxSnapshot(socket),
      )
      expect(followed.inbox.stale).toBe(false)
    }
    expect(compared).toBeGreaterThan(people.length)
    for (const person of people) leave(person)
  })
})

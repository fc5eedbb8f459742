import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { chosenSeed, type Random, seededRandom } from '../../loadtest/simulation/random.ts'
import { databaseKinds } from '../support/databases.ts'
import {
  converges,
  type Followed,
  follow,
  inboxSnapshot,
  snapshot,
  takeUpConversation,
  takeUpInbox,
} from '../support/followed.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Person, Workspace } from '../support/people.ts'
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

vi.setConfig({ testTimeout: 90_000, hookTimeout: 60_000 })

const steps = 120
/** Nobody leaves any more. */
const lastSteps = 20

interface Someone {
  readonly name: string
  readonly connect: () => Promise<TestSocket>
  readonly audience: ConnectOptions['audience']
  /** Places of the conversations that are open to them. */
  readonly conversations: readonly number[]
  present: { readonly socket: TestSocket; readonly followed: Followed } | undefined
  /** What they wrote: id and conversation. */
  readonly own: { id: string; conversationId: string }[]
}

describe.each(databaseKinds)('a snapshot and the events since, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let widgetKey: string
  let visits: Visit[]
  let members: Person[]

  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    workspace = await quickWorkspace(parley)
    widgetKey = (await newWidget(workspace)).publicKey
    visits = [await visit(parley.url, widgetKey), await visit(parley.url, widgetKey)]
    members = [workspace.owner, await quickMember(parley, workspace, 'support_agent')]
  })
  afterAll(() => parley?.remove())

  async function everybody(): Promise<{ people: Someone[]; ids: string[] }> {
    const ids: string[] = []
    for (const visiting of visits) {
      const socket = await connectVisitor(parley.url, visiting)
      ids.push((await socket.ask('conversation.open', { clientId: 'walk' })).conversation.id)
      socket.close()
    }
    const path = `/api/v1/conversations/${ids[0]}/tickets`
    const { body } = await workspace.owner.call<{ ticket: string }>('post', path, { name: 'Guest' })
    const someone = (
      name: string,
      audience: Someone['audience'],
      conversations: number[],
      connect: Someone['connect'],
    ): Someone => ({ name, audience, conversations, connect, present: undefined, own: [] })
    const { url } = parley
    return {
      ids,
      people: [
        ...visits.map((one, at) => someone(`visitor ${at}`, 'visitor', [at], () => connectVisitor(url, one))),
        ...members.map((one, at) => someone(`member ${at}`, 'member', [0, 1], () => connectMember(url, one))),
        someone('guest', 'participant', [0], () =>
          connectSocket({ url, audience: 'participant', auth: { ticket: body.ticket } }),
        ),
      ],
    }
  }

  async function enter(person: Someone): Promise<void> {
    const socket = await person.connect()
    person.present = { socket, followed: follow(socket) }
  }

  function leave(person: Someone): void {
    person.present?.socket.close()
    person.present = undefined
  }

  /** One thing that somebody does; what may not be done now is simply refused. */
  async function act(person: Someone, ids: readonly string[], random: Random, step: number): Promise<void> {
    const { socket, followed } = person.present ?? {}
    if (!socket || !followed) return enter(person)
    const conversationId = ids[random.pick(person.conversations)] ?? ''
    const clientId = `${person.name}-${step}`.replace(' ', '-')
    const parts = text(`step ${step}`)
    const target = person.own.length > 0 ? random.pick(person.own) : undefined
    const deed = random.below(20)
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
    else if (deed < 19) await socket.ask('typing.set', { conversationId, typing: random.chance(0.5) })
    else if (step < steps - lastSteps) leave(person)
  }

  /** Whoever is away comes back, and everyone follows all that they may: so that there is something to compare, whatever the walk was. */
  async function takeUpEverything(people: readonly Someone[], ids: readonly string[]): Promise<void> {
    for (const person of people) {
      if (!person.present) await enter(person)
      const { present } = person
      if (!present) continue
      for (const at of person.conversations) {
        const id = ids[at] ?? ''
        if (!present.followed.conversations.has(id))
          await takeUpConversation(present.socket, present.followed, id)
      }
      if (person.audience === 'member' && !present.followed.inbox)
        await takeUpInbox(present.socket, present.followed)
    }
  }

  const change = ({ id, conversationId }: Someone['own'][number]) => ({ messageId: id, conversationId })

  test('L1 L5: is what a new snapshot says, whatever was done in between', async () => {
    const seed = chosenSeed(process.env.SIMULATION_SEED)
    console.log(`SIMULATION_SEED=${seed}`)
    const random = seededRandom(seed)
    const { people, ids } = await everybody()
    for (const person of people) await enter(person)
    for (let step = 0; step < steps; step++) {
      if (step === steps - lastSteps) await takeUpEverything(people, ids)
      const together = Array.from({ length: random.between(1, 3) }, () => random.pick(people))
      const deeds = [...new Set(together)].map(person => act(person, ids, random, step))
      for (const deed of await Promise.allSettled(deeds))
        if (deed.status === 'rejected' && !(deed.reason instanceof CommandRefused)) throw deed.reason
    }
    let compared = 0
    for (const { name, present } of people) {
      if (!present) continue
      const { socket, followed } = present
      for (const id of followed.conversations.keys()) {
        compared++
        await converges(
          `${name} has ${id}`,
          () => followed.conversations.get(id),
          () => snapshot(socket, id),
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

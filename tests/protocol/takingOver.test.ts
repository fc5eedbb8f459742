import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Client, type Conversation, createClient, type SocketPort } from '../../src/client/index.ts'
import type { Audience } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { newAgent } from '../support/deskWorld.ts'
import { eventually } from '../support/eventually.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Person, Workspace } from '../support/people.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { newWidget, text, visit } from '../support/sockets.ts'

/** Of these commands the first acknowledgement is lost on its way. */
function losing(socket: SocketPort, commands: readonly string[]): SocketPort {
  const toLose = new Set(commands)
  const emit: SocketPort['emit'] = (event, input, acknowledge) =>
    socket.emit(event, input, toLose.delete(event) ? () => undefined : acknowledge)
  return new Proxy(socket, {
    get: (target, name) => {
      const value: unknown = name === 'emit' ? emit : Reflect.get(target, name)
      return typeof value === 'function' && name !== 'emit' ? value.bind(target) : value
    },
  })
}

describe.each(databaseKinds)('L7 people take over with the client, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let agentId: string
  const open: Client<Audience>[] = []

  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
    agentId = await newAgent(workspace)
  }, 60_000)
  afterAll(async () => {
    for (const client of open) client.close()
    await parley?.remove()
  })

  async function connect(namespace: string, token: string, query = {}, lost: readonly string[] = []) {
    const transport = { autoConnect: false, reconnection: false, forceNew: true, transports: ['websocket'] }
    const client = createClient<Audience>({
      socket: losing(io(`${parley.url}/${namespace}`, { ...transport, query }), lost),
      auth: async () => ({ token }),
      renew: async () => ({ token }),
      options: { ackTimeoutMs: 2_000, backoffBaseMs: 50 },
    })
    open.push(client)
    await client.connect()
    return client
  }

  async function visitorWrites(lost: readonly string[] = []): Promise<Conversation> {
    const visiting = await visit(parley.url, (await newWidget(workspace, agentId)).publicKey)
    const client = await connect('visitor', visiting.token, { widget: visiting.widgetKey }, lost)
    const conversation = client.startConversation()
    conversation.send('I want my money back')
    await eventually('AI has answered', () => conversation.getSnapshot().applied === 2, 20_000)
    return conversation
  }

  async function follow(person: Person, { getSnapshot }: Conversation, lost: readonly string[] = []) {
    const client = await connect('member', person.token, { tenant: workspace.tenantId }, lost)
    const conversation = client.conversation(getSnapshot().id ?? '')
    await eventually('it is open', () => conversation.getSnapshot().live, 20_000)
    return conversation
  }

  const ownership = ({ getSnapshot }: Conversation) => {
    const { owner, assignedMemberId, epoch } = getSnapshot().conversation ?? {}
    return { owner, assignedMemberId, epoch }
  }
  const happenings = ({ getSnapshot }: Conversation) =>
    getSnapshot().entries.flatMap(({ type, parts }) => (type === 'system_event' ? [parts[0]?.name] : []))
  const knows = (conversation: Conversation, wanted: object) =>
    eventually(
      `it is ${JSON.stringify(wanted)}`,
      () =>
        Object.entries(wanted).every(([name, value]) => Reflect.get(ownership(conversation), name) === value),
      20_000,
    )

  test('a call, a claim and a hand-back whose answers were lost are repeated, and happen once', async () => {
    const member = await quickMember(parley, workspace, 'support_agent')
    const visitor = await visitorWrites(['conversation.escalate'])
    const desk = await follow(member, visitor, [
      'conversation.claim',
      'conversation.handBack',
      'conversation.reply',
    ])
    expect(await visitor.callPerson('a refund')).toMatchObject({ ok: true })
    await knows(desk, { owner: 'queue', epoch: 1 })
    expect(await desk.claim()).toMatchObject({ ok: true, value: { epoch: 2 } })
    for (const one of [desk, visitor])
      await knows(one, { owner: 'member', assignedMemberId: member.memberId, epoch: 2 })
    desk.reply(text('You will have it tomorrow'))
    await eventually(
      'the visitor reads it',
      () => visitor.getSnapshot().messages.at(-1)?.text === 'You will have it tomorrow',
      20_000,
    )
    expect(await desk.handBack('queue')).toMatchObject({ ok: true, value: { epoch: 3 } })
    for (const one of [desk, visitor]) await knows(one, { owner: 'queue', assignedMemberId: null, epoch: 3 })
    await eventually('all is there', () => visitor.getSnapshot().applied === 6, 20_000)
    expect(happenings(visitor)).toEqual(['called_people', 'claimed', 'queued'])
    expect(visitor.getSnapshot().answer).toBeUndefined()
  })

  test('of two who claim one has it; what the other replies is refused and stays theirs to send again', async () => {
    const [one, other] = [
      await quickMember(parley, workspace, 'support_agent'),
      await quickMember(parley, workspace, 'admin'),
    ]
    const visitor = await visitorWrites()
    const desks = [await follow(one, visitor), await follow(other, visitor)] as const
    const claims = await Promise.all(desks.map(desk => desk.claim()))
    expect(claims.map(({ ok }) => ok).sort()).toEqual([false, true])
    const [winner, loser] = claims[0]?.ok ? desks : ([desks[1], desks[0]] as const)
    for (const desk of desks) await knows(desk, { owner: 'member', epoch: 1 })
    const clientId = loser.reply(text('Let me'))
    await eventually(
      'it is refused',
      () => loser.getSnapshot().messages.at(-1)?.failure?.code === 'conflict',
      20_000,
    )
    expect(await winner.handBack('queue')).toMatchObject({ ok: true })
    await knows(loser, { owner: 'queue', epoch: 2 })
    expect(await loser.claim()).toMatchObject({ ok: true, value: { epoch: 3 } })
    loser.retry(clientId)
    await eventually(
      'the visitor reads it',
      () => visitor.getSnapshot().messages.at(-1)?.text === 'Let me',
      20_000,
    )
    expect(await winner.resolve()).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect(await loser.resolve()).toMatchObject({ ok: true, value: { epoch: 4 } })
    await eventually(
      'it is resolved',
      () => visitor.getSnapshot().conversation?.status === 'resolved',
      20_000,
    )
    await knows(visitor, { owner: 'ai', epoch: 4 })
  })
})

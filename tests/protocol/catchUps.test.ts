import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { startWire } from '../support/networkPath.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import {
  connectMember,
  connectVisitor,
  newWidget,
  type TestSocket,
  text,
  type Visit,
  visit,
} from '../support/sockets.ts'

describe('L5: catch-ups are counted', () => {
  let parley: TestParley
  let visiting: Visit
  let visitor: TestSocket
  let member: TestSocket
  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded', { COMMANDS_PER_SECOND: '1000' })
    const workspace = await quickWorkspace(parley)
    visiting = await visit(parley.url, (await newWidget(workspace)).publicKey)
    visitor = await connectVisitor(parley.url, visiting)
    member = await connectMember(parley.url, workspace.owner)
  })
  afterAll(() => parley.remove())

  async function healed(audience: 'visitor' | 'member'): Promise<number> {
    const page = await (await fetch(`${parley.url}/metrics`)).text()
    const found = new RegExp(`^parley_gaps_healed_total\\{audience="${audience}"\\} (\\d+)$`, 'm').exec(page)
    return Number(found?.[1] ?? 0)
  }
  async function counted(work: () => Promise<unknown>, audience: 'visitor' | 'member' = 'visitor') {
    const before = await healed(audience)
    await work()
    return (await healed(audience)) - before
  }
  const say = async (conversationId: string, count: number, note = false) => {
    for (let at = 0; at < count; at++)
      await member.ask('message.send', {
        ...{ conversationId, clientId: newId(), parts: text('x') },
        ...(note ? { note } : {}),
      })
  }
  async function talk(clientId: string, count: number): Promise<string> {
    const { conversation } = await visitor.ask('conversation.open', { clientId })
    await say(conversation.id, count)
    return conversation.id
  }

  test('in however many pages it comes, once; what brings nothing, never', async () => {
    const conversationId = await talk('pages', 5)
    const read = (range: { after?: number; before?: number; limit?: number }) => () =>
      visitor.ask('history.read', { conversationId, ...range })
    expect(await counted(read({ after: 2 }))).toBe(1)
    expect(await counted(read({ after: 5 }))).toBe(0)
    expect(await counted(read({ before: 5 }))).toBe(0)
    expect(
      await counted(async () => {
        await say(conversationId, 3)
        for (const after of [2, 4, 6]) await read({ after, limit: 2 })()
      }),
    ).toBe(1)
    // What this connection has read before it has, however often it asks.
    for (const after of [0, 3, 7]) expect(await counted(read({ after }))).toBe(0)
    await say(conversationId, 1)
    expect(await counted(read({ after: 3 }))).toBe(1)
    const unknown = { conversationId: newId(), after: 0 }
    expect(await counted(() => visitor.answer('history.read', unknown))).toBe(0)
  })

  test('with the conversation that is opened again, when it went on meanwhile', async () => {
    const conversationId = await talk('opened', 5)
    const open = (range: { after?: number; limit?: number }) => () =>
      visitor.ask('conversation.open', { conversationId, ...range })
    expect(await counted(open({}))).toBe(0)
    expect(await counted(open({ after: 5 }))).toBe(0)
    expect(await counted(open({ after: 3 }))).toBe(1)
    expect(await counted(open({ after: 3 }))).toBe(0)
    expect(
      await counted(async () => {
        await say(conversationId, 1)
        await open({ after: 0, limit: 3 })()
        await visitor.ask('history.read', { conversationId, after: 3, limit: 3 })
      }),
    ).toBe(1)
    // Notes are nothing that a visitor missed.
    await say(conversationId, 1, true)
    expect(await counted(open({ after: 6 }))).toBe(0)
    const asMember = () => member.ask('conversation.open', { conversationId, after: 5 })
    expect(await counted(asMember, 'member')).toBe(1)
  })

  test('as a client does it that lost its connection: once for each that was behind', async () => {
    await using wire = await startWire({ host: '127.0.0.1', port: Number(new URL(parley.url).port) })
    const socket = io(`http://127.0.0.1:${wire.port}/visitor`, {
      ...{ autoConnect: false, reconnection: false, transports: ['websocket'] },
      query: { widget: visiting.widgetKey },
    })
    const client = createClient<'visitor'>({
      socket,
      auth: async () => ({ token: visiting.token }),
      renew: async () => ({ token: visiting.token }),
      options: { catchUpPageSize: 10, ackTimeoutMs: 60_000, backoffBaseMs: 20 },
    })
    const applied = (count: number) =>
      eventually(
        `${count} are there`,
        () => followed.getSnapshot().live && followed.getSnapshot().applied === count,
      )
    /** Nothing of what is said while the connection is away reaches the client by itself. */
    const away = async (work: () => Promise<void>) => {
      await wire.cut()
      await eventually('the connection is lost', () => client.state.status !== 'online')
      await work()
      await wire.restore()
    }
    const conversationId = await talk('followed', 3)
    const followed = client.conversation(conversationId)
    try {
      expect(
        await counted(async () => {
          await client.connect()
          await applied(3)
          await say(conversationId, 2)
          await applied(5)
        }),
      ).toBe(0)
      expect(await counted(() => away(() => say(conversationId, 35)).then(() => applied(40)))).toBe(1)
      expect(await counted(() => away(async () => undefined).then(() => applied(40)))).toBe(0)
    } finally {
      client.close()
    }
  })
})

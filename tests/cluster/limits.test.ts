import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import { newId } from '../../src/kernel/index.ts'
import { type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { startWire } from '../support/networkPath.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const perSecond = 200
const perAddress = 24

describe.skipIf(!clusterPossible)('a node and those who ask too much of it', () => {
  let cluster: Cluster
  let workspace: Workspace
  let widgetKey: string
  let url: string

  beforeAll(async () => {
    cluster = await startCluster({
      nodes: 1,
      environment: { COMMANDS_PER_SECOND: `${perSecond}`, CONNECTIONS_PER_ADDRESS: `${perAddress}` },
    })
    url = cluster.nodes[0]?.url ?? ''
    workspace = await quickWorkspace(cluster.parley(0))
    widgetKey = (await newWidget(workspace)).publicKey
  })
  afterAll(() => cluster?.stop())

  const metric = async (name: string): Promise<number> => {
    const body = await (await fetch(`${url}/metrics`)).text()
    const line = body.split('\n').find(text => text.startsWith(`${name} `))
    return Number(line?.slice(name.length) ?? 0)
  }

  test('L9: who does not read is cut off, nobody else notices, and afterwards nothing is missing', async () => {
    const visiting = await visit(url, widgetKey)
    await using wire = await startWire({ host: '127.0.0.1', port: cluster.nodes[0]?.port ?? 0 })
    const slow = createClient<'visitor'>({
      socket: io(`http://127.0.0.1:${wire.port}/visitor`, {
        ...{ autoConnect: false, reconnection: false, transports: ['websocket'] },
        query: { widget: widgetKey },
      }),
      auth: async () => ({ token: visiting.token }),
      renew: async () => ({ token: visiting.token }),
    })
    const losses: string[] = []
    slow.on('state', state => state.status === 'waiting' && losses.push(state.reason.code))
    const quick = await connectVisitor(url, visiting)
    // Several, because a fast machine would have one send more bytes than one connection may.
    const members = await Promise.all([1, 2, 3].map(() => connectMember(url, workspace.owner)))
    try {
      await slow.connect()
      const conversation = slow.startConversation('slow')
      await eventually('the slow one has opened it', () => conversation.getSnapshot().live)
      const conversationId = conversation.getSnapshot().id ?? ''
      await quick.ask('conversation.open', { conversationId })
      const before = await metric('parley_slow_consumers_total')
      wire.freeze()
      // More than the node keeps for one connection, and the system on the way.
      const long = Array.from({ length: 10 }, () => ({ type: 'text' as const, text: 'x'.repeat(8_000) }))
      const count = 220
      let slowest = 0
      for (let at = 1; at <= count; at++) {
        const began = performance.now()
        const member = members[at % members.length]
        await member?.ask('message.send', { conversationId, clientId: `m${at}`, parts: long })
        await quick.next('entries', ({ head }) => head === at)
        slowest = Math.max(slowest, performance.now() - began)
      }
      expect(slowest).toBeLessThan(2_000)
      expect(await metric('parley_slow_consumers_total')).toBe(before + 1)
      await wire.restore()
      await eventually(
        'it has come back to all of it',
        () => conversation.getSnapshot().applied === count,
        20_000,
      )
      expect(conversation.getSnapshot().entries.map(({ seq }) => seq)).toEqual(
        Array.from({ length: count }, (_, at) => at + 1),
      )
      expect(losses.length).toBeGreaterThan(0)
    } finally {
      slow.close()
      for (const one of [quick, ...members]) one.close()
    }
  })

  test('S4: a flood is answered rate_limited with when to come back, then closed; others go on', async () => {
    const flooding = await connectVisitor(url, await visit(url, widgetKey))
    const calm = await connectVisitor(url, await visit(url, widgetKey))
    try {
      const ask = () => flooding.answer('conversation.leave', { conversationId: newId() })
      const many = (count: number) => Array.from({ length: count }, ask)
      // Three seconds' worth at once is everybody's. What is beyond is refused, in words, and costs nobody the connection.
      const answers = await Promise.all(many(perSecond * 3 + 150))
      const refusals = answers.flatMap(answer => (answer.ok ? [] : [answer.error]))
      expect(answers.length - refusals.length).toBeGreaterThanOrEqual(perSecond * 3)
      expect(refusals.length).toBeGreaterThan(0)
      for (const refusal of refusals)
        expect(refusal).toMatchObject({
          code: 'rate_limited',
          retryable: true,
          retryAfter: expect.any(Number),
        })
      expect(flooding.socket.connected).toBe(true)

      const flood = Promise.allSettled(many(perSecond * 5))
      const closing = await flooding.next('closing')
      expect(closing).toMatchObject({ code: 'rate_limited', retryable: true, retryAfter: expect.any(Number) })
      await eventually('the connection has ended', () => !flooding.socket.connected)
      await flood
    } finally {
      flooding.close()
    }
    expect((await calm.ask('conversation.open', { clientId: 'calm' })).head).toBe(0)
    const again = await connectVisitor(url, await visit(url, widgetKey))
    await again.ask('conversation.list', {})
    for (const socket of [calm, again]) socket.close()
  })

  test('S4: one address has so many connections and no more, until it gives some back', async () => {
    const visiting = await visit(url, widgetKey)
    await eventually('those of earlier tests are gone', async () => {
      const counts = await Promise.all(
        ['visitor', 'member'].map(audience => metric(`parley_connections{audience="${audience}"}`)),
      )
      return counts.every(count => !(count > 0))
    })
    const sockets: TestSocket[] = []
    try {
      const attempts = Array.from({ length: perAddress + 6 }, () => connectVisitor(url, visiting))
      for (const attempt of await Promise.allSettled(attempts))
        if (attempt.status === 'fulfilled') sockets.push(attempt.value)
      await eventually(
        'the rest are closed',
        () => sockets.filter(({ socket }) => socket.connected).length <= perAddress,
      )
      expect(sockets.filter(({ socket }) => socket.connected)).toHaveLength(perAddress)
      const [first] = sockets
      first?.close()
      await eventually('there is room for another', async () => {
        const another = await connectVisitor(url, visiting).catch(() => undefined)
        if (another) sockets.push(another)
        return another !== undefined
      })
      const [message] = text('not the one who was turned away')
      const reader = sockets.at(-1)
      const { conversation } = (await reader?.ask('conversation.open', { clientId: 'x' })) ?? {}
      const sent = { conversationId: conversation?.id ?? '', clientId: '1', parts: message ? [message] : [] }
      expect((await reader?.ask('message.send', sent))?.seq).toBe(1)
    } finally {
      for (const socket of sockets) socket.close()
    }
  })
})

import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { startWire, type Wire } from '../support/networkPath.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { type LocalRedis, startLocalRedis } from '../support/services/redis.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

/** More than anything takes while Redis works on a busy machine, and less than the shortest time anyone waits for a Redis that hangs. */
const noticeableMs = 1_500

describe.skipIf(!clusterPossible)('Redis between two nodes', () => {
  let redis: LocalRedis
  let wires: Wire[]
  let cluster: Cluster
  let workspace: Workspace
  let widgetKey: string
  const open = new Set<TestSocket>()
  const kept = (socket: TestSocket): TestSocket => {
    open.add(socket)
    return socket
  }
  const urlOf = (which: number) => cluster.nodes[which]?.url ?? ''

  beforeAll(async () => {
    redis = await startLocalRedis(process.env)
    const target = { host: '127.0.0.1', port: redis.port }
    // Subscriptions of the second node take longer than anything else here: what does not wait for them comes to light.
    const delayOf = (piece: Buffer) => (piece.includes('ssubscribe') ? 40 : 0)
    wires = [await startWire(target), await startWire(target, { delayOf })]
    cluster = await startCluster({ nodes: 2, redisUrl: which => `redis://127.0.0.1:${wires[which]?.port}` })
    workspace = await quickWorkspace(cluster.parley(0))
    widgetKey = (await newWidget(workspace)).publicKey
  })
  afterAll(async () => {
    for (const socket of open) socket.close()
    await cluster?.stop()
    for (const wire of wires ?? []) await wire[Symbol.asyncDispose]()
    await redis?.stop()
  })

  const visitor = async (which: number) =>
    kept(await connectVisitor(urlOf(which), await visit(urlOf(which), widgetKey)))
  const member = async (which: number) => kept(await connectMember(urlOf(which), workspace.owner))
  const begin = async (socket: TestSocket) =>
    (await socket.ask('conversation.open', { clientId: 'first' })).conversation.id
  const entryOf = (id: string) => (event: { entries: { id: string }[] }) =>
    event.entries.some(entry => entry.id === id)

  test('L4: once a conversation is open on one node, what another takes arrives there without being asked for', async () => {
    await busWorks()
    const reader = await member(1)
    const rounds = async (sender: TestSocket) => {
      const conversationId = await begin(sender)
      for (let round = 1; round <= 50; round++) {
        await reader.ask('conversation.open', { conversationId })
        const sent = { conversationId, clientId: `${round}`, parts: text(`${round}`) }
        const { id } = await sender.ask('message.send', sent)
        await reader.next('entries', entryOf(id), 5_000)
        await reader.ask('conversation.leave', { conversationId })
      }
    }
    const senders = await Promise.all([visitor(0), visitor(0), visitor(0), visitor(0)])
    await Promise.all(senders.map(rounds))
  })

  /** The bus takes a moment after a start; a message that crosses it says that it works. */
  async function busWorks(): Promise<void> {
    const [sender, reader] = [await visitor(0), await member(1)]
    const conversationId = await begin(sender)
    await reader.ask('conversation.open', { conversationId })
    let at = 0
    await eventually(
      'a message crosses',
      async () => {
        const sent = {
          conversationId,
          clientId: `crossing ${at++}`.replace(' ', '-'),
          parts: text('crossing'),
        }
        const { id } = await sender.ask('message.send', sent)
        return reader.next('entries', entryOf(id), 500).then(
          () => true,
          () => false,
        )
      },
      20_000,
    )
    sender.close()
    reader.close()
  }

  afterEach(async () => {
    redis.signal('SIGCONT')
    await redis.up()
    for (const wire of wires) await wire.restore()
  })

  const outages: readonly [string, () => Promise<void> | void, () => Promise<void> | void][] = [
    ['is stopped', () => redis.down(), () => redis.up()],
    ['hangs', () => redis.signal('SIGSTOP'), () => redis.signal('SIGCONT')],
    ['is cut off from one node', () => wires[0]?.cut(), () => wires[0]?.restore()],
  ]

  test.each(outages)(
    'L4 L5: Redis %s: the node’s own users notice nothing, others converge',
    async (_how, away, back) => {
      await busWorks()
      const [guest, near, far] = [await visitor(0), await member(0), await member(1)]
      const conversationId = await begin(guest)
      for (const socket of [near, far]) await socket.ask('conversation.open', { conversationId })
      let sent = 0
      const slowest = { ack: 0, delivery: 0 }
      const say = async () => {
        const began = performance.now()
        const clientId = `m${sent + 1}`
        const acked = guest.ask('message.send', { conversationId, clientId, parts: text(clientId) })
        await acked
        sent++
        slowest.ack = Math.max(slowest.ack, performance.now() - began)
        await near.next('entries', entryOf((await acked).id))
        slowest.delivery = Math.max(slowest.delivery, performance.now() - began)
      }
      const timed = async (work: Promise<unknown>) => {
        const began = performance.now()
        await work
        return performance.now() - began
      }
      await say()
      await away()
      for (let at = 0; at < 40; at++) {
        await say()
        await new Promise(resolve => setTimeout(resolve, 50))
      }
      const others = {
        inbox: await timed(near.ask('inbox.subscribe', {})),
        presence: await timed(near.ask('presence.set', { status: 'away' })),
        visit: await timed(visitor(0).then(begin)),
        mark: await timed(near.ask('mark.set', { conversationId, delivered: 1 })),
      }
      expect(
        Math.max(...Object.values(slowest), ...Object.values(others)),
        JSON.stringify({ slowest, others }),
      ).toBeLessThan(noticeableMs)
      // The other node learns from the log where it ends; the sooner if it has noticed the outage itself.
      const { head } = await far.next(
        'head',
        event => event.conversationId === conversationId && event.head >= 20,
      )
      expect(
        (await far.ask('history.read', { conversationId, after: 1 })).entries.length,
      ).toBeGreaterThanOrEqual(head - 1)
      for (let at = 0; at < 5; at++) await say()
      await back()
      const knows = (event: { conversationId: string; head: number }) =>
        event.conversationId === conversationId && event.head >= sent
      await Promise.race([far.next('head', knows, 2_000), far.next('entries', knows, 2_000)])
      await busWorks()
      // Also in the rooms that were open before.
      const last = await guest.ask('message.send', { conversationId, clientId: 'last', parts: text('last') })
      await far.next('entries', entryOf(last.id))
    },
  )
})

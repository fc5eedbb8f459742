import { Redis } from 'ioredis'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { busIsUp, type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { type LocalRedis, startLocalRedis } from '../support/services/redis.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

/** Less than the ten seconds after which a single loss is found by itself, and than the two after which a silent bus is down. */
const soonMs = 1_900

describe.skipIf(!clusterPossible)('a bus that is away for a moment', () => {
  let redis: LocalRedis
  let operator: Redis
  let cluster: Cluster
  let guest: TestSocket
  let reader: TestSocket
  let conversationId: string
  const urlOf = (which: number) => cluster.nodes[which]?.url ?? ''

  beforeAll(async () => {
    redis = await startLocalRedis(process.env)
    operator = new Redis(redis.url)
    cluster = await startCluster({ nodes: 2, redisUrl: () => redis.url })
    const workspace = await quickWorkspace(cluster.parley(0))
    const { publicKey } = await newWidget(workspace)
    guest = await connectVisitor(urlOf(0), await visit(urlOf(0), publicKey))
    reader = await connectMember(urlOf(1), workspace.owner)
    conversationId = (await guest.ask('conversation.open', { clientId: 'first' })).conversation.id
    await reader.ask('conversation.open', { conversationId })
    await reader.ask('inbox.subscribe', {})
  })
  afterAll(async () => {
    guest?.close()
    reader?.close()
    await cluster?.stop()
    operator?.disconnect()
    await redis?.stop()
  })

  let sent = 0
  const say = async () => {
    sent++
    return guest.ask('message.send', { conversationId, clientId: `m${sent}`, parts: text(`m${sent}`) })
  }
  const cameAsEvent = (seq: number) =>
    reader.received('entries').some(({ entries }) => entries.some(entry => entry.seq === seq))

  test.each([
    ['loses its subscriptions', 'pubsub'],
    ['cannot publish', 'normal'],
  ])('L4 L5: what is sent while a node %s is told of within two seconds', async (_what, kind) => {
    let lost = 0
    for (let round = 0; round < 4; round++) {
      for (const which of [0, 1]) await busIsUp(cluster, which)
      await operator.call('CLIENT', 'KILL', 'TYPE', kind)
      const { seq } = await say()
      const knows = ({ head }: { head: number }) => head >= seq
      await Promise.any([reader.next('head', knows, soonMs), reader.next('entries', knows, soonMs)])
      if (cameAsEvent(seq)) continue
      lost++
      expect((await reader.ask('history.read', { conversationId, after: seq - 1 })).entries[0]?.seq).toBe(seq)
      await reader.next('inbox', ({ conversations }) => conversations.some(({ head }) => head >= seq), 5_000)
    }
    // Otherwise nothing was tried.
    expect(lost).toBeGreaterThan(0)
  })

  test('L4: with a bus that is lost again and again, what may be missing is told again once a second at most', async () => {
    for (const which of [0, 1]) await busIsUp(cluster, which)
    await reader.ask('conversation.update', { conversationId, title: 'told again' })
    const before = reader.received('conversation').length
    const began = performance.now()
    while (performance.now() - began < 6_000) {
      await operator.call('CLIENT', 'KILL', 'TYPE', 'pubsub')
      await new Promise(resolve => setTimeout(resolve, 600))
    }
    for (const which of [0, 1]) await busIsUp(cluster, which)
    await say()
    await reader.next('entries', ({ head }) => head >= sent)
    const seconds = (performance.now() - began) / 1_000
    const told = reader.received('conversation').length - before
    expect(told).toBeGreaterThan(0)
    expect(told).toBeLessThanOrEqual(Math.ceil(seconds) + 1)
  })
})

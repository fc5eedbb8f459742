import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { beatChannels } from '../../src/gateway/beats.ts'
import { roomChannel } from '../../src/gateway/bus.ts'
import { rooms } from '../../src/gateway/index.ts'
import { busIsUp, type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import type { Workspace } from '../support/people.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import {
  type LocalRedisCluster,
  redisClusterPossible,
  startLocalRedisCluster,
} from '../support/services/redisCluster.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 120_000, hookTimeout: 180_000 })

/** As in tests/cluster/outage.test.ts: more than anything takes while Redis works, on a busy machine. */
const noticeableMs = 1_500

/** One for each shard: what members hear of it goes by that shard. */
interface Talk {
  readonly guest: TestSocket
  readonly conversationId: string
  sent: number
}

describe.skipIf(!clusterPossible || !redisClusterPossible)('two nodes on a Redis Cluster', () => {
  let redis: LocalRedisCluster
  let cluster: Cluster
  let workspace: Workspace
  let widgetKey: string
  let reader: TestSocket
  let talks: Talk[]
  const open = new Set<TestSocket>()
  const kept = (socket: TestSocket): TestSocket => {
    open.add(socket)
    return socket
  }
  const urlOf = (which: number) => cluster.nodes[which]?.url ?? ''
  const visitor = async (which: number) =>
    kept(await connectVisitor(urlOf(which), await visit(urlOf(which), widgetKey)))
  const member = async (which: number) => kept(await connectMember(urlOf(which), workspace.owner))
  const bothUp = () => Promise.all([0, 1].map(which => busIsUp(cluster, which, 60_000)))

  beforeAll(async () => {
    redis = await startLocalRedisCluster(process.env)
    // The first node is given one address, the second all: any must do.
    const addresses = redis.masters.map(({ url }) => url)
    cluster = await startCluster({
      nodes: 2,
      redisUrl: which => (which === 0 ? (addresses[2] ?? '') : addresses.join()),
      environment: { REDIS_CLUSTER: 'true' },
    })
    workspace = await quickWorkspace(cluster.parley(0))
    widgetKey = (await newWidget(workspace)).publicKey
    reader = await member(1)
    await reader.ask('inbox.subscribe', {})
    talks = await Promise.all([0, 1, 2].map(talkOn))
    await bothUp()
  })
  afterAll(async () => {
    for (const socket of open) socket.close()
    await cluster?.stop()
    await redis?.stop()
  })

  async function talkOn(shard: number): Promise<Talk> {
    const guest = await visitor(0)
    for (let at = 0; ; at++) {
      const { conversation } = await guest.ask('conversation.open', { clientId: `c${at}` })
      const conversationId = conversation.id
      const room = rooms.conversation(workspace.tenantId, conversationId)
      if ((await redis.masterOf(roomChannel('/member', room))) !== shard) continue
      await reader.ask('conversation.open', { conversationId })
      return { guest, conversationId, sent: 0 }
    }
  }

  /** One message; says how long its sender waited. */
  async function say(talk: Talk): Promise<number> {
    const began = performance.now()
    const { conversationId } = talk
    const name = `m${talk.sent + 1}`
    await talk.guest.ask('message.send', { conversationId, clientId: name, parts: text(name) })
    talk.sent++
    return performance.now() - began
  }
  const timed = async (work: () => Promise<unknown>) => {
    const began = performance.now()
    await work()
    return performance.now() - began
  }
  const told = (event: 'entries' | 'head', { conversationId, sent }: Talk, withinMs: number) =>
    reader.next(event, heard => heard.conversationId === conversationId && heard.head >= sent, withinMs)
  const arrives = (talk: Talk) => told('entries', talk, 5_000)
  /** By whichever way, and all of it can be read. */
  async function converges(talk: Talk, withinMs: number): Promise<void> {
    await Promise.any([told('entries', talk, withinMs), told('head', talk, withinMs)])
    const { entries } = await reader.ask('history.read', {
      ...{ conversationId: talk.conversationId, after: 0, limit: 200 },
    })
    expect(entries.map(({ text: said }) => said)).toEqual(entries.map((_, at) => `m${at + 1}`))
    expect(entries).toHaveLength(talk.sent)
  }

  test('L4: the beat has a channel in every sixteenth of the slots, so that every shard is listened to', async () => {
    const found = await Promise.all(beatChannels('parley', true).map(redis.slotOf))
    expect(found.map(slot => slot >> 10).sort((a, b) => a - b)).toEqual(found.map((_, at) => at))
  })

  test('L4: entries, typing, marks and inbox lines cross from node to node by every shard', async () => {
    for (const talk of talks) {
      await say(talk)
      await arrives(talk)
      const { guest, conversationId } = talk
      await guest.ask('typing.set', { conversationId, typing: true })
      await reader.next('typing', event => event.conversationId === conversationId && event.typing)
      await reader.ask('mark.set', { conversationId, delivered: 1, read: 1 })
      await guest.next('mark', event => event.conversationId === conversationId && event.read === 1)
      const changed = ({ id, head }: { id: string; head: number }) => id === conversationId && head === 1
      await reader.next('inbox', ({ conversations }) => conversations.some(changed))
    }
  })

  test('presence is the same on both nodes', async () => {
    const colleague = await quickMember(cluster.parley(0), workspace, 'support_agent')
    const desk = await connectMember(urlOf(0), colleague)
    const said = (status: string) => (event: { memberId: string; status: string }) =>
      event.memberId === colleague.memberId && event.status === status
    await reader.next('presence', said('online'))
    expect((await reader.ask('inbox.subscribe', {})).present).toContainEqual({
      ...{ memberId: colleague.memberId, status: 'online' },
    })
    const [talk] = talks as [Talk]
    const again = await reader.ask('conversation.open', { conversationId: talk.conversationId })
    expect(again.online).toBe(true)
    desk.close()
    await reader.next('presence', said('offline'))
  })

  test('requests of one address are counted together', async () => {
    const remaining = async (which: number) =>
      Number((await fetch(`${urlOf(which)}/api/v1/nothing`)).headers.get('ratelimit-remaining'))
    let last = Number.POSITIVE_INFINITY
    for (let at = 0; at < 20; at++) {
      const now = await remaining(at % 2)
      expect(now).toBeLessThan(last)
      last = now
    }
  })

  afterEach(async () => {
    for (const master of redis.masters) {
      await master.up()
      master.signal('SIGCONT')
    }
  })

  test('L4 L5: a shard that fails over: nobody on the node waits, the other converges, then all is as before', async () => {
    const [talk] = talks as [Talk]
    const [first] = redis.masters
    await first?.down()
    let slowest = 0
    const until = performance.now() + 8_000
    while (performance.now() < until) {
      for (const each of talks) slowest = Math.max(slowest, await say(each))
      await new Promise(resolve => setTimeout(resolve, 200))
    }
    expect(slowest).toBeLessThan(noticeableMs)
    for (const each of talks) await converges(each, 12_000)
    await eventually(
      'the replica is a master',
      async () => String(await redis.ask(redis.replica, 'ROLE')).startsWith('master'),
      30_000,
    )
    await bothUp()
    await say(talk)
    await arrives(talk)
    await first?.up()
    await redis.whole()
    await bothUp()
    for (const each of talks) {
      await say(each)
      await arrives(each)
    }
  })

  test('L4 L5: a shard that is lost: the others go on, its rooms converge by the log, and hear again when it is back', async () => {
    const [, lost, safe] = talks as [Talk, Talk, Talk]
    await redis.masters[1]?.down()
    await say(lost)
    await converges(lost, 5_000)
    let slowest = 0
    for (let at = 0; at < 30; at++) {
      for (const each of talks) slowest = Math.max(slowest, await say(each))
      await new Promise(resolve => setTimeout(resolve, 100))
    }
    expect(slowest).toBeLessThan(noticeableMs)
    await arrives(safe)
    await converges(lost, 5_000)
    // Whoever comes now finds a bus that is down and is served all the same; the room is listened to as soon as that is possible.
    const late = await member(1)
    const waits = {
      open: await timed(() => late.ask('conversation.open', { conversationId: lost.conversationId })),
      visit: await timed(() => visitor(1)),
    }
    const fresh = await visitor(1)
    const began = performance.now()
    const opened = await fresh.ask('conversation.open', { clientId: 'late' })
    expect(Math.max(...Object.values(waits), performance.now() - began), JSON.stringify(waits)).toBeLessThan(
      noticeableMs,
    )
    await redis.masters[1]?.up()
    await redis.whole()
    await bothUp()
    for (const each of talks) {
      await say(each)
      await arrives(each)
    }
    for (const { conversationId, sent } of talks) {
      const asItIs = ({ id, head }: { id: string; head: number }) => id === conversationId && head === sent
      await eventually('the inbox shows it as it is', () =>
        reader.received('inbox').some(({ conversations }) => conversations.some(asItIs)),
      )
    }
    const other = await member(0)
    const { id } = opened.conversation
    await other.ask('message.send', { conversationId: id, clientId: 'hello', parts: text('hello') })
    await fresh.next('entries', ({ conversationId }) => conversationId === id)
  })

  test('L4 L5: a shard that hangs is noticed within seconds, and its rooms converge', async () => {
    const [, , talk] = talks as [Talk, Talk, Talk]
    const hung = redis.masters[2]
    hung?.signal('SIGSTOP')
    const slowest = Math.max(await say(talk), await say(talk))
    expect(slowest).toBeLessThan(noticeableMs)
    await converges(talk, 6_000)
    hung?.signal('SIGCONT')
    await redis.whole()
    await bothUp()
    await say(talk)
    await arrives(talk)
  })

  test('L10: a node that drains gives its people to the other one, and no process has ended by itself', async () => {
    // Connected since before the first outage.
    expect(reader.socket.connected).toBe(true)
    for (const { guest } of talks) expect(guest.socket.connected).toBe(true)
    const stopped = cluster.nodes[0]?.stop()
    for (const { guest } of talks) await guest.next('closing', ({ code }) => code === 'draining', 20_000)
    await stopped
    const [talk] = talks as [Talk]
    const { conversationId } = talk
    const next = await member(1)
    await next.ask('message.send', { conversationId, clientId: 'after', parts: text('after') })
    await reader.next('entries', ({ entries }) => entries.some(({ text: said }) => said === 'after'))
  })
})

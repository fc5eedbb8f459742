import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import type { ConversationLine } from '../../src/protocol/index.ts'
import { type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import { startWire, type Wire } from '../support/networkPath.ts'
import type { Workspace } from '../support/people.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 })

/** Ten seconds between two looks, and a busy machine. */
const repairedMs = 20_000

describe.skipIf(!clusterPossible)('the inbox on two nodes', () => {
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
    const redis = new URL(inject('services').redis?.url ?? '')
    const target = { host: redis.hostname, port: Number(redis.port) }
    // What the second node says takes its time, and is overtaken by what the first one says.
    const delayOf = (piece: Buffer) => (piece.includes('spublish') ? 150 : 0)
    wires = [await startWire(target), await startWire(target, { delayOf })]
    cluster = await startCluster({ nodes: 2, redisUrl: which => `redis://127.0.0.1:${wires[which]?.port}` })
    workspace = await quickWorkspace(cluster.parley(0))
    widgetKey = (await newWidget(workspace)).publicKey
  })
  afterAll(async () => {
    for (const socket of open) socket.close()
    await cluster?.stop()
    for (const wire of wires ?? []) await wire[Symbol.asyncDispose]()
  })
  afterEach(async () => {
    for (const wire of wires) await wire.restore()
  })

  const visitor = async (which: number) =>
    kept(await connectVisitor(urlOf(which), await visit(urlOf(which), widgetKey)))
  const member = async (which: number, person: { token: string } = workspace.owner) =>
    kept(await connectMember(urlOf(which), person))
  const begin = async (socket: TestSocket) =>
    (await socket.ask('conversation.open', { clientId: 'first' })).conversation.id
  const say = (socket: TestSocket, conversationId: string, what: string) =>
    socket.ask('message.send', { conversationId, clientId: what.replaceAll(/\W/g, '-'), parts: text(what) })

  const unmoved = (conversationId: string) => JSON.stringify(['head', { conversationId, head: 1 }])

  /** The lines of one conversation, in the order in which a socket was told of them. */
  const linesOf = (socket: TestSocket, conversationId: string): ConversationLine[] =>
    socket
      .received('inbox')
      .flatMap(({ conversations }) => conversations.filter(({ id }) => id === conversationId))
  const follows = async (which: number, person?: { token: string }) => {
    const socket = await member(which, person)
    await socket.ask('inbox.subscribe', {})
    return socket
  }

  test('unread counts are of each reader, and what one device reads the others know, on every node', async () => {
    const colleague = await quickMember(cluster.parley(0), workspace, 'support_agent')
    const guest = await visitor(0)
    const conversationId = await begin(guest)
    const [first, second, other] = [await follows(0), await follows(1), await follows(1, colleague)]
    const unread = (socket: TestSocket) => linesOf(socket, conversationId).at(-1)?.unread
    for (const what of ['one', 'two', 'three']) await say(guest, conversationId, what)
    for (const socket of [first, second, other])
      await eventually('three are unread', () => unread(socket) === 3)
    await first.ask('conversation.open', { conversationId })
    await first.ask('mark.set', { conversationId, delivered: 3, read: 2 })
    for (const socket of [first, second]) await eventually('one is unread', () => unread(socket) === 1)
    await first.ask('mark.set', { conversationId, read: 3 })
    for (const socket of [first, second]) await eventually('none is unread', () => unread(socket) === 0)
    // What they have read is nobody else’s matter.
    expect(unread(other)).toBe(3)
    expect(linesOf(other, conversationId).every(line => line.head > 0)).toBe(true)
    // Own words are nothing unread; for the colleague they are.
    await say(first, conversationId, 'own')
    await eventually('the colleague has four', () => unread(other) === 4)
    await eventually('the line is told', () => linesOf(second, conversationId).at(-1)?.head === 4)
    expect(unread(second)).toBe(0)
  })

  test('no older line overtakes a newer one, however nodes are late', async () => {
    const [near, far] = [await visitor(0), await visitor(1)]
    const conversationId = await begin(near)
    const team = [await member(0), await member(1)]
    const followers = [await follows(0), await follows(1)]
    const each = 40
    for (let at = 0; at < each; at++) {
      await Promise.all(team.map((socket, who) => say(socket, conversationId, `${who}-${at}`)))
      const { ask } = team[at % 2] as TestSocket
      await ask('conversation.update', { conversationId, priority: at })
      await pause(20)
    }
    for (const socket of followers) {
      const last = () => linesOf(socket, conversationId).at(-1)
      await eventually('all is told', () => last()?.head === 2 * each && last()?.priority === each - 1)
      const lines = linesOf(socket, conversationId)
      for (const told of [lines.map(({ head }) => head), lines.map(({ priority }) => priority)])
        expect(told).toEqual(told.toSorted((one, other) => one - other))
    }
    far.close()
  })

  test('a changed conversation is told to all who have it open, the last change last, and archived it is gone', async () => {
    const guest = await visitor(1)
    const conversationId = await begin(guest)
    await say(guest, conversationId, 'hello')
    const [near, far] = [await follows(0), await follows(1)]
    for (const socket of [near, far]) await socket.ask('conversation.open', { conversationId })
    const titles = (socket: TestSocket) => socket.received('conversation').map(({ title }) => title)
    for (let at = 1; at <= 20; at++) {
      const socket = at % 2 === 0 ? near : far
      await socket.ask('conversation.update', { conversationId, title: `title ${at}`, tags: [`tag ${at}`] })
    }
    for (const socket of [guest, near, far]) {
      await eventually('the last title is told', () => titles(socket).at(-1) === 'title 20')
      await pause(600)
      expect(titles(socket).at(-1)).toBe('title 20')
    }
    expect(linesOf(near, conversationId).at(-1)?.tags).toEqual(['tag 20'])
    await near.ask('conversation.update', { conversationId, archived: true })
    for (const socket of [near, far]) await socket.next('inbox', ({ gone }) => gone.includes(conversationId))
    await guest.next('conversation', ({ status }) => status === 'archived')
    await expect(say(guest, conversationId, 'still there?')).rejects.toThrow(/conflict/)
    await far.ask('conversation.update', { conversationId, archived: false })
    await guest.next('conversation', ({ status, title }) => status === 'waiting' && title === 'title 20')
    for (const socket of [near, far])
      await eventually('it is back', () => linesOf(socket, conversationId).at(-1)?.status === 'waiting')
  })

  test('what is lost in an outage too short to be noticed by silence is told when it is over', async () => {
    const guest = await visitor(1)
    const conversationId = await begin(guest)
    await say(guest, conversationId, 'hello')
    const [near, far] = [await follows(0), await follows(1)]
    for (const socket of [near, far]) await socket.ask('conversation.open', { conversationId })
    await wires[0]?.cut()
    await near.ask('conversation.update', { conversationId, title: 'in the dark' })
    await near.ask('mark.set', { conversationId, delivered: 1, read: 1 })
    await wires[0]?.restore()
    const restored = performance.now()
    await guest.next('conversation', ({ title }) => title === 'in the dark')
    await guest.next('mark', ({ read, reader }) => read === 1 && reader.kind === 'member')
    await eventually('the line is told', () => {
      const line = linesOf(far, conversationId).at(-1)
      return line?.title === 'in the dark' && line.unread === 0
    })
    // Sooner than the next look would be.
    expect(performance.now() - restored).toBeLessThan(9_000)
  })

  test('L1: an outage in which only a note was written leaves no trace for the visitor', async () => {
    const guest = await visitor(1)
    const conversationId = await begin(guest)
    await say(guest, conversationId, 'hello')
    const near = await follows(0)
    await near.ask('conversation.open', { conversationId })
    await near.ask('mark.set', { conversationId, delivered: 1, read: 1 })
    await guest.next('mark')
    // What visitors see has not changed for long.
    const { owner } = cluster.database
    const longAgo = `now() - interval '1 hour'`
    await owner.query(`update conversations set changed_at = ${longAgo} where id = $1`, [conversationId])
    await owner.query(`update read_marks set public_moved_at = ${longAgo} where conversation_id = $1`, [
      conversationId,
    ])
    const far = await member(1)
    await far.ask('conversation.open', { conversationId })
    const heard: unknown[] = []
    guest.socket.onAny((...event) => heard.push(event))
    await wires[0]?.cut()
    const note = { conversationId, clientId: 'note', parts: text('secret'), note: true }
    const { seq } = await near.ask('message.send', note)
    await near.ask('mark.set', { conversationId, delivered: seq, read: seq })
    await wires[0]?.restore()
    await far.next('mark', ({ read }) => read === seq)
    await pause(1_000)
    // Where the log ends for them is told to all, and has not moved.
    expect(heard.filter(event => JSON.stringify(event) !== unmoved(conversationId))).toEqual([])
  })

  test('L5: a node that is killed right after an acknowledgement, before it told anyone: the inbox of the other is right within ten seconds', async () => {
    const follower = await follows(1)
    const guest = await visitor(0)
    const conversationId = await begin(guest)
    await say(guest, conversationId, 'before')
    await eventually('the line is told', () => linesOf(follower, conversationId).at(-1)?.preview === 'before')
    await wires[0]?.cut()
    await say(guest, conversationId, 'last words')
    await cluster.nodes[0]?.kill()
    const killed = performance.now()
    await eventually(
      'the line is right',
      () => {
        const line = linesOf(follower, conversationId).at(-1)
        return line?.preview === 'last words' && line.unread === 2
      },
      repairedMs,
    )
    expect(performance.now() - killed).toBeLessThan(repairedMs)
    await wires[0]?.restore()
    await cluster.nodes[0]?.start()
  })

  test('what nobody told at all is found: line by line, or by reading anew where it is too much', async () => {
    const follower = await follows(1)
    const { tenantId } = workspace
    const make = (count: number, title: string) =>
      cluster.database.owner.query(
        `insert into conversations (tenant_id, id, title, seq, public_seq, last_message_at)
         select $1, gen_random_uuid(), $2, 1, 1, now() from generate_series(1, $3)`,
        [tenantId, title, count],
      )
    const told = (title: string) =>
      follower
        .received('inbox')
        .flatMap(({ conversations }) => conversations.filter(one => one.title === title))
    await make(150, 'some')
    await eventually('some are told', () => told('some').length >= 150, repairedMs)
    expect(follower.received('inbox.stale')).toHaveLength(0)
    await make(250, 'many')
    await follower.next('inbox.stale', () => true, repairedMs)
    // Once said is enough, and nothing is told twice.
    await pause(12_000)
    expect(follower.received('inbox.stale')).toHaveLength(1)
    expect(told('some')).toHaveLength(150)
    expect(told('many')).toHaveLength(0)
  })
})

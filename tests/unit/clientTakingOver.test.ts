import { randomUUID } from 'node:crypto'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { Conversation, ConversationSnapshot } from '../../src/client/index.ts'
import type { Entry, Run } from '../../src/protocol/index.ts'
import { ClientPeer, failure } from '../support/clientPeer.ts'
import { closeClients, deliveries, live, texts, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'
import type { ServerLog } from '../support/serverLog.ts'

let peer: ClientPeer
let log: ServerLog

beforeEach(async () => {
  peer = await new ClientPeer().start()
  log = peer.newLog()
})

afterEach(async () => {
  closeClients()
  await peer.stop()
})

async function follow() {
  const client = visitorOf(peer, { options: { runReadIntervalMs: 20 } })
  const conversation = client.conversation(log.id)
  await client.connect()
  await live(conversation)
  return { client, conversation }
}

function beginRun(state: Run['state'] = 'searching'): Run {
  const run: Run = { runId: randomUUID(), agentId: peer.agent.id, epoch: peer.ownership.epoch, state }
  peer.live = { ...run, text: '' }
  peer.emit('run', { conversationId: log.id, ...run })
  return run
}

/** The whole answer, as its run leaves it in the log. */
function answered({ runId }: Run, text: string): Entry {
  const { entry } = log.append({ sender: peer.agent, clientId: runId, type: 'text', text })
  return Object.assign(entry, { parts: [...entry.parts, { type: 'answer', runId }] })
}

const shown = (conversation: Conversation) => conversation.getSnapshot().answer?.text

const move = (owner: 'queue' | 'member', assignedMemberId: string | null, epoch: number) => {
  peer.ownership = { owner, assignedMemberId, epoch }
  peer.emit('owner', { conversationId: log.id, ...peer.ownership })
}

describe('L6 an answer on its way', () => {
  test('is shown as it is written, and becomes a message without ever being both or neither', async () => {
    const { conversation } = await follow()
    const seen: ConversationSnapshot[] = []
    const run = beginRun()
    await eventually('it searches', () => conversation.getSnapshot().answer?.state === 'searching')
    conversation.subscribe(snapshot => seen.push(snapshot))
    peer.emit('run', { conversationId: log.id, ...run, state: 'writing' })
    for (const word of ['It ', 'is ', 'so.']) peer.write(log, word)
    await eventually('it is all there', () => shown(conversation) === 'It is so.')
    peer.live = undefined
    peer.emit('run', { conversationId: log.id, ...run, state: 'done' })
    await eventually('it is done', () => conversation.getSnapshot().answer?.state === 'done')
    const entry = answered(run, 'It is so.')
    peer.emit('entries', { conversationId: log.id, entries: [entry], head: entry.seq })
    await eventually('it is in the log', () => texts(conversation).length === 1)
    await eventually('it was told', () => seen.at(-1)?.messages.length === 1)
    for (const { answer, messages } of seen)
      expect([answer !== undefined, messages.length]).toEqual([messages.length === 0, messages.length])
  })

  test('begun before the page was loaded, or cut off in the middle, it is shown from its beginning', async () => {
    const run = beginRun('writing')
    peer.write(log, 'The first half, ')
    const { client, conversation } = await follow()
    await eventually('it is shown', () => shown(conversation) === 'The first half, ')
    expect(conversation.getSnapshot().answer).toMatchObject({ runId: run.runId, agentId: peer.agent.id })
    peer.faults.loseEvent = name => name === 'delta'
    peer.write(log, 'the middle, ')
    peer.faults.loseEvent = () => false
    peer.write(log, 'the end.')
    await eventually(
      'the gap is filled',
      () => shown(conversation) === 'The first half, the middle, the end.',
    )
    peer.cut()
    peer.write(log, ' And more.')
    await eventually('it reconnected', () => client.counters.reconnects === 1)
    await eventually('it goes on', () => shown(conversation)?.endsWith('the end. And more.') === true)
  })

  test('that ended while nobody was connected is gone after, or is in the log', async () => {
    const { client, conversation } = await follow()
    const run = beginRun('writing')
    peer.write(log, 'half')
    await eventually('it is shown', () => shown(conversation) === 'half')
    peer.live = undefined
    peer.cut()
    answered(run, 'half and half')
    await eventually('it is in the log', () => texts(conversation)[0] === 'half and half')
    expect(conversation.getSnapshot().answer).toBeUndefined()
    beginRun('writing')
    await eventually('the next one is shown', () => conversation.getSnapshot().answer !== undefined)
    peer.live = undefined
    peer.cut()
    await eventually('it reconnected', () => client.counters.reconnects === 2)
    await eventually('it is gone', () => conversation.getSnapshot().answer === undefined)
  })

  test('L7 is gone with the news that a person answers, and a state that was read before does not take that back', async () => {
    const { conversation } = await follow()
    beginRun('writing')
    peer.write(log, 'half')
    await eventually('it is shown', () => shown(conversation) === 'half')
    const before = conversation.getSnapshot().conversation
    const memberId = randomUUID()
    move('member', memberId, 1)
    peer.write(log, ' of an older epoch')
    if (before) peer.emit('conversation', { ...before, title: 'read before' })
    await eventually('the state came', () => conversation.getSnapshot().conversation?.title === 'read before')
    const { answer, conversation: state } = conversation.getSnapshot()
    expect(answer).toBeUndefined()
    expect(state).toMatchObject({ owner: 'member', assignedMemberId: memberId, epoch: 1 })
    expect(peer.commands('run.read')).toHaveLength(1)
  })

  test('is stopped, and asked for anew, by who reads it', async () => {
    const { conversation } = await follow()
    expect(await conversation.stop()).toEqual({ ok: true, value: {} })
    peer.faults.refuse = ({ command }) =>
      command === 'run.regenerate' ? failure('conflict', false) : undefined
    expect(await conversation.regenerate()).toMatchObject({ ok: false, error: { code: 'conflict' } })
    const asked = [...peer.commands('run.stop'), ...peer.commands('run.regenerate')]
    expect(asked.map(({ input }) => input)).toEqual([{ conversationId: log.id }, { conversationId: log.id }])
  })
})

describe('L7 who answers', () => {
  const ways = {
    claim: { command: 'conversation.claim', run: (one: Conversation) => one.claim(), more: {} },
    handBack: {
      command: 'conversation.handBack',
      run: (one: Conversation) => one.handBack('queue'),
      more: { to: 'queue' },
    },
    resolve: { command: 'conversation.resolve', run: (one: Conversation) => one.resolve(), more: {} },
  }

  test.each(Object.values(ways))(
    '$command names the epoch that was seen, and a repeat is the same',
    async way => {
      const { conversation } = await follow()
      move('queue', null, 4)
      await eventually('it is known', () => conversation.getSnapshot().conversation?.epoch === 4)
      let lose = 2
      peer.faults.loseAck = ({ command }) => {
        if (command !== way.command || lose-- <= 0) return false
        move('member', randomUUID(), 5)
        return true
      }
      expect(await way.run(conversation)).toMatchObject({ ok: true })
      const inputs = peer.commands(way.command).map(({ input }) => input)
      expect(inputs).toHaveLength(3)
      const clientId = inputs[0]?.clientId
      expect(clientId).toMatch(/^[0-9a-f]{32}$/)
      expect(inputs).toEqual(Array(3).fill({ conversationId: log.id, clientId, epoch: 4, ...way.more }))
    },
  )

  test('a call for a person is repeated too; a refusal is told at once, and a long silence in the end', async () => {
    const client = visitorOf(peer, { options: { requestPatienceMs: 600 } })
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    peer.faults.refuse = () => failure('conflict', false)
    expect(await conversation.callPerson()).toMatchObject({ ok: false, error: { code: 'conflict' } })
    expect(peer.commands('conversation.escalate')).toHaveLength(1)
    peer.faults.refuse = () => undefined
    peer.faults.loseAck = () => true
    expect(await conversation.callPerson('a refund')).toMatchObject({ error: { code: 'unavailable' } })
    const [, first, ...more] = peer.commands('conversation.escalate').map(({ input }) => input)
    expect(first).toMatchObject({ reason: 'a refund' })
    expect(more.length).toBeGreaterThan(0)
    for (const input of more) expect(input).toEqual(first)
  })

  test('a reply is shown and kept like a message, fails where others answer by then, and goes again at the epoch of now', async () => {
    const { conversation } = await follow()
    move('member', randomUUID(), 1)
    await eventually('it is known', () => conversation.getSnapshot().conversation?.epoch === 1)
    let lose = 1
    peer.faults.loseAck = ({ command }) => command === 'conversation.reply' && lose-- > 0
    peer.faults.loseEvent = name => name === 'entries'
    conversation.reply([{ type: 'text', text: 'hello' }])
    expect(deliveries(conversation)).toEqual(['hello queued'])
    await eventually('it is stored', () => conversation.getSnapshot().applied === 1)
    expect(log.entries.map(({ text }) => text)).toEqual(['hello'])
    peer.faults.refuse = ({ input, command }) =>
      command === 'conversation.reply' && 'epoch' in input && input.epoch !== 2
        ? failure('conflict', false)
        : undefined
    const clientId = conversation.reply([{ type: 'text', text: 'too late' }])
    await eventually('it failed', () => deliveries(conversation)[1] === 'too late failed')
    move('member', randomUUID(), 2)
    await eventually('it is known', () => conversation.getSnapshot().conversation?.epoch === 2)
    conversation.retry(clientId)
    await eventually('it is stored', () => log.head === 2)
    expect(peer.commands('conversation.reply').map(({ input }) => 'epoch' in input && input.epoch)).toEqual([
      1, 1, 1, 2,
    ])
  })
})

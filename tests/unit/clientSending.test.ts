import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/client/index.ts'
import { systemClock } from '../../src/client/ports.ts'
import { ClientPeer, failure } from '../support/clientPeer.ts'
import { closeClients, deliveries, live, messages, status, texts, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'

let peer: ClientPeer

beforeEach(async () => {
  peer = await new ClientPeer().start()
})

afterEach(async () => {
  closeClients()
  await peer.stop()
})

const numbers = (count: number) => Array.from({ length: count }, (_, at) => `m${at}`)

describe('optimistic sending', () => {
  test('L2 shown at once as queued, then stored, then delivered and read as others say so, always the same message', async () => {
    const client = visitorOf(peer)
    const conversation = client.startConversation()
    conversation.send('hello')
    expect(deliveries(conversation)).toEqual(['hello queued'])
    const key = messages(conversation)[0]?.key
    await client.connect()
    await eventually('it is stored', () => messages(conversation)[0]?.delivery === 'stored')
    await eventually('the log has it', () => conversation.getSnapshot().applied === 1)
    const conversationId = conversation.getSnapshot().id ?? ''
    peer.emit('mark', { conversationId, reader: peer.visitor, delivered: 1, read: 1 })
    peer.emit('mark', { conversationId, reader: peer.agent, delivered: 1, read: 0 })
    await eventually('it is delivered', () => messages(conversation)[0]?.delivery === 'delivered')
    peer.emit('mark', { conversationId, reader: peer.agent, delivered: 1, read: 1 })
    peer.emit('mark', { conversationId, reader: peer.agent, delivered: 0, read: 0 })
    await eventually('it is read', () => messages(conversation)[0]?.delivery === 'read')
    expect(messages(conversation)).toMatchObject([{ key, text: 'hello', sender: peer.visitor }])
  })

  test('L2 a lost answer is asked for again under the same client id, and the message is there once', async () => {
    let lose = 2
    peer.faults.loseAck = ({ command }) => command === 'message.send' && lose-- > 0
    peer.faults.loseEvent = name => name === 'entries'
    const client = visitorOf(peer)
    const conversation = client.conversation(peer.newLog().id)
    conversation.send('once')
    await client.connect()
    await eventually('it is stored', () => deliveries(conversation)[0] === 'once stored')
    expect(client.counters.resent).toBe(2)
    const log = peer.log(conversation.getSnapshot().id ?? '')
    expect(log.head).toBe(1)
    expect(new Set(peer.commands('message.send').map(({ input }) => input.clientId)).size).toBe(1)
    // Its event was lost as well: that it is missing is noticed by the answer.
    await eventually('the log has it', () => conversation.getSnapshot().applied === 1)
    expect(texts(conversation)).toEqual(['once'])
  })

  test('L2 its entry may come before its answer, or instead of it', async () => {
    peer.faults.loseAck = ({ command }) => command === 'message.send'
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    const begun = Date.now()
    conversation.send('first')
    conversation.send('second')
    await eventually('both are in the log', () => conversation.getSnapshot().applied === 2)
    // The second did not wait for the answer that will not come.
    expect(Date.now() - begun).toBeLessThan(120)
    expect(deliveries(conversation)).toEqual(['first stored', 'second stored'])
    await new Promise(resolve => setTimeout(resolve, 400))
    expect(peer.commands('message.send')).toHaveLength(2)
  })

  test('what is refused for good is failed with the reason, and the next ones go', async () => {
    peer.faults.refuse = ({ input }) =>
      input.parts?.[0]?.text === 'bad' ? failure('invalid_request', false) : undefined
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    for (const text of ['good', 'bad', 'better']) conversation.send(text)
    await client.connect()
    await eventually('the others are stored', () => log.head === 2)
    await eventually('the view says so', () => deliveries(conversation).includes('bad failed'))
    const failed = messages(conversation).find(message => message.delivery === 'failed')
    expect(failed?.failure).toMatchObject({ code: 'invalid_request' })
    peer.faults.refuse = () => undefined
    conversation.retry(failed?.clientId ?? '')
    await eventually('it is stored after all', () => log.head === 3)
  })

  test('what failed can be discarded, what is on its way cannot', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    const waiting = conversation.send('waiting')
    expect(conversation.discard(waiting)).toBe(true)
    expect(texts(conversation)).toEqual([])
    peer.faults.loseAck = ({ command }) => command === 'message.send'
    peer.faults.loseEvent = name => name === 'entries'
    await client.connect()
    await live(conversation)
    const sent = conversation.send('sent')
    await eventually('it is under way', () => peer.commands('message.send').length === 1)
    expect(conversation.discard(sent)).toBe(false)
  })

  test('a refusal for a moment is repeated after the time it names, before those behind it', async () => {
    const at: number[] = []
    peer.faults.refuse = ({ command }) =>
      command === 'message.send' && at.push(Date.now()) === 1 ? failure('rate_limited', true, 0.4) : undefined
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    for (const text of numbers(3)) conversation.send(text)
    await client.connect()
    await eventually('all are stored', () => log.head === 3)
    expect((at[1] ?? 0) - (at[0] ?? 0)).toBeGreaterThanOrEqual(395)
    expect(log.entries.map(({ text }) => text)).toEqual(numbers(3))
  })

  test('edits and deletions show at once, and their refusal on the message', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const { entry } = log.append({ sender: peer.visitor, clientId: 'old', type: 'text', text: 'tpyo' })
    log.append({ sender: peer.visitor, clientId: 'older', type: 'text', text: 'regret' })
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    conversation.edit(entry.id, [{ type: 'text', text: 'typo' }])
    conversation.remove(log.entries[1]?.id ?? '')
    expect(messages(conversation)).toMatchObject([
      { text: 'typo', edited: true },
      { text: '', deleted: true },
    ])
    await eventually('both are in the log', () => conversation.getSnapshot().applied === 4)
    expect(conversation.getSnapshot().entries).toEqual(log.entries)
    expect(texts(conversation)).toEqual(['typo', ''])
    peer.faults.refuse = () => failure('forbidden', false)
    conversation.edit(entry.id, [{ type: 'text', text: 'too late' }])
    await eventually('it failed', () => messages(conversation)[0]?.failure?.code === 'forbidden')
    expect(texts(conversation)[0]).toBe('typo')
  })
})

describe('order', () => {
  test('L2 lost answers, cuts and refusals change neither the order nor the number of messages', async () => {
    const seed = Date.now()
    console.log(`order: seed ${seed}`)
    const script = fc.record({
      window: fc.constantFrom(1, 8),
      fates: fc.array(fc.constantFrom('fine', 'fine', 'loseAck', 'cut', 'dismiss', 'loseEvent', 'repeat'), {
        minLength: 10,
        maxLength: 30,
      }),
    })
    await fc.assert(
      fc.asyncProperty(script, async ({ window, fates }) => {
        const left = [...fates]
        let now = left.shift()
        peer.faults.loseAck = ({ command }) => {
          if (command !== 'message.send') return false
          now = left.shift()
          if (now === 'cut') peer.cut()
          if (now === 'dismiss') peer.dismiss()
          return now === 'loseAck'
        }
        peer.faults.loseEvent = name => name === 'entries' && now === 'loseEvent'
        peer.faults.repeatEvent = name => name === 'entries' && now === 'repeat'
        const log = peer.newLog()
        const options = { sendWindow: window, ackTimeoutMs: 100, stableAfterMs: 0, backoffBaseMs: 5 }
        const client = visitorOf(peer, { options })
        const conversation = client.conversation(log.id)
        await client.connect()
        for (const text of numbers(12)) {
          conversation.send(text)
          await new Promise(resolve => setTimeout(resolve, 2))
        }
        await eventually('all are stored', () => log.head === 12)
        expect(log.entries.map(({ text }) => text)).toEqual(numbers(12))
        await eventually('the client has them', () => conversation.getSnapshot().applied === 12)
        expect(conversation.getSnapshot().entries).toEqual(log.entries)
        expect(texts(conversation)).toEqual(numbers(12))
        client.close()
      }),
      { seed, numRuns: 12 },
    )
  })

  test('a clock that is put back, also between two starts, changes nothing about what was written first', async () => {
    let wall = Date.now()
    const parts = { store: memoryStore(), clock: { ...systemClock, wall: () => wall, now: () => wall } }
    const log = peer.newLog()
    peer.faults.refuseHandshake = () => failure('unsupported_version', false)
    const before = visitorOf(peer, parts)
    before.conversation(log.id).send('m0')
    wall -= 3_600_000
    before.conversation(log.id).send('m1')
    expect(texts(before.conversation(log.id))).toEqual(numbers(2))
    await eventually('they are saved', async () => (await parts.store.keys()).length === 3)
    before.close()
    wall -= 3_600_000
    const after = visitorOf(peer, parts)
    await after.connect()
    const conversation = after.conversation(log.id)
    conversation.send('m2')
    conversation.send('m3')
    expect(texts(conversation)).toEqual(numbers(4))
    await status(after, 'refused')
    peer.faults.refuseHandshake = () => undefined
    await after.connect()
    await eventually('all are stored', () => log.head === 4)
    expect(log.entries.map(({ text }) => text)).toEqual(numbers(4))
  })

  test('after a refusal those that were under way go again one at a time, in order, then as many as before', async () => {
    const at: number[] = []
    peer.faults.refuse = ({ command }) =>
      command === 'message.send' && at.push(Date.now()) <= 4 ? failure('rate_limited', true, 0.05) : undefined
    peer.faults.delayAckMs = ({ command }) => (command === 'message.send' && at.length > 4 ? 200 : 0)
    peer.faults.loseEvent = name => name === 'entries'
    const client = visitorOf(peer, { options: { sendWindow: 4, echoGraceMs: 5_000, ackTimeoutMs: 5_000 } })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    for (const text of numbers(8)) conversation.send(text)
    await eventually('all are stored', () => log.head === 8)
    expect(log.entries.map(({ text }) => text)).toEqual(numbers(8))
    const pauses = at.slice(5).map((time, index) => time - (at[index + 4] ?? 0))
    for (const pause of pauses.slice(0, 4)) expect(pause).toBeGreaterThan(120)
    for (const pause of pauses.slice(4)) expect(pause).toBeLessThan(120)
  })

  test('a window lets several be without an answer at once; without it there is one', async () => {
    for (const sendWindow of [1, 4]) {
      peer.faults.delayAckMs = ({ command }) => (command === 'message.send' ? 150 : 0)
      peer.faults.loseEvent = name => name === 'entries'
      const client = visitorOf(peer, { options: { sendWindow } })
      const log = peer.newLog()
      const conversation = client.conversation(log.id)
      await client.connect()
      await live(conversation)
      for (const text of numbers(6)) conversation.send(text)
      await eventually('the first arrived', () => log.head > 0)
      await new Promise(resolve => setTimeout(resolve, 50))
      expect(log.head).toBe(sendWindow)
      client.close()
    }
  })
})

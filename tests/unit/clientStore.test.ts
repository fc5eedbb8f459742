import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ClientStore, memoryStore } from '../../src/client/index.ts'
import { ClientPeer, failure } from '../support/clientPeer.ts'
import { closeClients, live, messages, status, texts, visitorOf } from '../support/clientSide.ts'
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

const moment = (milliseconds = 100) => new Promise(resolve => setTimeout(resolve, milliseconds))

/** What a client queued that never was connected. */
async function leave(store: ClientStore) {
  const log = peer.newLog()
  const before = visitorOf(peer, { store })
  for (const text of numbers(3)) before.conversation(log.id).send(text)
  await eventually('it is saved', async () => (await store.keys()).length === 4)
  before.close()
  return log
}

function watched(store: ClientStore) {
  const client = visitorOf(peer, { store, options: { storePatienceMs: 50 } })
  const faults: unknown[] = []
  client.on('fault', fault => faults.push(fault))
  return { client, faults }
}

describe('store', () => {
  test('what was queued survives the client, in its order, with its conversation', async () => {
    const store = memoryStore()
    const before = visitorOf(peer, { store })
    const started = before.startConversation('mine')
    for (const text of numbers(3)) started.send(text)
    await eventually('it is saved', async () => (await store.keys()).length === 4)
    before.close()

    const after = visitorOf(peer, { store })
    const conversation = after.startConversation('mine')
    await after.connect()
    await eventually('all are stored', () => conversation.getSnapshot().applied === 3)
    expect(texts(conversation)).toEqual(numbers(3))
    expect(peer.commands('conversation.open').map(({ input }) => input.clientId)).toEqual(['mine'])
    await eventually('the outbox is empty', async () => {
      return (await store.keys()).every(key => !key.startsWith('outbox/'))
    })
  })

  test('what failed is still there after a new start, with its reason, and is sent only when asked', async () => {
    const store = memoryStore()
    peer.faults.refuse = ({ command }) =>
      command === 'message.send' ? failure('forbidden', false) : undefined
    const before = visitorOf(peer, { store })
    const log = peer.newLog()
    before.conversation(log.id).send('unwanted')
    await before.connect()
    await eventually('it failed', () => messages(before.conversation(log.id))[0]?.delivery === 'failed')
    before.close()
    peer.faults.refuse = () => undefined
    const after = visitorOf(peer, { store })
    const conversation = after.conversation(log.id)
    await after.connect()
    await live(conversation)
    const [failed] = messages(conversation)
    expect(failed).toMatchObject({ delivery: 'failed', failure: { code: 'forbidden' } })
    expect(log.head).toBe(0)
    conversation.retry(failed?.clientId ?? '')
    await eventually('it is stored', () => log.head === 1)
  })

  test('L2 two clients on one store send everything, and it is stored once', async () => {
    const store = memoryStore()
    const first = visitorOf(peer, { store })
    const log = peer.newLog()
    for (const text of numbers(5)) first.conversation(log.id).send(text)
    await eventually('it is saved', async () => (await store.keys()).length === 6)
    const second = visitorOf(peer, { store })
    await Promise.all([first.connect(), second.connect()])
    for (const client of [first, second])
      await eventually('all are there', () => texts(client.conversation(log.id)).length === 5)
    await eventually('nothing waits', () =>
      [first, second].every(client => client.conversation(log.id).getSnapshot().applied === 5),
    )
    expect(log.entries.map(({ text }) => text)).toEqual(numbers(5))
    expect(texts(second.conversation(log.id))).toEqual(numbers(5))
  })

  test('what was stored before and lies below the window is not shown as pending for ever', async () => {
    const store = memoryStore()
    const before = visitorOf(peer, { store })
    const log = peer.newLog()
    const clientId = before.conversation(log.id).send('long ago')
    await eventually('it is saved', async () => (await store.keys()).length === 2)
    before.close()
    log.append({ sender: peer.visitor, clientId, type: 'text', text: 'long ago' })
    for (const text of numbers(8)) log.append({ sender: peer.agent, clientId: text, type: 'text', text })
    const after = visitorOf(peer, { store, options: { pageSize: 5 } })
    const conversation = after.conversation(log.id)
    await after.connect()
    await eventually('it was answered', () => peer.commands('message.send').length === 1)
    await eventually('it is not pending', () => texts(conversation).length === 5)
    expect(conversation.getSnapshot().hasOlder).toBe(true)
    expect(await conversation.loadOlder()).toEqual({ ok: true, value: { more: false } })
    expect(texts(conversation)).toEqual(['long ago', ...numbers(8)])
  })

  test('a store that fails is told of, and keeps nothing from being sent', async () => {
    const broken = async () => Promise.reject(new Error('no room'))
    const client = visitorOf(peer, { store: { get: broken, set: broken, delete: broken, keys: broken } })
    const faults: unknown[] = []
    client.on('fault', fault => faults.push(fault))
    const log = peer.newLog()
    client.conversation(log.id).send('hello')
    await client.connect()
    await status(client, 'online')
    await eventually('it is stored', () => log.head === 1)
    expect(faults.length).toBeGreaterThan(0)
  })

  test('a store that fails once is asked again at the next connection, and nothing in it is lost or doubled', async () => {
    const store = memoryStore()
    const log = await leave(store)
    let fails = 2
    const keys = async () => (fails-- > 0 ? Promise.reject(new Error('blocked')) : store.keys())
    const { client, faults } = watched({ ...store, keys })
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    conversation.send('newer')
    await eventually('that is stored', () => log.head === 1)
    while (fails >= 0) {
      peer.cut()
      await moment()
      await status(client, 'online')
    }
    await eventually('the rest is stored', () => log.head === 4)
    expect(log.entries.map(({ text }) => text)).toEqual(['newer', ...numbers(3)])
    await eventually('the client has them', () => conversation.getSnapshot().applied === 4)
    expect(texts(conversation)).toEqual(['newer', ...numbers(3)])
    expect(faults.map(String)).toEqual(['Error: blocked', 'Error: blocked'])
    expect((await store.keys()).filter(key => key.startsWith('outbox/'))).toEqual([])
  })

  test.each([
    ['cannot be understood', { get: undefined }],
    ['cannot be read', { get: async () => Promise.reject(new Error('damaged')) }],
    ['does not come', { get: () => new Promise<never>(() => undefined) }],
  ])('one record that %s keeps none behind it from being sent', async (_, { get }) => {
    const store = memoryStore()
    const log = await leave(store)
    const bad = [
      {},
      null,
      7,
      { reference: {}, record: {} },
      { reference: { id: log.id }, record: { order: 1 } },
    ]
    for (const [at, value] of bad.entries()) await store.set(`outbox/00000000${at}/x`, value)
    await store.set('open/x', { id: 7 })
    const isBad = (key: string) => key.endsWith('/x')
    const { client, faults } = watched({
      ...store,
      get: key => (get && isBad(key) ? get() : store.get(key)),
    })
    await client.connect()
    await eventually('the others are stored', () => log.head === 3)
    expect(log.entries.map(({ text }) => text)).toEqual(numbers(3))
    // Nothing at all is what another client has sent meanwhile.
    expect(faults.length).toBeGreaterThanOrEqual(5)
  })

  test('a store that hangs delays the connection for a moment only, and what it held is sent when it comes', async () => {
    const store = memoryStore()
    const log = await leave(store)
    let release: () => void = () => undefined
    const opened = new Promise<void>(resolve => {
      release = resolve
    })
    const hanging: ClientStore = {
      get: async key => opened.then(() => store.get(key)),
      set: async (key, value) => opened.then(() => store.set(key, value)),
      delete: async key => opened.then(() => store.delete(key)),
      keys: async () => opened.then(() => store.keys()),
    }
    const { client, faults } = watched(hanging)
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    conversation.send('meanwhile')
    await eventually('that is stored', () => log.head === 1)
    expect(faults.map(String)).toContain('Error: The store does not answer.')
    release()
    await eventually('the rest is stored', () => log.head === 4)
    expect(log.entries.map(({ text }) => text)).toEqual(['meanwhile', ...numbers(3)])
    await eventually('it is empty', async () => {
      return (await store.keys()).every(key => !key.startsWith('outbox/'))
    })
  })

  test('L2 nothing goes to the server before the store has it, all is shown at once, and the order stays', async () => {
    const store = memoryStore()
    const kept: (() => void)[] = []
    const set: ClientStore['set'] = async (key, value) => {
      if (key.startsWith('outbox/')) await new Promise<void>(resolve => kept.push(resolve))
      return store.set(key, value)
    }
    const client = visitorOf(peer, { store: { ...store, set }, options: { storePatienceMs: 60_000 } })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    for (const text of numbers(3)) conversation.send(text)
    expect(texts(conversation)).toEqual(numbers(3))
    await eventually('they are being kept', () => kept.length === 3)
    kept[1]?.()
    kept[2]?.()
    await moment()
    expect(peer.commands('message.send')).toEqual([])
    kept[0]?.()
    await eventually('all are stored', () => log.head === 3)
    expect(log.entries.map(({ text }) => text)).toEqual(numbers(3))
  })

  test('what the store does not take in time is sent without it, and what follows does not wait again', async () => {
    const store = memoryStore()
    const set = () => new Promise<never>(() => undefined)
    const { client, faults } = watched({ ...store, set })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    conversation.send('m0')
    await eventually('it is stored', () => log.head === 1)
    conversation.send('m1')
    conversation.send('m2')
    await eventually('they are stored', () => log.head === 3)
    expect(log.entries.map(({ text }) => text)).toEqual(numbers(3))
    expect(faults.map(String)).toEqual(['Error: The store does not answer.'])
  })
})

describe('V8: what brought a conversation about', () => {
  const opens = () =>
    peer.commands('conversation.open').map(({ input }) => {
      const { clientId, greeting, language, conversationId } = input
      return { clientId, greeting, language, conversationId }
    })

  test('is told when the conversation begins, and not when it is opened again', async () => {
    const client = visitorOf(peer)
    const conversation = client.startConversation('mine', { greeting: 'cart', language: 'de' })
    await client.connect()
    await live(conversation)
    peer.cut()
    await eventually('it is opened again', () => opens().length === 2)
    expect(opens()).toEqual([
      { clientId: 'mine', greeting: 'cart', language: 'de' },
      { conversationId: conversation.getSnapshot().id },
    ])
  })

  test('survives the client together with what was queued', async () => {
    const store = memoryStore()
    const before = visitorOf(peer, { store })
    before.startConversation('mine', { greeting: 'cart' }).send('Yes, please')
    await eventually('it is saved', async () => (await store.keys()).length === 2)
    before.close()

    const after = visitorOf(peer, { store })
    // Asked for before what the store holds is read.
    const conversation = after.startConversation('mine')
    await after.connect()
    await eventually('it is sent', () => conversation.getSnapshot().applied === 1)
    expect(opens()).toEqual([{ clientId: 'mine', greeting: 'cart' }])
  })
})

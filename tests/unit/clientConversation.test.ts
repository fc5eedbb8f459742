import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClientPeer, failure } from '../support/clientPeer.ts'
import { closeClients, live, messages, status, texts, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manualClock.ts'

let peer: ClientPeer

beforeEach(async () => {
  peer = await new ClientPeer().start()
})

afterEach(async () => {
  closeClients()
  await peer.stop()
})

const moment = (milliseconds = 100) => new Promise(resolve => setTimeout(resolve, milliseconds))

describe('catching up', () => {
  test('L5 a gap is healed by pages, one request at a time', async () => {
    const client = visitorOf(peer, { options: { catchUpPageSize: 10 } })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    peer.faults.loseEvent = () => true
    for (let at = 0; at < 35; at++) peer.say(log, `lost ${at}`)
    peer.faults.loseEvent = () => false
    peer.faults.delayAckMs = ({ command }) => (command === 'history.read' ? 20 : 0)
    for (let at = 0; at < 5; at++) peer.say(log, `heard ${at}`)
    await eventually('all is there', () => conversation.getSnapshot().applied === 40)
    await eventually('it is healed', () => client.counters.gapsHealed === 1)
    expect(conversation.getSnapshot().entries).toEqual(log.entries)
    // The five events were kept, so the pages stop where they begin.
    expect(peer.commands('history.read').map(({ input }) => input.after)).toEqual([0, 10, 20, 30])
  })

  test('L5 while it goes on it is told once a screen, not once a page', async () => {
    const clock = new ManualClock()
    const client = visitorOf(peer, { clock, options: { catchUpPageSize: 5 } })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    await moment()
    const seen: number[] = []
    conversation.subscribe(({ applied }) => seen.push(applied))
    peer.faults.loseEvent = name => name === 'entries'
    for (let at = 0; at < 100; at++) peer.say(log, `${at}`)
    peer.emit('head', { conversationId: log.id, head: 100 })
    await eventually('all is there', () => conversation.getSnapshot().live && seen.at(-1) === 100)
    // No time has passed on its clock.
    expect(peer.commands('history.read')).toHaveLength(20)
    expect(seen.length).toBeLessThanOrEqual(2)
    expect(seen[0]).toBe(100)
  })

  test('L5 a head alone brings what was missed; one that is known brings nothing', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    peer.faults.loseEvent = name => name === 'entries'
    peer.say(log, 'missed')
    peer.emit('head', { conversationId: log.id, head: 1 })
    await eventually('it is there', () => texts(conversation).length === 1)
    peer.emit('head', { conversationId: log.id, head: 1 })
    await moment()
    expect(peer.commands('history.read')).toHaveLength(1)
  })

  test('L5 it goes on across refusals, lost answers and connections, never faster than it should', async () => {
    const client = visitorOf(peer, { options: { catchUpPageSize: 5, stableAfterMs: 0 } })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    peer.faults.loseEvent = name => name === 'entries'
    for (let at = 0; at < 50; at++) peer.say(log, `${at}`)
    let reads = 0
    peer.faults.refuse = ({ command }) =>
      command === 'history.read' && reads % 3 === 1 ? failure('unavailable', true) : undefined
    peer.faults.loseAck = ({ command }) => {
      if (command === 'history.read' && ++reads % 4 === 0) peer.cut()
      return command === 'history.read' && reads % 5 === 0
    }
    peer.emit('head', { conversationId: log.id, head: 50 })
    await eventually('all is there', () => conversation.getSnapshot().applied === 50, 20_000)
    expect(conversation.getSnapshot().entries).toEqual(log.entries)
    expect(reads).toBeLessThan(40)
  })

  test('L5 a page without anything new is not asked for as fast as it is answered', async () => {
    const client = visitorOf(peer, { random: () => 1, options: { backoffBaseMs: 100, backoffCapMs: 100 } })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    peer.emit('head', { conversationId: log.id, head: 3 })
    await moment(450)
    const asked = peer.commands('history.read').length
    expect(asked).toBeGreaterThanOrEqual(2)
    expect(asked).toBeLessThanOrEqual(6)
    expect(conversation.getSnapshot().live).toBe(false)
    for (let at = 0; at < 3; at++) peer.say(log, `${at}`)
    await live(conversation)
  })

  test('L5 with events lost, repeated and connections cut at random, it ends with the log', async () => {
    const seed = Date.now()
    console.log(`events: seed ${seed}`)
    const fate = fc.constantFrom('fine', 'fine', 'lose', 'repeat', 'cut', 'own', 'edit', 'delete')
    await fc.assert(
      fc.asyncProperty(fc.array(fate, { minLength: 10, maxLength: 40 }), async fates => {
        peer.faults.loseEvent = () => false
        const pages = { pageSize: 4, catchUpPageSize: 4 }
        const client = visitorOf(peer, { options: { ...pages, stableAfterMs: 0, backoffBaseMs: 5 } })
        const log = peer.newLog()
        const conversation = client.conversation(log.id)
        await client.connect()
        let own = 0
        for (const [at, now] of fates.entries()) {
          peer.faults.loseEvent = name => name === 'entries' && now === 'lose'
          peer.faults.repeatEvent = () => now === 'repeat'
          const target = messages(conversation).find(({ id, deleted }) => id !== null && !deleted)?.id
          if (now === 'cut') peer.cut()
          if (now === 'own') conversation.send(`own ${own++}`)
          else if (now === 'edit' && target) conversation.edit(target, [{ type: 'text', text: `edit ${at}` }])
          else if (now === 'delete' && target) conversation.remove(target)
          else peer.say(log, `said ${at}`)
          await moment(3)
        }
        peer.faults.loseEvent = () => false
        await eventually('what it wrote is stored', () =>
          messages(conversation).every(({ seq, delivery }) => seq !== null && delivery !== 'queued'),
        )
        peer.say(log, 'last')
        await eventually('it is level', () => {
          const { live, applied } = conversation.getSnapshot()
          return live && applied === log.head
        })
        while (conversation.getSnapshot().hasOlder) await conversation.loadOlder()
        expect(conversation.getSnapshot().entries).toEqual(log.entries)
        const fresh = visitorOf(peer, { options: { pageSize: 200 } })
        await fresh.connect()
        await live(fresh.conversation(log.id))
        expect(texts(fresh.conversation(log.id))).toEqual(texts(conversation))
        for (const one of [client, fresh]) one.close()
      }),
      { seed, numRuns: 10 },
    )
  })
})

describe('conversation', () => {
  test('begins at the newest page and is scrolled back page by page', async () => {
    const client = visitorOf(peer, { options: { pageSize: 4 } })
    const log = peer.newLog()
    for (let at = 1; at <= 10; at++)
      log.append({ sender: peer.agent, clientId: `${at}`, type: 'text', text: `${at}` })
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    expect(texts(conversation)).toEqual(['7', '8', '9', '10'])
    const both = [conversation.loadOlder(), conversation.loadOlder()]
    expect(await Promise.all(both)).toEqual(Array(2).fill({ ok: true, value: { more: true } }))
    expect(await conversation.loadOlder()).toEqual({ ok: true, value: { more: false } })
    expect(await conversation.loadOlder()).toEqual({ ok: true, value: { more: false } })
    expect(conversation.getSnapshot().entries).toEqual(log.entries)
    expect(peer.commands('history.read')).toHaveLength(2)
  })

  test('after a cut it opens at its own position', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    for (let at = 0; at < 3; at++) peer.say(log, `${at}`)
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    peer.cut()
    await eventually('it reconnected', () => client.counters.reconnects === 1)
    await live(conversation)
    expect(peer.commands('conversation.open').map(({ input }) => input.after)).toEqual([undefined, 3])
  })

  test('its snapshot stays the same until something changes, and one page is one change', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    await moment()
    const before = conversation.getSnapshot()
    const seen: unknown[] = []
    const unsubscribe = conversation.subscribe(snapshot => seen.push(snapshot))
    peer.emit('head', { conversationId: log.id, head: 0 })
    peer.emit('typing', { conversationId: peer.newLog().id, sender: peer.agent, typing: true })
    await moment()
    expect(conversation.getSnapshot()).toBe(before)
    peer.say(log, 'hello')
    await eventually('it is told', () => seen.length > 0)
    expect(seen).toEqual([conversation.getSnapshot()])
    unsubscribe()
    peer.say(log, 'again')
    await eventually('it is there', () => texts(conversation).length === 2)
    expect(seen).toHaveLength(1)
  })

  test('a refused conversation says why, fails what was written to it, and can be asked for again', async () => {
    peer.faults.refuse = ({ command }) =>
      command === 'conversation.open' ? failure('not_found', false) : undefined
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    const before = conversation.send('before')
    await client.connect()
    await eventually('it is refused', () => conversation.getSnapshot().refusal?.code === 'not_found')
    conversation.send('after')
    expect(messages(conversation).map(({ delivery }) => delivery)).toEqual(['failed', 'failed'])
    peer.faults.refuse = () => undefined
    conversation.reopen()
    await live(conversation)
    conversation.retry(before)
    await eventually('it is stored', () => log.head === 1)
  })

  test('a refusal to open for a moment is tried again', async () => {
    let refusals = 3
    peer.faults.refuse = ({ command }) =>
      command === 'conversation.open' && refusals-- > 0 ? failure('unavailable', true) : undefined
    const client = visitorOf(peer)
    const conversation = client.conversation(peer.newLog().id)
    await client.connect()
    await live(conversation)
    expect(peer.commands('conversation.open')).toHaveLength(4)
  })

  test('L6 typing, presence and marks of others are told; a message ends the typing of its sender', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    const about = { conversationId: log.id }
    peer.emit('typing', { ...about, sender: peer.agent, typing: true })
    peer.emit('typing', { ...about, sender: peer.visitor, typing: true })
    peer.emit('online', { ...about, online: false })
    await eventually('it is told', () => !conversation.getSnapshot().online)
    expect(conversation.getSnapshot().typing).toEqual([peer.agent])
    peer.say(log, 'done')
    await eventually('it ended', () => conversation.getSnapshot().typing.length === 0)
  })

  test('marks tell what was received by itself, what was read when told, and nothing of its own entries', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    conversation.send('mine')
    await eventually('it is stored', () => conversation.getSnapshot().applied === 1)
    await moment()
    expect(peer.commands('mark.set')).toEqual([])
    for (let at = 0; at < 20; at++) peer.say(log, `${at}`)
    const sent = () => peer.commands('mark.set').map(({ input }) => [input.delivered, input.read])
    await eventually('it is told', () => sent().at(-1)?.[0] === 21)
    expect(sent().length).toBeLessThanOrEqual(3)
    conversation.markRead()
    await eventually('it is told', () => sent().at(-1)?.[1] === 21)
    conversation.markRead(5)
    await moment()
    expect(sent().at(-1)).toEqual([undefined, 21])
    await status(client, 'online')
  })
})

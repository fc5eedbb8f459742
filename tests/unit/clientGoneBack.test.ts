import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClientPeer, failure } from '../support/clientPeer.ts'
import { closeClients, deliveries, live, status, texts, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'

let peer: ClientPeer

beforeEach(async () => {
  peer = await new ClientPeer().start()
})

afterEach(async () => {
  closeClients()
  await peer.stop()
})

/** A client that has seen five entries; its log goes back to three of them. */
async function withFive() {
  const client = visitorOf(peer)
  const log = peer.newLog()
  const conversation = client.conversation(log.id)
  await client.connect()
  await live(conversation)
  for (let at = 1; at <= 5; at++) peer.say(log, `old ${at}`)
  await eventually('all is there', () => conversation.getSnapshot().applied === 5)
  return { client, log, conversation }
}

describe('L5 7.4: a log that has gone back to an earlier state', () => {
  test('is taken as it is now, and what waits to be sent is sent', async () => {
    const { client, log, conversation } = await withFive()
    peer.ownership = { owner: 'queue', assignedMemberId: null, epoch: 3 }
    peer.emit('owner', { conversationId: log.id, ...peer.ownership })
    await eventually('it is heard of', () => conversation.getSnapshot().conversation?.epoch === 3)
    peer.faults.refuseHandshake = () => failure('unavailable', true)
    peer.dismiss()
    await status(client, 'waiting')
    conversation.send('written meanwhile')
    log.goBack(3)
    peer.ownership = { owner: 'ai', assignedMemberId: null, epoch: 1 }
    peer.faults.refuseHandshake = () => undefined
    await eventually(
      'it is sent',
      () =>
        deliveries(conversation).at(-1)?.includes('written') === true &&
        conversation.getSnapshot().applied === 4,
    )
    expect(texts(conversation)).toEqual(['old 1', 'old 2', 'old 3', 'written meanwhile'])
    peer.say(log, 'new 5')
    await eventually('it goes on', () => conversation.getSnapshot().applied === 5)
    expect(conversation.getSnapshot()).toMatchObject({
      ...{ entries: log.entries, head: 5, live: true },
      conversation: { owner: 'ai', epoch: 1 },
    })
  })

  test('what was acknowledged, and is lost before its entry came, is sent again', async () => {
    const { client, log, conversation } = await withFive()
    peer.faults.loseEvent = name => name === 'entries'
    // It does not come to asking for it.
    peer.faults.refuse = ({ command }) =>
      command === 'history.read' ? failure('unavailable', true) : undefined
    conversation.send('acknowledged')
    await eventually(
      'it is',
      () => log.head === 6 && deliveries(conversation).at(-1) === 'acknowledged stored',
    )
    peer.faults.refuseHandshake = () => failure('unavailable', true)
    peer.dismiss()
    await status(client, 'waiting')
    log.goBack(3)
    Object.assign(peer.faults, {
      loseEvent: () => false,
      refuse: () => undefined,
      refuseHandshake: () => undefined,
    })
    await eventually('it is there again', () => log.head === 4 && conversation.getSnapshot().live)
    expect(texts(conversation)).toEqual(['old 1', 'old 2', 'old 3', 'acknowledged'])
  })

  test('is noticed on a connection that outlives it, by what is acknowledged in the place of another entry', async () => {
    const { log, conversation } = await withFive()
    log.goBack(3)
    peer.faults.loseEvent = name => name === 'entries'
    conversation.send('new 4')
    await eventually('it is noticed', () => conversation.getSnapshot().applied === 4)
    expect(conversation.getSnapshot().entries).toEqual(log.entries)
    expect(texts(conversation)).toEqual(['old 1', 'old 2', 'old 3', 'new 4'])
  })

  test('and by an entry in the place of another one', async () => {
    const { log, conversation } = await withFive()
    log.goBack(3)
    peer.say(log, 'new 4')
    await eventually('it is noticed', () => texts(conversation).at(-1) === 'new 4')
    expect(conversation.getSnapshot().entries).toEqual(log.entries)
  })
})

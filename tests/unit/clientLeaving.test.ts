import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { ClientPeer } from '../support/clientPeer.ts'
import { closeClients, live, status, texts, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'

let peer: ClientPeer

beforeEach(async () => {
  peer = await new ClientPeer().start()
})

afterEach(async () => {
  closeClients()
  await peer.stop()
})

const moment = () => new Promise(resolve => setTimeout(resolve, 50))

describe('a conversation that is left', () => {
  test('4.2 is left once it is open, and not before; who wants it again meanwhile has it', async () => {
    const client = visitorOf(peer)
    await client.connect()
    await status(client, 'online')
    peer.faults.delayAckMs = ({ command }) => (command === 'conversation.open' ? 150 : 0)
    const [left, kept] = [client.conversation(peer.newLog().id), client.startConversation('kept')]
    for (const conversation of [left, kept]) conversation.leave()
    expect(client.startConversation('kept')).toBe(kept)
    await live(kept)
    await eventually('it is left', () => peer.commands('conversation.leave').length > 0)
    const { id } = left.getSnapshot()
    const opensAndLeaves = peer.heard.filter(({ command }) => /open|leave/.test(command))
    const heard = opensAndLeaves.map(({ command, input }) => [
      command,
      input.conversationId ?? input.clientId,
    ])
    expect(heard).toEqual([
      ['conversation.open', id],
      ['conversation.open', 'kept'],
      ['conversation.leave', id],
    ])
    const begun = client.startConversation('begun')
    begun.leave()
    await eventually('also what has begun', () => peer.commands('conversation.leave').length === 2)
  })

  test('left, it still sends what was written, and is not opened again', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    conversation.send('goodbye')
    conversation.leave()
    await client.connect()
    await eventually('it is left', () => peer.commands('conversation.leave').length === 1)
    expect(log.entries.map(({ text }) => text)).toEqual(['goodbye'])
    peer.cut()
    await eventually('it reconnected', () => client.counters.reconnects === 1)
    await moment()
    expect(peer.commands('conversation.open')).toHaveLength(1)
  })

  test('left while something is queued and asked for again, it is followed as if it had not been left', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    conversation.send('last words')
    conversation.leave()
    const again = client.conversation(log.id)
    await client.connect()
    await eventually('it is stored', () => texts(again).length === 1 && again.getSnapshot().applied === 1)
    await moment()
    peer.say(log, 'news')
    await eventually('it is heard', () => texts(again).includes('news'))
    again.send('no, one more')
    await eventually('it is sent', () => log.head === 3)
    expect(peer.commands('conversation.leave')).toEqual([])
  })
})

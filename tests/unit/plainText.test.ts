import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { partsSchema } from '../../src/protocol/parts.ts'
import { ClientPeer } from '../support/clientPeer.ts'
import { closeClients, messages, texts, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'

describe('which text a message may have', () => {
  const taken = (text: string) => partsSchema.safeParse([{ type: 'text', text }]).success
  const named = (name: string) =>
    partsSchema.safeParse([{ type: 'file', fileId: randomUUID(), name }]).success

  test('of the control characters lines and tabs alone, and in names none', () => {
    const controls = Array.from({ length: 0xa0 }, (_, code) => code).filter(
      code => code < 0x20 || code > 0x7e,
    )
    const codes = (allowed: (text: string) => boolean) =>
      controls.filter(code => allowed(`a${String.fromCharCode(code)}b`))
    expect(codes(taken)).toEqual([0x09, 0x0a, 0x0d])
    expect(codes(named)).toEqual([])
  })

  test('every other character, whole', () => {
    for (const text of ['a\u00a0b', '\u200d', '\u2028', '🦁', 'né'])
      expect([text, taken(text)]).toEqual([text, true])
    for (const text of ['\ud83e', 'a\udd81']) expect([text, taken(text)]).toEqual([text, false])
  })
})

describe('what a client sends', () => {
  let peer: ClientPeer

  beforeEach(async () => {
    peer = await new ClientPeer().start()
  })

  afterEach(async () => {
    closeClients()
    await peer.stop()
  })

  test('is what was pasted without the characters that no message may hold, and is shown so from the first moment', async () => {
    const client = visitorOf(peer)
    const conversation = client.conversation(peer.newLog().id)
    const fileId = randomUUID()
    conversation.send('\u001b[31mred\u001b[0m\0\r\n\tand \ud83e half 🦁')
    conversation.send({
      parts: [
        { type: 'file', fileId, name: 'a\nb\u0085.txt' },
        { type: 'file', fileId, name: '\u0007' },
      ],
    })
    expect(texts(conversation)[0]).toBe('[31mred[0m\r\n\tand \ufffd half 🦁')
    await client.connect()
    await eventually('both are stored', () => peer.commands('message.send').length === 2)
    expect(peer.commands('message.send').map(({ input }) => input.parts)).toEqual([
      [{ type: 'text', text: '[31mred[0m\r\n\tand \ufffd half 🦁' }],
      [
        { type: 'file', fileId, name: 'ab.txt' },
        { type: 'file', fileId },
      ],
    ])
  })

  test('and edits to is what a server takes, whatever was pasted', () => {
    const client = visitorOf(peer)
    const conversation = client.conversation(peer.newLog().id)
    fc.assert(
      fc.property(fc.string({ unit: 'binary', maxLength: 30 }), pasted => {
        const half = `x${pasted}${pasted.slice(0, 1)}\u0000\udd81`
        conversation.edit(randomUUID(), [{ type: 'text', text: half }])
        const clientId = conversation.send(half)
        const shown = messages(conversation).at(-1)?.parts
        expect(partsSchema.safeParse(shown).success).toBe(true)
        conversation.discard(clientId)
      }),
    )
  })
})

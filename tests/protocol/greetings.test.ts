import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import type { WidgetConfig } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type ModelWorld, openModelWorld, toldIn } from '../support/modelWorld.ts'
import { nobody } from '../support/people.ts'
import { connectMember, connectVisitor, newWidget, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const greeting = 'cart'
const settings = {
  behaviour: {
    proactive: [
      { id: greeting, message: 'Can I help with your order?', when: { url: '*/cart' } },
      { id: 'leaving', message: 'Before you go', when: { exitIntent: true } },
    ],
  },
  localeStrings: {
    de: { proactive: { cart: 'Kann ich helfen?' } },
    'de-AT': { title: 'Grüß Gott', proactive: { cart: 'Kann ich helfen?' } },
    'pt-BR': { proactive: { cart: 'Posso ajudar?' } },
    fr: { title: 'Bonjour' },
  },
}

describe.each(databaseKinds)(
  'V8: a conversation that a message of the widget has brought about, on %s',
  kind => {
    let world: ModelWorld
    let widgetKey: string
    beforeAll(async () => {
      world = await openModelWorld(kind)
      widgetKey = await keyOf(world.agentId)
    })
    afterAll(() => world?.remove())

    async function keyOf(agentId?: string): Promise<string> {
      const { id, publicKey } = await newWidget(world.workspace, agentId)
      const { status } = await world.workspace.owner.call('patch', `/api/v1/widgets/${id}`, settings)
      if (status !== 200) throw new Error(`not set: ${status}`)
      return publicKey
    }

    const newVisitor = async (key = widgetKey) => {
      const begun = await visit(world.parley.url, key)
      return { ...(await connectVisitor(world.parley.url, begun)), begun }
    }

    test('L1 L2 V8: it begins with that message, said by its agent, once for the same client id', async () => {
      const visitor = await newVisitor()
      const second = await connectVisitor(world.parley.url, visitor.begun)
      const begin = { clientId: 'first', greeting }
      const opened = await Promise.all([
        ...Array.from({ length: 5 }, () => visitor.ask('conversation.open', begin)),
        ...Array.from({ length: 5 }, () =>
          second.ask('conversation.open', { ...begin, greeting: 'leaving' }),
        ),
      ])
      expect(new Set(opened.map(({ conversation }) => conversation.id)).size).toBe(1)
      const [one] = opened
      const again = await visitor.ask('conversation.open', begin)
      expect(again.entries).toHaveLength(1)
      expect(again.entries[0]).toMatchObject({
        ...{ seq: 1, type: 'text', role: 'assistant', sender: { kind: 'agent', id: world.agentId } },
        text: expect.stringMatching(/^(Can I help with your order\?|Before you go)$/),
      })
      expect(again.conversation).toMatchObject({ id: one?.conversation.id, head: 1, owner: 'ai' })
      for (const socket of [visitor, second]) socket.close()
    })

    test('V8: it is stored as the teaser showed it, whatever the page calls its language', async () => {
      const visitor = await newVisitor()
      for (const [wanted, words] of [
        ['', 'Can I help with your order?'],
        ['de', 'Kann ich helfen?'],
        ['DE-at', 'Kann ich helfen?'],
        ['de-CH', 'Kann ich helfen?'],
        ['pt-BR', 'Posso ajudar?'],
        ['pt-pt', 'Posso ajudar?'],
        ['pt', 'Posso ajudar?'],
        ['zh-hans-u-co-pinyin', 'Can I help with your order?'],
        ['fr', 'Can I help with your order?'],
        ['nb', 'Can I help with your order?'],
      ] as const) {
        const { spoken } = (
          await nobody(world.parley).call<WidgetConfig>(
            'get',
            `/api/v1/visitor/widgets/${widgetKey}?languages=${wanted}`,
          )
        ).body
        const open = { clientId: newId(), greeting, language: spoken.language }
        const { entries } = await visitor.ask('conversation.open', open)
        expect([spoken.proactive[greeting], ...entries.map(entry => entry.text)], wanted).toEqual([
          words,
          words,
        ])
      }
      const { entries } = await visitor.ask('conversation.open', { clientId: newId(), greeting })
      expect(entries.map(entry => entry.text)).toEqual(['Can I help with your order?'])
      visitor.close()
    })

    test('V8: one that is there already, or a rule that is not, gets none', async () => {
      const visitor = await newVisitor()
      const plain = await visitor.ask('conversation.open', { clientId: 'plain' })
      const later = await visitor.ask('conversation.open', { clientId: 'plain', greeting })
      expect([plain.entries, later.entries]).toEqual([[], []])
      const byId = await visitor.ask('conversation.open', { conversationId: plain.conversation.id, greeting })
      expect(byId.entries).toEqual([])
      const unknown = await visitor.ask('conversation.open', { clientId: 'other', greeting: 'no-such-rule' })
      expect(unknown.entries).toEqual([])
      for (const input of [
        { clientId: 'bad', greeting: 'No rule!' },
        { clientId: 'bad', greeting: 7 },
        { clientId: 'bad', greeting, language: 'not a language' },
      ])
        expect(await visitor.answer('conversation.open', input)).toMatchObject({
          error: { code: 'invalid_request' },
        })
      visitor.close()
    })

    test('V8: without an agent it is the widget that said it, and people see it', async () => {
      const visitor = await newVisitor(await keyOf())
      const { entries, conversation } = await visitor.ask('conversation.open', { clientId: 'a', greeting })
      expect(entries).toMatchObject([{ seq: 1, role: 'assistant', sender: { kind: 'system' } }])
      const first = { conversationId: conversation.id, clientId: 'q', parts: text('Yes, please') }
      expect((await visitor.ask('message.send', first)).seq).toBe(2)
      const member = await connectMember(world.parley.url, world.workspace.owner)
      const seen = await member.ask('conversation.open', { conversationId: conversation.id })
      expect(seen.entries.map(entry => entry.text)).toEqual(['Can I help with your order?', 'Yes, please'])
      await visitor.next('owner', ({ owner }) => owner === 'queue')
      for (const socket of [visitor, member]) socket.close()
    })

    test('V8: whoever answers knows what was said first', async () => {
      const visitor = await newVisitor()
      const opened = await visitor.ask('conversation.open', { clientId: 'a', greeting })
      world.answersWith({ text: 'Gladly.' })
      const parts = text('Yes, how do I pay?')
      await visitor.ask('message.send', { conversationId: opened.conversation.id, clientId: 'q', parts })
      await eventually('it is answered', () =>
        visitor.received('entries').some(({ entries }) => entries.some(entry => entry.text === 'Gladly.')),
      )
      expect(toldIn(world.answering().at(-1))).toContain(
        'assistant: Can I help with your order?\nuser: Yes, how do I pay?',
      )
      visitor.close()
    })
  },
)

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { type AnswerWorld, openAnswerWorld } from '../support/answerWorld.ts'
import { databaseKinds } from '../support/databases.ts'
import { mailTo } from '../support/outbox.ts'
import { quickMember } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const codeOf = async (socket: TestSocket, name: string, input: unknown): Promise<string> => {
  const answer = await socket.answer(name, input)
  return answer.ok ? 'ok' : answer.error.code
}

describe.each(databaseKinds)('what visitors see of sources and speakers on %s', kind => {
  let world: AnswerWorld
  beforeAll(async () => {
    world = await openAnswerWorld(kind)
  })
  afterAll(() => world.remove())

  async function askedAndAnswered() {
    const asker = await world.newAsker()
    await asker.say('How long can I return an item?')
    const { id: messageId } = await asker.answered()
    const at = { conversationId: asker.conversationId, messageId, chunkId: world.chunks.returns }
    return { asker, at }
  }

  test('V4: an answer opens the passage that it cites, to everybody who sees the answer', async () => {
    const { asker, at } = await askedAndAnswered()
    const cited = await asker.ask('citation.read', at)
    expect(cited).toEqual({
      ...{ title: 'returns', section: null, page: 3, url: null },
      text: expect.stringContaining('within 30 days'),
    })
    const colleague = await quickMember(world.parley, world.workspace, 'support_agent')
    const member = await connectMember(world.parley.url, colleague)
    expect(await member.ask('citation.read', at)).toEqual(cited)
    for (const one of [asker, member]) one.close()
  })

  test('V6: in a transcript by mail the numbers in an answer have their sources below it', async () => {
    const { asker, at } = await askedAndAnswered()
    const to = `visitor-${newId()}@people.example`
    await asker.ask('transcript.mail', { conversationId: at.conversationId, email: to })
    const { text: mailed } = await mailTo(world.parley, to, /^Your conversation with /)
    expect(mailed).toMatch(/^> .*within 30 days.*\[1\].*\n> \[1\] returns$/m)
    asker.close()
  })

  test('V4: only what an address of everybody leads to has one', async () => {
    const { asker, at } = await askedAndAnswered()
    const uriIs = (type: string, uri: string) =>
      world.parley.owner.query(
        `with changed as (update knowledge_documents set uri = $2 where title = 'returns' returning source_id)
         update knowledge_sources set type = $1 where id in (select source_id from changed)`,
        [type, uri],
      )
    await uriIs('url', 'https://shop.example/returns')
    expect((await asker.ask('citation.read', at)).url).toBe('https://shop.example/returns')
    await uriIs('github', 'https://github.com/shop/handbook/returns.md')
    expect((await asker.ask('citation.read', at)).url).toBeNull()
    await uriIs('text', 'returns')
    asker.close()
  })

  test('S3 V4: no other passage, no other conversation, no entry that a visitor does not see', async () => {
    const { asker, at } = await askedAndAnswered()
    const read = (input: object) => codeOf(asker, 'citation.read', { ...at, ...input })
    expect(await read({})).toBe('ok')
    expect(await read({ chunkId: world.chunks.care })).toBe('not_found')
    expect(await read({ messageId: newId() })).toBe('not_found')
    const other = await askedAndAnswered()
    expect(await read({ messageId: other.at.messageId })).toBe('not_found')
    expect(await codeOf(other.asker, 'citation.read', at)).toBe('not_found')
    // As a note would cite it: there for members alone.
    const { rows } = await world.parley.owner.query<{ id: string }>(
      `insert into messages (tenant_id, id, conversation_id, seq, role, type, parts, sender_kind, sender_id, client_id)
       select tenant_id, $2, id, 1000, 'assistant', 'note', $3, 'agent', agent_id, 'a note' from conversations
       where id = $1 returning id`,
      [at.conversationId, newId(), JSON.stringify([{ type: 'citation', chunkId: world.chunks.care }])],
    )
    const noted = { messageId: rows[0]?.id, chunkId: world.chunks.care }
    expect(await read(noted)).toBe('not_found')
    const member = await connectMember(world.parley.url, world.workspace.owner)
    expect(await codeOf(member, 'citation.read', { ...at, ...noted })).toBe('ok')
    for (const one of [asker, other.asker, member]) one.close()
  })

  test('V4: what is gone from the knowledge is gone from its citations', async () => {
    const { asker, at } = await askedAndAnswered()
    await world.parley.owner.query(`update knowledge_chunks set id = $2 where id = $1`, [at.chunkId, newId()])
    expect(await asker.answer('citation.read', at)).toMatchObject({
      error: { code: 'not_found', message: expect.stringContaining('changed since, or is gone') },
    })
    await world.parley.owner.query(`update knowledge_chunks set id = $1 where text like '%within 30 days%'`, [
      at.chunkId,
    ])
    asker.close()
  })

  test('V2 S6: who speaks is known by name and picture, and never by an address', async () => {
    const { asker, at } = await askedAndAnswered()
    const { conversationId } = at
    const { owner } = world.parley
    const [named, addressed, absent] = await Promise.all(
      Array.from({ length: 3 }, () => quickMember(world.parley, world.workspace, 'support_agent')),
    )
    if (!named || !addressed || !absent) throw new Error('three were made')
    await owner.query(`update users set name = 'Kim', image = 'https://shop.example/kim.png' where id = $1`, [
      named.userId,
    ])
    await owner.query(`update users set name = email, image = 'data:image/png,x' where id = $1`, [
      addressed.userId,
    ])
    for (const [at, person] of [named, addressed, absent].entries()) {
      const member = await connectMember(world.parley.url, person)
      // The third writes what no visitor sees.
      const message = { conversationId, clientId: newId(), parts: text('Hello'), note: at === 2 }
      await member.ask('message.send', message)
      member.close()
    }
    await owner.query(`update contacts set name = 'Ingrid', email = 'i@people.example' where id = $1`, [
      asker.contactId,
    ])
    const { speakers } = await asker.ask('speakers.read', { conversationId })
    const agent = { sender: { kind: 'agent', id: world.agentId }, avatarUrl: null }
    const expected = [
      { ...agent, name: expect.stringMatching(/^Agent /) },
      {
        sender: { kind: 'member', id: named.memberId },
        ...{ name: 'Kim', avatarUrl: 'https://shop.example/kim.png' },
      },
      { sender: { kind: 'member', id: addressed.memberId }, name: null, avatarUrl: null },
      { sender: { kind: 'contact', id: asker.contactId }, name: 'Ingrid', avatarUrl: null },
    ]
    const byId = <Speaker extends { sender: { id: string } }>(list: Speaker[]) =>
      list.toSorted((a, b) => (a.sender.id < b.sender.id ? -1 : 1))
    expect(byId(speakers)).toEqual(byId(expected))
    const colleague = await connectMember(world.parley.url, named)
    const seen = (await colleague.ask('speakers.read', { conversationId })).speakers
    expect(seen.map(({ sender }) => sender.kind).toSorted()).toEqual(['agent', 'member', 'member', 'member'])
    for (const one of [asker, colleague]) one.close()
  })

  test('V2: who is to speak is named before they have said anything', async () => {
    const socket = await connectVisitor(world.parley.url, await visit(world.parley.url, world.widgetKey))
    const { conversation } = await socket.ask('conversation.open', { clientId: 'new' })
    const { speakers } = await socket.ask('speakers.read', { conversationId: conversation.id })
    expect(speakers.map(({ sender }) => sender.id)).toContain(world.agentId)
    socket.close()
  })

  test('V2 S3: what an agent is called that was never published, members alone are told', async () => {
    const drafted = await world.workspace.owner.call<{ id: string }>('post', '/api/v1/agents', {
      ...{ name: 'The next big thing', instructions: 'You answer for a furniture shop.' },
    })
    const agentId = drafted.body.id
    const asker = await world.newAsker()
    const { conversationId } = asker
    await world.parley.owner.query('update conversations set agent_id = $2 where id = $1', [
      ...[conversationId, agentId],
    ])
    const member = await connectMember(world.parley.url, world.workspace.owner)
    const named = async (socket: TestSocket) =>
      (await socket.ask('speakers.read', { conversationId })).speakers.find(
        ({ sender }) => sender.id === agentId,
      )?.name
    expect(await named(member)).toBe('The next big thing')
    expect(await named(asker)).toBeNull()
    await world.workspace.owner.call('post', `/api/v1/agents/${agentId}/publish`, { note: '' })
    expect(await named(asker)).toBe('The next big thing')
    for (const one of [asker, member]) one.close()
  })
})

import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type Desk, newDesk, ownersAt } from '../support/deskWorld.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { keyCaller } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { connectMember, type TestSocket, text } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const refused = (code: string) => ({ failure: { code } })

describe.each(databaseKinds)('H2: conversations between AI, queue and people, on %s', kind => {
  let parley: TestParley
  let desk: Desk
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    desk = await newDesk(parley)
  })
  afterAll(async () => {
    desk?.close()
    await parley?.remove()
  })

  const fenced = (conversationId: string, epoch: number) => ({ conversationId, epoch, clientId: newId() })

  const lastEvent = async (socket: TestSocket, conversationId: string) => {
    const { entries } = await socket.ask('conversation.open', { conversationId })
    const entry = entries.findLast(({ type }) => type === 'system_event')
    return { role: entry?.role, parts: entry?.parts, sender: entry?.sender }
  }

  test('H2: whoever asks for a person waits in the queue, and those who come know why', async () => {
    const { conversationId, contactId, visitor } = await desk.talk()
    const member = await desk.colleague()
    await member.ask('conversation.open', { conversationId })
    const call = { conversationId, clientId: 'call', reason: 'It is urgent.' }
    const ack = await visitor.ask('conversation.escalate', call)
    expect(ack).toMatchObject({ seq: 2 })
    const told = { conversationId, owner: 'queue', assignedMemberId: null, epoch: 1 }
    for (const socket of [visitor, member]) {
      expect(await socket.next('owner')).toEqual(told)
      await socket.next('conversation', ({ status, owner }) => status === 'waiting' && owner === 'queue')
      const came = await socket.next('entries', ({ entries }) => entries.some(({ id }) => id === ack.id))
      expect(came.entries.at(-1)).toMatchObject({
        ...{ type: 'system_event', role: 'system', clientId: 'call' },
        ...{ sender: { kind: 'contact', id: contactId }, parts: [{ type: 'event', name: 'called_people' }] },
      })
    }
    expect(await desk.row(conversationId)).toMatchObject({ owner: 'queue', epoch: 1, status: 'waiting' })
    const [escalation, ...others] = await desk.escalationsOf(conversationId)
    expect(others).toEqual([])
    expect(escalation).toMatchObject({
      ...{ status: 'pending', reason: 'asked_for_person', detail: 'It is urgent.', epoch: 1, contactId },
      brief: { asked: 'Where is my parcel?', summary: 'visitor: Where is my parcel?', tried: [] },
    })
    await expect(visitor.ask('conversation.escalate', { ...call, clientId: 'again' })).rejects.toMatchObject(
      refused('conflict'),
    )
  })

  test('L2: a repeated call, claim or hand-back has the first answer and moves nothing, also when others have moved on', async () => {
    const { conversationId, visitor } = await desk.talk()
    const [one, other] = [await desk.colleague(), await desk.colleague()]
    await one.ask('conversation.open', { conversationId })
    const call = { conversationId, clientId: 'call' }
    const claim = fenced(conversationId, 1)
    const reply = { ...fenced(conversationId, 2), parts: text('It is on its way.') }
    const back = { ...fenced(conversationId, 2), to: 'queue' as const }
    const everything = async () => [
      await visitor.ask('conversation.escalate', call),
      await one.ask('conversation.claim', claim),
      await one.ask('conversation.reply', reply),
      await one.ask('conversation.handBack', back),
    ]
    const first = await everything()
    expect(first.slice(1).map(ack => 'epoch' in ack && ack.epoch)).toEqual([2, false, 3])
    const state = await desk.row(conversationId)
    expect(await everything()).toEqual(first)
    expect(await desk.row(conversationId)).toEqual(state)
    await other.ask('conversation.claim', fenced(conversationId, 3))
    const later = await desk.row(conversationId)
    expect(await everything()).toEqual(first)
    expect(await desk.row(conversationId)).toEqual(later)
    expect(later).toMatchObject({ owner: 'member', assignedMemberId: other.memberId, epoch: 4, seq: 6 })
    expect(ownersAt(one, conversationId).map(({ epoch }) => epoch)).toEqual([1, 2, 3, 4])
    expect(await desk.escalationsOf(conversationId)).toMatchObject([
      { status: 'assigned', assignedMemberId: other.memberId, epoch: 4 },
    ])
  })

  test('L7: of ten who claim at one epoch at once, one has the conversation', async () => {
    const { conversationId, escalate } = await desk.talk()
    const people = await Promise.all(Array.from({ length: 10 }, () => desk.colleague()))
    const epoch = await escalate()
    const claims = people.map(({ ask }) => ask('conversation.claim', fenced(conversationId, epoch)))
    const outcomes = await Promise.allSettled(claims)
    const winners = people.filter((_, at) => outcomes[at]?.status === 'fulfilled')
    expect(winners).toHaveLength(1)
    for (const outcome of outcomes)
      if (outcome.status === 'rejected') expect(outcome.reason).toMatchObject(refused('conflict'))
    const { memberId: assignedMemberId } = winners[0] ?? {}
    expect(await desk.row(conversationId)).toMatchObject({
      ...{ owner: 'member', assignedMemberId, epoch: epoch + 1, status: 'active', seq: 3 },
    })
    expect(await desk.escalationsOf(conversationId)).toMatchObject([
      { status: 'assigned', assignedMemberId, epoch: epoch + 1 },
    ])
  })

  test('L7: a reply at an older epoch, or by somebody else, is not stored', async () => {
    const { conversationId, visitor, escalate } = await desk.talk()
    const [one, other] = [await desk.colleague(), await desk.colleague()]
    const epoch = await escalate()
    const say = (who: TestSocket, at: number) =>
      who.ask('conversation.reply', { ...fenced(conversationId, at), parts: text('Hello') })
    await expect(say(one, epoch)).rejects.toMatchObject(refused('conflict'))
    await one.ask('conversation.claim', fenced(conversationId, epoch))
    await expect(say(one, epoch)).rejects.toMatchObject(refused('conflict'))
    await expect(say(other, epoch + 1)).rejects.toMatchObject(refused('conflict'))
    await expect(other.ask('conversation.handBack', fenced(conversationId, epoch + 1))).rejects.toMatchObject(
      refused('conflict'),
    )
    await expect(other.ask('conversation.claim', fenced(conversationId, epoch + 1))).rejects.toMatchObject(
      refused('conflict'),
    )
    await say(one, epoch + 1)
    await visitor.next('entries', ({ entries }) => entries.some(({ role }) => role === 'assistant'))
    const came = visitor.received('entries').flatMap(({ entries }) => entries)
    expect(came.filter(({ role }) => role === 'assistant').map(({ sender }) => sender)).toEqual([
      { kind: 'member', id: one.memberId },
    ])
  })

  test('L7: nobody called, and a person takes over from AI all the same; the hand-over says so', async () => {
    const { conversationId, visitor } = await desk.talk()
    const member = await desk.colleague()
    expect(await member.ask('conversation.claim', fenced(conversationId, 0))).toMatchObject({ epoch: 1 })
    expect(await visitor.next('owner')).toMatchObject({ owner: 'member', assignedMemberId: member.memberId })
    expect(await desk.escalationsOf(conversationId)).toMatchObject([
      { status: 'assigned', reason: 'member_took_over', brief: { asked: 'Where is my parcel?' } },
    ])
  })

  test('H2: given back, it waits for another person or goes on with AI, where an agent answers', async () => {
    const { conversationId, escalate } = await desk.talk()
    const member = await desk.colleague()
    let epoch = await escalate()
    const claim = async () => {
      epoch = (await member.ask('conversation.claim', fenced(conversationId, epoch))).epoch
    }
    const giveBack = async (to?: 'ai' | 'queue') => {
      const given = { ...fenced(conversationId, epoch), ...(to ? { to } : {}) }
      epoch = (await member.ask('conversation.handBack', given)).epoch
    }
    await claim()
    await giveBack('queue')
    expect(await desk.row(conversationId)).toMatchObject({
      ...{ owner: 'queue', assignedMemberId: null, status: 'waiting', epoch },
    })
    expect(await lastEvent(member, conversationId)).toMatchObject({
      parts: [{ type: 'event', name: 'queued' }],
    })
    expect(await desk.escalationsOf(conversationId)).toMatchObject([
      { status: 'pending', assignedMemberId: null, epoch },
    ])
    await claim()
    await desk.withoutAgent(conversationId)
    await expect(giveBack()).rejects.toMatchObject(refused('conflict'))
    await desk.answeredByAgent(conversationId)
    await giveBack()
    expect(await desk.row(conversationId)).toMatchObject({
      ...{ owner: 'ai', assignedMemberId: null, status: 'active', epoch },
    })
    expect(await desk.escalationsOf(conversationId)).toMatchObject([
      { status: 'returned', resolvedAt: expect.any(String) },
    ])
    // Another call is another hand-over.
    await escalate()
    expect((await desk.escalationsOf(conversationId)).map(({ status }) => status)).toEqual([
      ...['pending', 'returned'],
    ])
  })

  test('L8: what is resolved has nothing open; its visitor opens it again, and everybody is told', async () => {
    const { conversationId, visitor, escalate } = await desk.talk()
    const member = await desk.colleague()
    await member.ask('conversation.open', { conversationId })
    const epoch = await escalate()
    await member.ask('conversation.claim', fenced(conversationId, epoch))
    await visitor.ask('message.send', { conversationId, clientId: 'more', parts: text('And when?') })
    const resolve = fenced(conversationId, epoch + 1)
    const { seq } = await member.ask('conversation.resolve', resolve)
    expect(await desk.row(conversationId)).toMatchObject({
      ...{ owner: 'ai', assignedMemberId: null, status: 'resolved', resolved: true, epoch: epoch + 2 },
      ...{ askedSeq: seq - 1, answeredSeq: seq },
    })
    for (const socket of [visitor, member])
      await socket.next('conversation', ({ status }) => status === 'resolved')
    expect(await desk.escalationsOf(conversationId)).toMatchObject([{ status: 'resolved' }])
    await expect(member.ask('conversation.resolve', fenced(conversationId, epoch + 2))).rejects.toMatchObject(
      refused('conflict'),
    )

    // Said before, and only now repeated: it opens nothing.
    await visitor.ask('message.send', { conversationId, clientId: 'more', parts: text('And when?') })
    expect(await desk.row(conversationId)).toMatchObject({ status: 'resolved', seq })
    // Nobody but people answers here, so that it waits for them again.
    await desk.withoutAgent(conversationId)
    const before = [visitor, member].map(socket => socket.received('conversation').length)
    await visitor.ask('message.send', { conversationId, clientId: 'anew', parts: text('One more thing') })
    for (const [at, socket] of [visitor, member].entries()) {
      const isNew = (state: object) =>
        socket.received('conversation').indexOf(state as never) >= (before[at] ?? 0)
      const told = await socket.next('conversation', state => isNew(state) && state.status === 'waiting')
      expect(told).toMatchObject({ owner: 'queue', epoch: epoch + 3 })
    }
    expect(await desk.row(conversationId)).toMatchObject({
      ...{ owner: 'queue', status: 'waiting', resolved: false, askedSeq: seq + 1, answeredSeq: seq },
    })
    expect(await member.ask('conversation.resolve', resolve)).toMatchObject({ seq })
    expect(await desk.row(conversationId)).toMatchObject({ status: 'waiting' })
    expect(await desk.escalationsOf(conversationId)).toMatchObject([
      { status: 'pending', reason: 'no_agent', brief: { asked: 'One more thing' } },
      { status: 'resolved' },
    ])
  })

  test('S3: keys own nothing, visitors take nothing, strangers find nothing, and what is archived stays', async () => {
    const { conversationId, visitor, escalate } = await desk.talk()
    const epoch = await escalate()
    const token = await desk.key(['conversations:read', 'conversations:write'])
    const program = desk.kept(await connectMember(parley.url, { token }))
    const stranger = desk.kept((await desk.talk()).visitor)
    const elsewhere = await (await newDesk(parley)).colleague()
    const owned = ['conversation.claim', 'conversation.handBack', 'conversation.resolve'] as const
    for (const name of owned) {
      const sent = fenced(conversationId, epoch)
      await expect(program.ask(name, sent), name).rejects.toMatchObject(refused('forbidden'))
      await expect(visitor.ask(name, sent), name).rejects.toMatchObject(refused('unknown_command'))
      await expect(elsewhere.ask(name, sent), name).rejects.toMatchObject(refused('not_found'))
    }
    for (const nobody of [stranger, elsewhere])
      await expect(
        nobody.ask('conversation.escalate', { conversationId, clientId: newId() }),
      ).rejects.toMatchObject(refused('not_found'))
    const [escalation] = await desk.escalationsOf(conversationId)
    const path = `/api/v1/escalations/${escalation?.id}`
    expectProblem(await elsewhere.person.call('get', path), 'not_found')
    elsewhere.close()

    const member = await desk.colleague()
    await member.ask('conversation.update', { conversationId, archived: true })
    await expect(member.ask('conversation.claim', fenced(conversationId, epoch))).rejects.toMatchObject(
      refused('conflict'),
    )
    await member.ask('conversation.update', { conversationId, archived: false })
    expect(await desk.row(conversationId)).toMatchObject({ owner: 'queue', status: 'waiting' })
    await member.ask('conversation.claim', fenced(conversationId, epoch))
  })

  test('S3: who the visitor is stands in a brief for those alone who may see contacts', async () => {
    const { conversationId, contactId, escalate } = await desk.talk()
    await parley.owner.query('update contacts set email = $2 where id = $1', [contactId, 'ada@home.example'])
    await escalate()
    const [escalation] = await desk.escalationsOf(conversationId)
    expect(escalation?.brief.contact).toEqual({ email: 'ada@home.example' })
    const narrow = keyCaller(parley, await desk.key(['conversations:read']))
    for (const path of [`/${escalation?.id}`, `?conversationId=${conversationId}`]) {
      const { status, body } = await narrow.call('get', `/api/v1/escalations${path}`)
      expect(status).toBe(200)
      expect(JSON.stringify(body)).toContain('Where is my parcel?')
      expect(JSON.stringify(body)).not.toContain('ada@home.example')
    }
  })
})

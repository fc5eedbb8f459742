import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { CommandRefused, type TestSocket } from '../support/sockets.ts'
import { filePart, memberFile, strangerFile } from '../support/uploads.ts'
import { type Crowd, newCrowd, newGuest, newVisitor, type Participant } from './matrix/crowd.ts'

/** Who reaches which file of a conversation. Everyone here knows its id; that must not be enough. */
describe.each(databaseKinds)('S3 S4 files on %s', kind => {
  let parley: TestParley
  let a: Crowd
  let elsewhere: { readonly person: Participant; readonly conversationId: string }[]
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    a = await newCrowd(parley, 'A')
    const other = await newVisitor(parley, a.widgetKey, 'another visitor')
    const { conversation } = await other.ask('conversation.open', { clientId: 'own' })
    const b = await newCrowd(parley, 'B')
    const { id: conversationId } = conversation
    const guest = await newGuest(parley, a.workspace, conversationId, 'a guest of another conversation')
    elsewhere = [
      ...[other, guest].map(person => ({ person, conversationId })),
      ...[b.owner, b.visitor, b.guest].map(person => ({ person, conversationId: b.conversationId })),
    ]
  })
  afterAll(() => parley.remove())

  const team = () => [a.owner, a.key]
  const guests = () => [a.visitor, a.guest]
  const here = () => [...team(), ...guests()]
  const ofMember = () => memberFile(a.workspace, a.conversationId)
  const ofStranger = (person: TestSocket) => strangerFile(person, a.conversationId)

  async function outcome(work: Promise<unknown>): Promise<string> {
    try {
      await work
      return 'ok'
    } catch (error) {
      if (error instanceof CommandRefused) return error.failure.code
      throw error
    }
  }

  /** These get a link to it, and all others are told what they would be told of none. */
  async function openTo(fileId: string, readers: readonly Participant[]): Promise<void> {
    const none = await a.guest.answer('file.link', { fileId: newId() })
    for (const person of [...here(), ...elsewhere.map(({ person }) => person)]) {
      const answer = await person.answer('file.link', { fileId })
      if (readers.includes(person)) expect(answer.ok, person.who).toBe(true)
      else expect(answer, person.who).toEqual(none)
    }
    expect(none).toMatchObject({ ok: false, error: { code: 'not_found' } })
  }

  const send = (
    person: TestSocket,
    fileId: string,
    { note, clientId = newId() }: { note?: boolean; clientId?: string } = {},
  ) =>
    person.ask('message.send', {
      ...{ conversationId: a.conversationId, clientId, parts: filePart(fileId) },
      ...(note === undefined ? {} : { note }),
    })
  const takeBack = (person: TestSocket, messageId: string) =>
    person.ask('message.delete', { conversationId: a.conversationId, clientId: newId(), messageId })
  const edit = (person: TestSocket, messageId: string, fileId: string) =>
    person.ask('message.edit', {
      ...{ conversationId: a.conversationId, clientId: newId(), messageId },
      parts: filePart(fileId),
    })
  const status = async (url: string) => (await fetch(url)).status

  test('S4: what only a note shows is for members, and no visitor or guest brings it out', async () => {
    const fileId = await ofMember()
    await openTo(fileId, team())
    const note = await send(a.owner, fileId, { note: true })
    await openTo(fileId, team())
    for (const person of guests()) {
      expect(await outcome(send(person, fileId)), person.who).toBe('not_found')
      const { id } = await send(person, await ofStranger(person))
      expect(await outcome(edit(person, id, fileId)), person.who).toBe('not_found')
    }
    await openTo(fileId, team())
    // A member may show to all what was for members.
    await send(a.owner, fileId)
    await openTo(fileId, here())
    await takeBack(a.owner, note.id)
    await openTo(fileId, here())
  })

  test('S4: what an edit of a note brings is for members too', async () => {
    const note = await send(a.owner, await ofMember(), { note: true })
    const fileId = await ofMember()
    await edit(a.owner, note.id, fileId)
    await openTo(fileId, team())
  })

  test('S3: what a public entry shows is for everyone of the conversation, and nobody else sends it', async () => {
    const fileId = await ofMember()
    const { id } = await send(a.owner, fileId)
    await openTo(fileId, here())
    for (const { person, conversationId } of elsewhere) {
      const message = { conversationId, clientId: newId(), parts: filePart(fileId) }
      expect(await outcome(person.ask('message.send', message)), person.who).toBe('not_found')
    }
    // The first version stays in the log.
    await edit(a.owner, id, await ofMember())
    await openTo(fileId, here())
  })

  test('S4: an upload is its sender’s until it is sent', async () => {
    for (const person of guests()) {
      const fileId = await ofStranger(person)
      await openTo(fileId, [...team(), person])
      const other = person === a.guest ? a.visitor : a.guest
      expect(await outcome(send(other, fileId)), other.who).toBe('not_found')
      const clientId = newId()
      const sent = await send(person, fileId, { clientId })
      await openTo(fileId, here())
      expect(await send(person, fileId, { clientId }), 'L2').toEqual(sent)
    }
  })

  test('S4: the spelling of an id makes no difference', async () => {
    const fileId = await ofStranger(a.visitor)
    const { id } = await send(a.visitor, fileId.toUpperCase())
    await openTo(fileId, here())
    await takeBack(a.visitor, id)
    await openTo(fileId, [])
  })

  test('S4: a message that is taken back takes its files along, with the links that were given out', async () => {
    const [first, second] = [await ofStranger(a.visitor), await ofStranger(a.visitor)]
    const clientId = newId()
    const sent = await send(a.visitor, first, { clientId })
    await edit(a.visitor, sent.id, second)
    await openTo(first, here())
    await openTo(second, here())
    const links = await Promise.all(
      [first, second].map(async fileId => (await a.guest.ask('file.link', { fileId })).url),
    )
    expect(await Promise.all(links.map(status))).toEqual([200, 200])
    await takeBack(a.visitor, sent.id)
    for (const fileId of [first, second]) {
      await openTo(fileId, [])
      for (const person of here()) expect(await outcome(send(person, fileId)), person.who).toBe('not_found')
    }
    expect(await Promise.all(links.map(status))).toEqual([404, 404])
    expect(await send(a.visitor, first, { clientId }), 'L2').toEqual(sent)
  })

  test('S4: a file that stands in two messages goes with the second', async () => {
    const fileId = await ofStranger(a.guest)
    const [one, two] = [await send(a.guest, fileId), await send(a.visitor, fileId)]
    await takeBack(a.guest, one.id)
    await openTo(fileId, here())
    await takeBack(a.visitor, two.id)
    await openTo(fileId, [])
    const both = await ofStranger(a.guest)
    const sent = await Promise.all([send(a.guest, both), send(a.guest, both)])
    await Promise.all(sent.map(({ id }) => takeBack(a.guest, id)))
    await openTo(both, [])
  })

  test('S4: what a visitor took back stays in a member’s note, and there alone', async () => {
    const fileId = await ofStranger(a.visitor)
    const sent = await send(a.visitor, fileId)
    const note = await send(a.owner, fileId, { note: true })
    await takeBack(a.visitor, sent.id)
    await openTo(fileId, team())
    await takeBack(a.owner, note.id)
    await openTo(fileId, [])
  })

  test('S4: sent and taken back at once, a file is there with its message or not at all', async () => {
    for (let round = 0; round < 10; round++) {
      const fileId = await ofStranger(a.visitor)
      const { id } = await send(a.visitor, fileId)
      const [again] = await Promise.all([outcome(send(a.guest, fileId)), takeBack(a.visitor, id)])
      await openTo(fileId, again === 'ok' ? here() : [])
    }
  })
})

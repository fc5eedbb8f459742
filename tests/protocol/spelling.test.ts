import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { idField as idInRequests } from '../../src/http/index.ts'
import { newId } from '../../src/kernel/index.ts'
import { type CommandName, commands } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'
import { filePart, strangerFile } from '../support/uploads.ts'

const shouted = '0198F5A0-ABCD-7ABC-8ABC-ABCDEFABCDEF'

/** What an input is made of, in the end. */
function fieldsIn(schema: unknown): unknown[] {
  if (schema instanceof z.ZodOptional || schema instanceof z.ZodNullable) return fieldsIn(schema.unwrap())
  if (schema instanceof z.ZodArray) return fieldsIn(schema.element)
  if (schema instanceof z.ZodObject) return Object.values(schema.shape).flatMap(fieldsIn)
  return schema instanceof z.ZodDiscriminatedUnion ? schema.options.flatMap(fieldsIn) : [schema]
}

describe('an id has one spelling inside, however it was sent', () => {
  test.each(Object.keys(commands) as CommandName[])('in everything that %s takes', name => {
    const ids = fieldsIn(commands[name].input).filter(field => field instanceof z.ZodUUID)
    for (const id of ids) expect(id.parse(shouted)).toBe(shouted.toLowerCase())
    expect(ids.length > 0).toBe(JSON.stringify(z.toJSONSchema(commands[name].input)).includes('"uuid"'))
  })

  test('in requests', () => expect(idInRequests.parse(shouted)).toBe(shouted.toLowerCase()))
})

describe('5: ids in upper case', () => {
  let parley: TestParley
  let workspace: Workspace
  let one: TestSocket
  let other: TestSocket
  let member: TestSocket
  let conversationId: string
  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded')
    workspace = await quickWorkspace(parley)
    const visiting = await visit(parley.url, (await newWidget(workspace)).publicKey)
    one = await connectVisitor(parley.url, visiting)
    other = await connectVisitor(parley.url, visiting)
    member = await connectMember(parley.url, workspace.owner)
    const opened = await one.ask('conversation.open', { clientId: 'main' })
    conversationId = opened.conversation.id
  })
  afterAll(() => parley?.remove())

  const said = (clientId: string, id = conversationId) => ({
    ...{ conversationId: id, clientId, parts: text(clientId) },
  })

  test('open the same conversation: its events arrive, and what is sent is stored', async () => {
    const upper = conversationId.toUpperCase()
    expect(await other.ask('conversation.open', { conversationId: upper })).toMatchObject({
      conversation: { id: conversationId },
    })
    const heard = other.next('entries')
    const { id } = await one.ask('message.send', said('said'))
    expect(await heard).toMatchObject({ conversationId, entries: [{ id }] })
    expect(await other.ask('message.send', said('shouted', upper))).toMatchObject({ seq: 2 })
    const edit = { ...said('edited', upper), messageId: id.toUpperCase() }
    expect(await one.ask('message.edit', edit)).toMatchObject({ seq: 3 })
    const fileId = await strangerFile(one, upper)
    const withFile = { ...said('file', upper), parts: filePart(fileId.toUpperCase()) }
    await one.ask('message.send', withFile)
    const { entries } = await other.ask('history.read', { conversationId: upper, after: 3 })
    expect(entries).toMatchObject([{ parts: [{ fileId }] }])
  })

  test('cost nobody else a mark', async () => {
    const upper = conversationId.toUpperCase()
    await one.ask('message.send', said('to-be-read'))
    for (const socket of [one, other, member]) await socket.ask('conversation.open', { conversationId })
    const told = member.next('mark', ({ read }) => read === 2)
    const marks = [
      one.answer('mark.set', { conversationId: upper, read: 1 }),
      other.answer('mark.set', { conversationId, read: 2 }),
      member.answer('mark.set', { conversationId, read: 1 }),
    ]
    expect((await Promise.all(marks)).map(({ ok }) => ok)).toEqual([true, true, true])
    expect(await told).toMatchObject({ conversationId })
  })

  test('name the same thing in requests', async () => {
    const path = (id: string) => `/api/v1/conversations/${id}`
    const { body, status } = await workspace.owner.call('get', path(conversationId.toUpperCase()))
    expect([status, body]).toMatchObject([200, { id: conversationId }])
    expect(await workspace.owner.call('get', path(newId().toUpperCase()))).toMatchObject({ status: 404 })
  })
})

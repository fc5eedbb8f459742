import sharp from 'sharp'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type FileWorld, startFileWorld } from '../support/fileWorld.ts'
import { knowingWidget, knownVisit } from '../support/identities.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectSocket, connectVisitor, newWidget, type TestSocket, visit } from '../support/sockets.ts'
import { filePart, memberFile, samples, upload, uploadTo } from '../support/uploads.ts'

const kib = 1024
const mib = 1024 * kib
const zip = { 'content-type': 'application/zip' }
const sized = (bytes: number, fill = 1) =>
  Buffer.concat([samples.zip, Buffer.alloc(bytes - samples.zip.length, fill)])

type Uploaded = Awaited<ReturnType<typeof uploadTo>>

describe.each(databaseKinds)('what strangers upload on %s', kind => {
  let world: FileWorld
  beforeAll(async () => {
    world = await startFileWorld(kind, {
      ...{ MAX_FILE_MIB: '1', VISITOR_FILES_MIB: '1', TENANT_FILES_MIB: '3' },
      COMMANDS_PER_SECOND: '1000',
    })
  })
  afterAll(() => world.parley.remove())

  async function newVisitor(workspace: Workspace): Promise<TestSocket> {
    const { url } = world.parley
    return connectVisitor(url, await visit(url, (await newWidget(workspace)).publicKey))
  }
  /** A workspace of its own, so that nobody's files count for another test. */
  async function newTalk() {
    const workspace = await quickWorkspace(world.parley)
    const visitor = await newVisitor(workspace)
    const { conversation } = await visitor.ask('conversation.open', { clientId: 'one' })
    const offer = async (socket: TestSocket = visitor, conversationId = conversation.id) =>
      (await socket.ask('file.offer', { conversationId, name: 'a.zip' })).url
    return { workspace, visitor, conversationId: conversation.id, offer }
  }
  async function guestOf({ owner }: Workspace, conversationId: string): Promise<TestSocket> {
    const path = `/api/v1/conversations/${conversationId}/tickets`
    const { body } = await owner.call<{ ticket: string }>('post', path, { name: 'Guest' })
    const auth = { ticket: body.ticket }
    return connectSocket({ url: world.parley.url, audience: 'participant', auth })
  }

  /** Every row has its object, and there is nothing else. Returns their sizes. */
  async function tidy(workspace: Workspace): Promise<number[]> {
    const rows = await world.rowsOf('files', workspace)
    expect(await world.objects(workspace)).toEqual(rows.map(({ id }) => id).sort())
    return rows.map(({ size }) => Number(size)).sort()
  }
  const statuses = (answers: readonly Uploaded[]) => answers.map(({ status }) => status).sort()
  const ids = (answers: readonly Uploaded[]) => new Set(answers.map(({ body }) => body.id))

  test('S4: an offer is good for one file; the same again has the same answer', async () => {
    const { workspace, offer } = await newTalk()
    const url = await offer()
    const first = await uploadTo(url, 'some notes')
    expect(first.status).toBe(201)
    const again = await uploadTo(url, 'some notes')
    expect([again.status, again.body]).toEqual([201, first.body])
    expectProblem(await uploadTo(url, 'other notes'), 'conflict')
    expectProblem(await uploadTo(url, 'some notes', { 'content-type': 'text/csv' }), 'conflict')
    expect(await tidy(workspace)).toEqual([10])
  })

  test('S4: of many uploads to one offer at once, one is stored', async () => {
    const { workspace, offer } = await newTalk()
    const same = await offer()
    const repeats = await Promise.all(Array.from({ length: 6 }, () => uploadTo(same, 'some notes')))
    expect(statuses(repeats)).toEqual(Array(6).fill(201))
    expect(ids(repeats).size).toBe(1)
    const different = await offer()
    const rivals = await Promise.all(Array.from({ length: 6 }, (_, at) => uploadTo(different, `notes ${at}`)))
    expect(statuses(rivals)).toEqual([201, ...Array(5).fill(409)])
    for (const answer of rivals) if (answer.status !== 201) expectProblem(answer, 'conflict')
    expect(await tidy(workspace)).toEqual([10, 7])
  })

  test('S4: an offer ends with the stay of whoever it was given to, and what it was used for before is not told again', async () => {
    const { workspace, conversationId, offer } = await newTalk()
    const guest = await guestOf(workspace, conversationId)
    const used = await offer()
    expect((await uploadTo(used, 'some notes')).status).toBe(201)
    const [fresh, ofGuest] = [await offer(), await offer(guest)]
    const { body } = await workspace.owner.call<{ items: { id: string }[] }>('get', '/api/v1/widgets')
    const change = (active: boolean) =>
      workspace.owner.call('patch', `/api/v1/widgets/${body.items[0]?.id}`, { active })
    expect((await change(false)).status).toBe(200)
    for (const url of [used, fresh]) expectProblem(await uploadTo(url, 'some notes'), 'unauthenticated')
    // A guest does not come by the widget.
    expect((await uploadTo(ofGuest, 'of a guest')).status).toBe(201)
    expect((await change(true)).status).toBe(200)
    expect((await uploadTo(fresh, 'later notes')).status).toBe(201)
    const late = await offer(guest)
    const suspend = "update tenants set status = 'suspended' where id = $1"
    await world.parley.owner.query(suspend, [workspace.tenantId])
    for (const url of [fresh, late]) expectProblem(await uploadTo(url, 'some notes'), 'tenant_suspended')
    expect(await tidy(workspace)).toHaveLength(3)
  })

  test('S4: an offer to somebody whom an identity proved is good until the contact has another name', async () => {
    const { workspace } = await newTalk()
    const widget = await knowingWidget(workspace)
    const person = await knownVisit(world.parley, widget, { sub: 'ada' })
    const socket = await connectVisitor(world.parley.url, person)
    const { conversation } = await socket.ask('conversation.open', { clientId: 'one' })
    const where = { conversationId: conversation.id, name: 'a.zip' }
    const [first, second] = [await socket.ask('file.offer', where), await socket.ask('file.offer', where)]
    expect((await uploadTo(first.url, 'some notes')).status).toBe(201)
    const path = `/api/v1/contacts/${person.contactId}`
    expect((await workspace.owner.call('patch', path, { externalId: 'eve' })).status).toBe(200)
    expectProblem(await uploadTo(second.url, 'some notes'), 'token_expired')
  })

  test('S4: what was refused has used nothing up, and what was taken back cannot be put there again', async () => {
    const { workspace, visitor, conversationId, offer } = await newTalk()
    const url = await offer()
    expectProblem(await uploadTo(url, '<script>'), 'unsupported_media_type')
    const stored = await uploadTo(url, 'some notes')
    expect(stored.status).toBe(201)
    const parts = filePart(stored.body.id)
    const { id } = await visitor.ask('message.send', { conversationId, clientId: newId(), parts })
    await visitor.ask('message.delete', { conversationId, clientId: newId(), messageId: id })
    expectProblem(await uploadTo(url, 'other notes'), 'conflict')
    expect((await uploadTo(url, 'some notes')).body).toEqual(stored.body)
    expect(await world.rowsOf('files', workspace)).toEqual([])
  })

  test('S4: what was taken back leaves the store at once, and its thumbnail with it', async () => {
    const { workspace, visitor, conversationId, offer } = await newTalk()
    const create = { width: 40, height: 20, channels: 3, background: 'teal' } as const
    const picture = Buffer.from(await sharp({ create }).png().toBuffer())
    const kept = await uploadTo(await offer())
    const { body } = await uploadTo(await offer(), picture, { 'content-type': 'image/png' })
    const objects = () => world.objects(workspace)
    await eventually('the thumbnail is there', async () => (await objects()).includes(`${body.id}.thumbnail`))
    const parts = filePart(body.id)
    const { id } = await visitor.ask('message.send', { conversationId, clientId: newId(), parts })
    await visitor.ask('message.delete', { conversationId, clientId: newId(), messageId: id })
    await eventually('nothing of it is left', async () => (await objects()).length === 1)
    expect(await tidy(workspace)).toEqual([kept.body.size])
  })

  test('S4: visitors and guests together fill a conversation so far and no further, also at once', async () => {
    const { workspace, visitor, conversationId, offer } = await newTalk()
    const guest = await guestOf(workspace, conversationId)
    const urls = await Promise.all(Array.from({ length: 8 }, (_, at) => offer(at % 2 ? guest : visitor)))
    const answers = await Promise.all(urls.map((url, at) => uploadTo(url, sized(300 * kib, at), zip)))
    expect(statuses(answers)).toEqual([...Array(3).fill(201), ...Array(5).fill(413)])
    for (const answer of answers) if (answer.status !== 201) expectProblem(answer, 'payload_too_large')
    expect(await tidy(workspace)).toEqual(Array(3).fill(300 * kib))
    // To the last byte.
    const left = mib - 900 * kib
    expectProblem(await uploadTo(await offer(guest), sized(left + 1), zip), 'payload_too_large')
    expect((await uploadTo(await offer(guest), sized(left), zip)).status).toBe(201)
    expectProblem(await uploadTo(await offer(), 'x'), 'payload_too_large')
    // What was answered before is answered again.
    const done = answers.findIndex(({ status }) => status === 201)
    const repeat = await uploadTo(urls[done] ?? '', sized(300 * kib, done), zip)
    expect([repeat.status, repeat.body]).toEqual([201, answers[done]?.body])
    // Members are not bound by it, and neither is another conversation.
    await memberFile(workspace, conversationId)
    const other = await newVisitor(workspace)
    const { conversation } = await other.ask('conversation.open', { clientId: 'two' })
    const there = await offer(other, conversation.id)
    expect((await uploadTo(there, sized(300 * kib), zip)).status).toBe(201)
    // What is taken back makes room.
    const parts = filePart(answers[done]?.body.id ?? '')
    const uploader = done % 2 ? guest : visitor
    const { id } = await uploader.ask('message.send', { conversationId, clientId: newId(), parts })
    await uploader.ask('message.delete', { conversationId, clientId: newId(), messageId: id })
    expect((await uploadTo(await offer(), sized(300 * kib), zip)).status).toBe(201)
  })

  test('S4: a visitor fills all their conversations together no further than one, also at once', async () => {
    const { workspace, visitor, offer } = await newTalk()
    const offerInNew = async (by: TestSocket) => {
      const { conversation } = await by.ask('conversation.open', { clientId: newId() })
      return offer(by, conversation.id)
    }
    const urls = await Promise.all(Array.from({ length: 6 }, () => offerInNew(visitor)))
    const answers = await Promise.all(urls.map((url, at) => uploadTo(url, sized(300 * kib, at), zip)))
    expect(statuses(answers)).toEqual([...Array(3).fill(201), ...Array(3).fill(413)])
    for (const answer of answers) if (answer.status !== 201) expectProblem(answer, 'payload_too_large')
    const other = await newVisitor(workspace)
    expect((await uploadTo(await offerInNew(other), sized(300 * kib), zip)).status).toBe(201)
    expect(await tidy(workspace)).toEqual(Array(4).fill(300 * kib))
  })

  test('S4: a workspace takes so much and no more, whoever uploads, also at once', async () => {
    const { workspace, conversationId, offer } = await newTalk()
    const visitors = Array.from({ length: 3 }, async (_, at) =>
      uploadTo(await offer(), sized(300 * kib, at), zip),
    )
    expect(statuses(await Promise.all(visitors))).toEqual([201, 201, 201])
    const members = Array.from({ length: 5 }, (_, at) =>
      upload(world.parley, workspace.owner, conversationId, {
        ...{ type: 'application/zip', body: sized(700 * kib, at) },
      }),
    )
    const answers = await Promise.all(members)
    expect(statuses(answers)).toEqual([...Array(3).fill(201), ...Array(2).fill(413)])
    for (const answer of answers) if (answer.status !== 201) expectProblem(answer, 'payload_too_large')
    const kept = [...Array(3).fill(300 * kib), ...Array(3).fill(700 * kib)]
    expect(await tidy(workspace)).toEqual(kept)
    expectProblem(await uploadTo(await offer(), sized(100 * kib), zip), 'payload_too_large')
    expect(await tidy(workspace)).toEqual(kept)
    // Another workspace has its own.
    const other = await newTalk()
    expect((await uploadTo(await other.offer(), sized(300 * kib), zip)).status).toBe(201)
  })
})

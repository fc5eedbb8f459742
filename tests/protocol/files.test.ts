import { createHash, randomBytes } from 'node:crypto'
import { request } from 'node:http'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type FileWorld, startFileWorld } from '../support/fileWorld.ts'
import type { TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { office, type Sent, samples, upload } from '../support/uploads.ts'

const mib = 1024 * 1024

describe.each(databaseKinds)('G4 uploads of files on %s', kind => {
  let world: FileWorld
  let parley: TestParley
  let workspace: Workspace
  let conversation: string
  beforeAll(async () => {
    world = await startFileWorld(kind)
    ;({ parley, workspace, conversation } = world)
  })
  afterAll(() => parley.remove())

  const newConversation = (of: Workspace) => world.newConversation(of)
  const send = (sent: Sent) => world.send(sent)
  const rowsOf = (table: string) => world.rowsOf(table)
  const objects = (of?: Workspace) => world.objects(of)
  const linksTo = (id: string) => world.linksTo(id)
  const stored = (sent: Sent) => world.stored(sent)
  const leavesNothing = (work: () => Promise<unknown>) => world.leavesNothing(work)

  test('an upload answers what the file is, is read back as it was, and is in the audit log', async () => {
    const body = randomBytes(700_000)
    const bytes = Buffer.concat([samples.pdf, body])
    const answer = await send({ name: 'Preisliste März.pdf', type: 'application/pdf', body: bytes })
    expect(answer.status).toBe(201)
    const sha256 = createHash('sha256').update(bytes).digest('hex')
    const { id } = answer.body
    expect(answer.body).toEqual({
      ...{ id, conversationId: conversation, filename: 'Preisliste März.pdf' },
      ...{ originalName: 'Preisliste März.pdf', mimeType: 'application/pdf', size: bytes.length, sha256 },
      createdAt: expect.stringMatching(/^\d{4}-.*Z$/),
    })
    const rows = await rowsOf('files')
    expect(rows).toContainEqual(
      expect.objectContaining({
        ...{ id, uploader_kind: 'member', storage_provider: 'disk' },
        storage_key: `${workspace.tenantId}/${id}`,
      }),
    )
    const entries = await rowsOf('audit_logs')
    expect(entries.filter(entry => entry.resource_id === id)).toEqual([
      expect.objectContaining({
        action: 'file.uploaded',
        new_values: expect.objectContaining({ sha256, conversationId: conversation }),
      }),
    ])
    const read = await fetch((await linksTo(id)).url)
    expect(Buffer.from(await read.arrayBuffer()).equals(bytes)).toBe(true)
  })

  test.each([
    ['image/png', samples.png, 'image/png', 'png'],
    ['image/jpeg', samples.jpeg, 'image/jpeg', 'jpg'],
    ['image/jpg', samples.jpeg, 'image/jpeg', 'jpg'],
    ['image/gif', samples.gif, 'image/gif', 'gif'],
    ['image/webp', samples.webp, 'image/webp', 'webp'],
    ['image/avif', samples.avif, 'image/avif', 'avif'],
    ['application/pdf', samples.pdf, 'application/pdf', 'pdf'],
    ['text/plain; charset=utf-8', samples.text, 'text/plain', 'txt'],
    ['TEXT/MARKDOWN', samples.text, 'text/markdown', 'md'],
    ['text/csv', samples.text, 'text/csv', 'csv'],
    ['application/zip', samples.zip, 'application/zip', 'zip'],
    ['application/x-zip-compressed', samples.docx, 'application/zip', 'zip'],
    [`${office}.wordprocessingml.document`, samples.docx, `${office}.wordprocessingml.document`, 'docx'],
    [`${office}.spreadsheetml.sheet`, samples.xlsx, `${office}.spreadsheetml.sheet`, 'xlsx'],
    [`${office}.presentationml.presentation`, samples.pptx, `${office}.presentationml.presentation`, 'pptx'],
    ['audio/mpeg', samples.mp3, 'audio/mpeg', 'mp3'],
    ['audio/mpeg', samples.bareMp3, 'audio/mpeg', 'mp3'],
    ['audio/ogg', samples.ogg, 'audio/ogg', 'ogg'],
    ['audio/x-wav', samples.wav, 'audio/wav', 'wav'],
    ['video/mp4', samples.mp4, 'video/mp4', 'mp4'],
    ['audio/mp4', samples.mp4, 'audio/mp4', 'm4a'],
    ['audio/webm;codecs=opus', samples.webm, 'audio/webm', 'weba'],
    ['video/webm', samples.webm, 'video/webm', 'webm'],
    // Nothing declared: the content says it alone, and of texts the name.
    [undefined, samples.png, 'image/png', 'png'],
    ['application/octet-stream', samples.xlsx, `${office}.spreadsheetml.sheet`, 'xlsx'],
    [undefined, samples.zip, 'application/zip', 'zip'],
    [undefined, samples.text, 'text/plain', 'txt'],
  ])('S4: takes %s', async (type, body, mimeType, extension) => {
    const answer = await send({ name: 'a name', type, body })
    expect(answer.status, JSON.stringify(answer.body)).toBe(201)
    expect(answer.body).toMatchObject({ mimeType, filename: `a name.${extension}` })
  })

  test('S4: of texts without a declared type the name decides', async () => {
    const { body } = await send({ name: 'notes.md', body: samples.text })
    expect(body).toMatchObject({ mimeType: 'text/markdown', filename: 'notes.md' })
  })

  test.each([
    ['a page', 'text/html', '<!doctype html><script>alert(1)</script>'],
    ['a page that is called a text', 'text/plain', '\ufeff \n<!-- x --> <HTML><script>alert(1)</script>'],
    ['a page that says nothing', undefined, '<script src=x></script>'],
    ['a drawing', 'image/svg+xml', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['a drawing that is called a text', 'text/plain', '<?xml version="1.0"?><svg/>'],
    ['a drawing that is called a picture', 'image/png', '<svg xmlns="http://www.w3.org/2000/svg"/>'],
    ['a script', 'text/plain', '#!/bin/sh\nrm -rf ~'],
    ['a script by its type', 'application/javascript', 'alert(1)'],
    ['JSON', 'application/json', '{"a":1}'],
    ['a program for Windows', 'application/octet-stream', Buffer.from('MZ\x90\0\x03\0\0\0', 'latin1')],
    ['a program for Linux', undefined, Buffer.from('\x7fELF\x02\x01\x01\0', 'latin1')],
    ['a program that is called a picture', 'image/jpeg', Buffer.from('MZ\x90\0\x03\0\0\0', 'latin1')],
    ['a picture that is called another', 'image/png', samples.jpeg],
    ['a picture that is called a document', 'application/pdf', samples.png],
    ['a text that is called a picture', 'image/gif', 'GIF 89a'],
    ['an archive that is called a document', `${office}.wordprocessingml.document`, samples.zip],
    ['a document that is called another', `${office}.spreadsheetml.sheet`, samples.docx],
    ['a document with macros', `${office}.wordprocessingml.document`, samples.docm],
    ['an HEIC picture', 'image/avif', Buffer.from('\0\0\0\x18ftypheic\0\0\0\0mif1heic', 'latin1')],
    ['Matroska', 'video/webm', Buffer.from('\x1a\x45\xdf\xa3\x9f\x42\x82\x88matroska', 'latin1')],
    ['a text in UTF-16', 'text/plain', Buffer.from('\ufeffhello', 'utf16le')],
    ['a text in Latin-1', 'text/plain', Buffer.from('Grüße', 'latin1')],
    ['a text that ends within a character', 'text/plain', Buffer.from('Grüße €').subarray(0, -1)],
    [
      'a text that stops being one later',
      'text/csv',
      Buffer.concat([Buffer.alloc(300_000, 'x'), Buffer.from([0, 1, 2])]),
    ],
    ['a multipart form', 'multipart/form-data; boundary=x', '--x\r\n\r\nhello\r\n--x--'],
    ['a type that is a name of the language', '__proto__', 'x'],
  ])('S4: refuses %s, and leaves nothing', async (_what, type, body) => {
    await leavesNothing(async () => {
      const answer = await send({ name: 'x.txt', type, body })
      expectProblem(answer, 'unsupported_media_type')
    })
  })

  test('S4: an empty file, or none, is no file', async () => {
    await leavesNothing(async () => {
      expectProblem(await send({ type: 'text/plain', body: '' }), 'invalid_request')
      expectProblem(await send({ body: '' }), 'invalid_request')
    })
  })

  test('S4: the largest file is taken, one byte more is not, whether it is announced or not', async () => {
    const largest = Buffer.concat([samples.zip, Buffer.alloc(2 * mib - samples.zip.length, 1)])
    expect((await send({ type: 'application/zip', body: largest })).status).toBe(201)
    const tooLarge = Buffer.concat([largest, Buffer.from('x')])
    await leavesNothing(async () => {
      expectProblem(await send({ type: 'application/zip', body: tooLarge }), 'payload_too_large')
      const unannounced = { 'transfer-encoding': 'chunked' }
      const answer = await send({ type: 'application/zip', body: tooLarge, headers: unannounced })
      expectProblem(answer, 'payload_too_large')
    })
  })

  test('S4: a sender who goes on sending after the refusal is cut off', async () => {
    await leavesNothing(async () => {
      const sent = startUpload({ 'content-type': 'application/zip', 'transfer-encoding': 'chunked' })
      const status = new Promise<number>(resolve =>
        sent.on('response', response => resolve(response.resume().statusCode ?? 0)),
      )
      const cut = new Promise<void>(resolve => sent.on('close', resolve).on('error', () => resolve()))
      sent.write(samples.zip)
      const endless = setInterval(() => sent.write(Buffer.alloc(200_000)), 20)
      expect(await status).toBe(413)
      await cut
      clearInterval(endless)
    })
  })

  function startUpload(headers: Record<string, string>) {
    const sent = request(`${parley.url}/api/v1/conversations/${conversation}/files?name=x.zip`, {
      method: 'POST',
      agent: false,
      headers: { authorization: `Bearer ${workspace.owner.token}`, ...headers },
    })
    sent.on('error', () => undefined)
    return sent
  }

  test('G4: an upload that breaks off leaves nothing', async () => {
    await leavesNothing(async () => {
      const before = await objects()
      const sent = startUpload({ 'content-type': 'application/zip', 'content-length': '1500000' })
      sent.write(Buffer.concat([samples.zip, Buffer.alloc(400_000, 1)]))
      await eventually('it is being stored', async () => (await objects()).length > before.length)
      sent.destroy()
      await eventually('it is gone', async () => (await objects()).length === before.length)
    })
  })

  test.each([
    ['../../etc/passwd', 'passwd.png'],
    ['..\\..\\windows\\win.ini', 'win.ini.png'],
    ['/', 'file.png'],
    ['.', 'file.png'],
    ['.htaccess', 'htaccess.png'],
    ['shot.png', 'shot.png'],
    ['shot.PNG', 'shot.png'],
    ['virus.exe', 'virus.exe.png'],
    ['page.html', 'page.html.png'],
    ['con.png', '_con.png'],
    ['gpj.\u202eexe', 'gpj.exe.png'],
    ['a"b;c\'d%2f.png', "a_b_c'd_2f.png"],
    ['naïve 世界 🦁.png', 'naïve 世界 🦁.png'],
    ['C:\\fakepath\\photo.png', 'photo.png'],
    ['  spaced   out  .png', 'spaced out .png'],
    [`${'long'.repeat(60)}.png`, `${'long'.repeat(60).slice(0, 197)}.png`],
  ])('S4: a file that is called %j can be saved as %j', async (name, filename) => {
    const { body, status } = await send({ name, type: 'image/png', body: samples.png })
    expect(status, JSON.stringify(body)).toBe(201)
    expect(body.filename).toBe(filename)
    const { headers } = await fetch((await linksTo(body.id)).url)
    const disposition = headers.get('content-disposition') ?? ''
    const [, plain = '', whole = ''] =
      /^inline; filename="([\x20-\x7e]*)"; filename\*=UTF-8''([\w.!#$&+^`|~%-]+)$/.exec(disposition) ?? []
    expect(plain, disposition).not.toMatch(/["\\]/)
    expect(decodeURIComponent(whole)).toBe(filename)
  })

  test('S4: names that are no line of text are refused', async () => {
    for (const name of ['', ' ', 'a\nb', 'a\0b', 'a\u0085b', 'x'.repeat(256)])
      expect(faultPaths(await send({ name, type: 'image/png', body: samples.png })), name).toEqual(['name'])
  })

  test('S3: only into conversations of the own workspace, and only by those who may write', async () => {
    const other = await quickWorkspace(parley)
    const theirs = await newConversation(other)
    const body = samples.text
    await leavesNothing(async () => {
      for (const id of [theirs, newId()])
        expectProblem(await upload(parley, workspace.owner, id, { type: 'text/plain', body }), 'not_found')
      const reader = await quickMember(parley, workspace, 'member')
      expectProblem(await upload(parley, reader, conversation, { type: 'text/plain', body }), 'forbidden')
      const nobody = { token: 'made-up' }
      expectProblem(
        await upload(parley, nobody, conversation, { type: 'text/plain', body }),
        'unauthenticated',
      )
    })
    expect(await objects(other)).toEqual([])
    const { id } = await stored({ type: 'text/plain', body })
    expectProblem(await other.owner.call('post', `/api/v1/files/${id}/link`), 'not_found')
  })

  test('G4: a repeat with the same key answers the same and stores nothing more', async () => {
    const sent = { name: 'once.txt', type: 'text/plain', body: 'once', headers: { 'idempotency-key': 'k1' } }
    const first = await send(sent)
    expect(first.status).toBe(201)
    await leavesNothing(async () => {
      const again = await send(sent)
      expect([again.status, again.body]).toEqual([201, first.body])
      expectProblem(await send({ ...sent, body: 'another' }), 'idempotency_mismatch')
    })
  })
})

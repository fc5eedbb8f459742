import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { docxOf, pdfOf, rawPdf, zipOf } from '../support/documents.ts'
import { eventually } from '../support/eventually.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { type SourcesWorld, slow, startSourcesWorld } from '../support/sourcesWorld.ts'

vi.setConfig({ testTimeout: 120_000 })

const path = '/api/v1/knowledge/sources'
const word = 'application/vnd.openxmlformats-officedocument.wordprocessingml.document'
const paragraph = (text: string) => `<w:p><w:r><w:t>${text}</w:t></w:r></w:p>`

describe.each(databaseKinds)('K2 sources that are given on %s', kind => {
  let world: SourcesWorld
  beforeAll(async () => {
    world = await startSourcesWorld(kind, { KNOWLEDGE_FILE_MIB: '1' })
  })
  afterAll(() => world.parley.remove())

  const uploaded = async (name: string, content: Uint8Array | string) => {
    const { status, body } = await world.upload(name, content)
    expect(status, JSON.stringify(body)).toBe(201)
    return world.settled(body.id)
  }

  test('K2: each kind of document is read, and is what its content says, whatever it is called', async () => {
    const html =
      '<!doctype html><html><head><title>Returns</title></head><body><p>Within 30 days.</p></body></html>'
    const kinds: [string, Uint8Array | string, string, string][] = [
      [
        'guide.pdf',
        await pdfOf([['Anchors are forged in Kiel.'], ['Page two.']]),
        'application/pdf',
        'forged in Kiel',
      ],
      ['guide.docx', docxOf(paragraph('Ropes are made of hemp.')), word, 'made of hemp'],
      ['returns.html', html, 'text/html', 'Within 30 days'],
      ['notes.md', '# Notes\n\nThe harbour opens at six.', 'text/markdown', 'opens at six'],
      ['plain.txt', 'The lighthouse is white.', 'text/plain', 'lighthouse is white'],
      ['misnamed.txt', await pdfOf([['A document in disguise.']]), 'application/pdf', 'in disguise'],
    ]
    for (const [name, content, type, text] of kinds) {
      const source = await uploaded(name, content)
      expect(source, name).toMatchObject({ type: 'file', status: 'ready', error: null, fileType: type, name })
      expect(source.counts, name).toMatchObject({ documents: 1 })
      expect(source.counts.chunks, name).toBeGreaterThan(0)
      expect(await world.texts(source.id), name).toContain(text)
      expect(source.embedder).toBe('built-in-4/1536')
    }
    const { rows } = await world.parley.owner.query(
      'select 1 from knowledge_chunks where tenant_id = $1 and searchable and embedding is null',
      [world.workspace.tenantId],
    )
    expect(rows).toEqual([])
  })

  test('K2: what cannot be read says why, to the source and to the document', async () => {
    const bomb = docxOf('', { 'word/media/zeros.bin': new Uint8Array(300 * 1024 * 1024) })
    const encrypted = rawPdf(
      [
        '<< /Type /Pages /Kids [] /Count 0 >>',
        `<< /Filter /Standard /V 1 /R 2 /P -4 /O <${'00'.repeat(32)}> /U <${'00'.repeat(32)}> >>`,
      ],
      '/Encrypt 3 0 R /ID [<00> <00>]',
    )
    const pdf = await pdfOf([['Cut off.']])
    const broken: [string, Uint8Array | string, string][] = [
      ['broken.pdf', pdf.subarray(0, 200), 'broken'],
      ['locked.pdf', encrypted, 'encrypted'],
      ['bomb.docx', bomb, 'too_large'],
      ['picture.txt', Buffer.from('89504e470d0a1a0a0000000d49484452000000000000', 'hex'), 'unsupported'],
      ['blank.txt', '  \n \n', 'no_text'],
      ['no.docx', zipOf({ 'readme.txt': 'hello' }), 'unsupported'],
    ]
    for (const [name, content, code] of broken) {
      const source = await uploaded(name, content)
      expect([name, source.status, source.error?.code]).toEqual([name, 'error', code])
      expect(source.error?.message, name).toMatch(/^[A-Z].*\.$/)
      const [document] = await world.documents(source.id)
      expect(document).toMatchObject({ status: 'error', error: source.error })
      expect(source.counts).toEqual({ documents: 0, chunks: 0, tokens: 0 })
    }
  })

  test('K2: an empty file and one that is too large are refused at once and leave nothing', async () => {
    const before = await world.objects()
    expect(await world.upload('empty.txt', '')).toMatchObject({
      status: 400,
      body: { code: 'invalid_request' },
    })
    const huge = await world.upload('huge.txt', 'x'.repeat(1024 * 1024 + 1))
    expect(huge).toMatchObject({ status: 413, body: { code: 'payload_too_large' } })
    expect(await world.objects()).toEqual(before)
  })

  test('K2: pasted text is read, changed and read again, and its words are in no list and no audit entry', async () => {
    const source = await world.read({
      type: 'text',
      name: 'Opening hours',
      text: 'We open at ten.',
      tags: ['a'],
    })
    expect(source).toMatchObject({ status: 'ready', tags: ['a'] })
    const { owner } = world.workspace
    const patched = await owner.call('patch', `${path}/${source.id}`, {
      text: 'We open at eleven.',
      name: 'Hours',
    })
    expect(patched.body).toMatchObject({ status: 'processing', name: 'Hours' })
    await world.settled(source.id)
    expect(await world.texts(source.id)).toBe('We open at eleven.')
    expect((await world.documents(source.id)).map(({ title }) => title)).toEqual(['Hours'])
    const audit = await owner.call('get', '/api/v1/audit?limit=100')
    const list = await owner.call('get', path)
    expect(JSON.stringify([audit.body, list.body])).not.toContain('We open at')
    expect(JSON.stringify(audit.body)).toContain('knowledge_source.updated')
  })

  test('K2: with an idempotency key an upload is taken once', async () => {
    const before = await world.objects()
    const headers = {
      authorization: `Bearer ${world.workspace.owner.token}`,
      'idempotency-key': newId(),
      'content-type': 'text/plain',
    }
    const send = async () => {
      const url = `${world.parley.url}${path}/files?name=once.txt`
      const response = await fetch(url, { method: 'POST', headers, body: 'Only once.' })
      return [response.status, ((await response.json()) as { id: string }).id]
    }
    const [first, second] = [await send(), await send()]
    expect(second).toEqual(first)
    expect((await world.objects()).length).toBe(before.length + 1)
  })

  test('K2: deleting a source removes documents, chunks and bytes', async () => {
    const source = await uploaded('gone.txt', 'Soon gone.')
    const object = `knowledge.${source.id}`
    expect(await world.objects()).toContain(object)
    const { owner } = world.workspace
    expect((await owner.call('delete', `${path}/${source.id}`)).status).toBe(204)
    expect((await owner.call('get', `${path}/${source.id}`)).status).toBe(404)
    expect(await world.texts(source.id)).toBe('')
    const removed = async () => !(await world.objects()).includes(object)
    await eventually('the bytes are removed', removed, slow)
  })

  test('S1 K2: two workspaces with the same document each have their own', async () => {
    const other = await quickWorkspace(world.parley)
    const one = await uploaded('same.txt', 'The same words.')
    const { body } = await world.upload('same.txt', 'The same words.', other)
    const two = await world.settled(body.id, other)
    expect(two.counts).toEqual(one.counts)
    expect((await other.owner.call('get', `${path}/${one.id}`)).status).toBe(404)
    expect((await world.workspace.owner.call('get', `${path}/${two.id}/documents`)).status).toBe(404)
    expect((await other.owner.call('delete', `${path}/${two.id}`)).status).toBe(204)
    expect(await world.texts(one.id)).toBe('The same words.')
  })

  test('S3 K2: who may not write may read; who may not read is refused; wrong input is told field by field', async () => {
    const support = await quickMember(world.parley, world.workspace, 'support_agent')
    const member = await quickMember(world.parley, world.workspace, 'member')
    expect((await support.call('get', path)).status).toBe(200)
    expect((await support.call('post', path, { type: 'text', name: 'a', text: 'b' })).status).toBe(403)
    expect((await member.call('get', path)).status).toBe(403)
    const { owner } = world.workspace
    for (const body of [
      { type: 'url', url: 'ftp://example.com' },
      { type: 'url', url: 'https://user:secret@example.com/' },
      { type: 'github', settings: { repository: 'no-slash' } },
      { type: 'github', settings: { repository: 'a/..' } },
      { type: 'text', name: '', text: '' },
    ])
      expect((await owner.call('post', path, body)).body.code, JSON.stringify(body)).toBe('invalid_request')
    const text = await world.read({ type: 'text', name: 'A text', text: 'Words.' })
    const wrong = await owner.call('patch', `${path}/${text.id}`, { url: 'https://example.com/' })
    expect(wrong.body).toMatchObject({ code: 'invalid_request', errors: [{ path: 'url' }] })
  })
})

import { request } from 'node:http'
import type { FileView } from '../../src/chat/index.ts'
import type { TestParley } from './parley.ts'
import type { Answer, Person, Workspace } from './people.ts'
import type { TestSocket } from './sockets.ts'

/** Samples of content, each with just enough of its kind to be recognised. */
export const samples = {
  png: Buffer.from('89504e470d0a1a0a0000000d49484452', 'hex'),
  jpeg: Buffer.from('ffd8ffe000104a46494600010100000100010000', 'hex'),
  gif: Buffer.from('GIF89a\x01\x00\x01\x00', 'latin1'),
  webp: Buffer.from('RIFF\x1a\x00\x00\x00WEBPVP8L', 'latin1'),
  avif: Buffer.from('\0\0\0\x1cftypavif\0\0\0\0avifmif1miaf', 'latin1'),
  pdf: Buffer.from('%PDF-1.7\n%\xe2\xe3\xcf\xd3\n', 'latin1'),
  text: Buffer.from('Grüße, 世界 — a text\n'),
  zip: Buffer.from('PK\x03\x04\x14\x00\x00\x00\x00\x00readme.txt', 'latin1'),
  docx: Buffer.from('PK\x03\x04\x14\x00[Content_Types].xml....PK\x03\x04word/document.xml', 'latin1'),
  docm: Buffer.from(
    'PK\x03\x04\x14\x00[Content_Types].xml..word/document.xml..word/vbaProject.bin',
    'latin1',
  ),
  xlsx: Buffer.from('PK\x03\x04\x14\x00[Content_Types].xml....PK\x03\x04xl/workbook.xml', 'latin1'),
  pptx: Buffer.from('PK\x03\x04\x14\x00[Content_Types].xml....PK\x03\x04ppt/presentation.xml', 'latin1'),
  mp3: Buffer.from('ID3\x04\x00\x00\x00\x00\x00\x00', 'latin1'),
  bareMp3: Buffer.from('fffb9064000000000000', 'hex'),
  ogg: Buffer.from('OggS\0\x02\0\0\0\0\0\0', 'latin1'),
  wav: Buffer.from('RIFF\x24\x00\x00\x00WAVEfmt ', 'latin1'),
  mp4: Buffer.from('\0\0\0\x18ftypmp42\0\0\0\0mp42isom', 'latin1'),
  webm: Buffer.from('\x1a\x45\xdf\xa3\x9f\x42\x86\x81\x01\x42\x82\x84webm\x42\x87\x81\x04', 'latin1'),
} as const

export const office = 'application/vnd.openxmlformats-officedocument'

export interface Sent {
  readonly name?: string
  readonly type?: string | undefined
  readonly body: Uint8Array | string
  readonly headers?: Readonly<Record<string, string>>
}

/** Uploads as a browser does: the file itself as the body. */
export async function upload(
  parley: Pick<TestParley, 'url'>,
  person: Pick<Person, 'token'>,
  conversationId: string,
  { name = 'file', type, body, headers = {} }: Sent,
): Promise<Answer<FileView>> {
  const path = `/api/v1/conversations/${conversationId}/files?name=${encodeURIComponent(name)}`
  const url = new URL(path, parley.url)
  return new Promise((resolve, reject) => {
    const sent = request(
      url,
      {
        method: 'POST',
        // One connection each: a server that cuts one must not take another's answer with it.
        agent: false,
        headers: {
          authorization: `Bearer ${person.token}`,
          ...(type === undefined ? {} : { 'content-type': type }),
          ...headers,
        },
      },
      async response => {
        const chunks: Buffer[] = []
        for await (const chunk of response) chunks.push(chunk)
        const received = new Headers()
        for (const [header, value] of Object.entries(response.headers))
          received.set(header, [value ?? ''].flat().join(', '))
        resolve({
          status: response.statusCode ?? 0,
          headers: received,
          body: JSON.parse(Buffer.concat(chunks).toString('utf8')),
        })
      },
    )
    sent.on('error', reject)
    sent.end(body)
  })
}

const plain = { 'content-type': 'text/plain' }

/** A text that a member has put into a conversation, and nobody has sent yet. */
export async function memberFile({ owner }: Workspace, conversationId: string): Promise<string> {
  const path = `/api/v1/conversations/${conversationId}/files?name=notes.txt`
  const { status, body } = await owner.call<{ id: string }>('post', path, 'some notes', plain)
  if (status !== 201) throw new Error(`no file: ${status} ${JSON.stringify(body)}`)
  return body.id
}

/** To the address that a visitor or guest was offered. */
export async function uploadTo(
  url: string,
  body: string | Buffer<ArrayBuffer> = 'some notes',
  headers: Readonly<Record<string, string>> = plain,
) {
  const response = await fetch(url, { method: 'POST', body, headers })
  return { status: response.status, headers: response.headers, body: (await response.json()) as FileView }
}

/** The same of a visitor or guest. */
export async function strangerFile(
  socket: TestSocket,
  conversationId: string,
  body?: string,
): Promise<string> {
  const { url } = await socket.ask('file.offer', { conversationId, name: 'notes.txt' })
  const answer = await uploadTo(url, body)
  if (answer.status !== 201) throw new Error(`no file: ${answer.status} ${JSON.stringify(answer.body)}`)
  return answer.body.id
}

export const filePart = (fileId: string) => [{ type: 'file' as const, fileId }]

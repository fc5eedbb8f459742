import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { SMTPServer } from 'smtp-server'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { createLog, Secret } from '../../src/kernel/index.ts'
import { createMailer, type Mailer } from '../../src/providers/mail.ts'

const log = createLog({ level: 'fatal' })
const from = 'Parley <parley@host.example>'

interface Post {
  readonly mailer: Mailer
  /** What arrived, raw, in order. */
  received(): Promise<string[]>
  close(): Promise<void>
}

async function outbox(): Promise<Post> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-outbox-'))
  const outboxFolder = join(folder, 'outbox')
  return {
    mailer: createMailer({ smtpUrl: undefined, from, outbox: outboxFolder, log }),
    received: async () => {
      const names = await readdir(outboxFolder)
      for (const name of names) expect((await stat(join(outboxFolder, name))).mode & 0o077).toBe(0)
      return Promise.all(names.sort().map(name => readFile(join(outboxFolder, name), 'utf8')))
    },
    close: () => rm(folder, { recursive: true }),
  }
}

async function smtp(): Promise<Post> {
  const letters: string[] = []
  const server = new SMTPServer({
    authOptional: true,
    disabledCommands: ['STARTTLS'],
    onRcptTo: (address, _session, done) =>
      done(address.address.startsWith('refused@') ? new Error('no such mailbox') : null),
    onData: (stream, _session, done) => {
      const parts: Buffer[] = []
      stream
        .on('data', part => parts.push(part))
        .on('end', () => {
          letters.push(Buffer.concat(parts).toString('utf8'))
          done()
        })
    },
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.server.address() as AddressInfo
  return {
    mailer: createMailer({ smtpUrl: new Secret(`smtp://127.0.0.1:${port}`), from, outbox: '/nowhere', log }),
    received: async () => letters,
    close: () => new Promise(resolve => server.close(resolve)),
  }
}

describe.each([
  ['the file outbox', outbox],
  ['SMTP', smtp],
] as const)('a mailer through %s', (_name, open) => {
  let post: Post
  beforeEach(async () => {
    post = await open()
  })
  afterEach(() => post.close())

  test('delivers sender, recipient, subject and text', async () => {
    await post.mailer.send({
      to: 'ada@people.example',
      subject: 'Grüße',
      text: 'Read https://host.example/a?b=c',
    })
    const [letter = ''] = await post.received()
    expect(letter).toMatch(/^From: Parley <parley@host.example>/m)
    expect(letter).toMatch(/^To: ada@people.example/m)
    expect(letter).toMatch(/^Subject: =\?UTF-8\?/m)
    expect(letter.replace(/=\r?\n/g, '').replaceAll('=3D', '=')).toContain('https://host.example/a?b=c')
  })

  test('delivers each mail once, in order', async () => {
    for (const subject of ['one', 'two', 'three'])
      await post.mailer.send({ to: 'a@b.example', subject, text: '.' })
    const subjects = (await post.received()).map(letter => /^Subject: (.*)$/m.exec(letter)?.[1]?.trim())
    expect(subjects).toEqual(['one', 'two', 'three'])
  })

  test('lets nobody add headers through a subject or an address', async () => {
    const attempts = [
      { to: 'a@b.example', subject: 'x\r\nBcc: victim@b.example', text: '.' },
      { to: 'a@b.example\r\nBcc: victim@b.example', subject: 'x', text: '.' },
    ]
    for (const mail of attempts) await post.mailer.send(mail).catch(() => undefined)
    for (const letter of await post.received()) expect(letter).not.toMatch(/^Bcc:/im)
  })
})

test('a mail that the server refuses is an error for whoever sends it', async () => {
  const post = await smtp()
  await expect(post.mailer.send({ to: 'refused@b.example', subject: 'x', text: '.' })).rejects.toThrow(
    /no such mailbox/,
  )
  await post.close()
})

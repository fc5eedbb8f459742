import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { TestParley } from './parley.ts'

export interface ReceivedMail {
  readonly to: string
  readonly subject: string
  readonly text: string
  /** The first link, which is what the mail is about. */
  readonly link: URL
}

/** Waits for a mail to an address. The program writes it as a job, so it comes a moment after the answer. */
export async function mailTo(
  parley: TestParley,
  address: string,
  subject: RegExp,
  withinMs = 15_000,
): Promise<ReceivedMail> {
  const until = Date.now() + withinMs
  for (;;) {
    const found = (await allMails(parley))
      .reverse()
      .find(mail => mail.to === address && subject.test(mail.subject))
    if (found) return found
    if (Date.now() > until) throw new Error(`not within ${withinMs} ms: a mail to ${address} with ${subject}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

/** Waits until an address has received as many mails, and returns them in order. */
export async function mailsTo(
  parley: TestParley,
  address: string,
  count: number,
  withinMs = 15_000,
): Promise<ReceivedMail[]> {
  const until = Date.now() + withinMs
  for (;;) {
    const found = (await allMails(parley)).filter(mail => mail.to === address)
    if (found.length >= count) return found
    if (Date.now() > until)
      throw new Error(`not within ${withinMs} ms: ${count} mails to ${address}, but ${found.length}`)
    await new Promise(resolve => setTimeout(resolve, 50))
  }
}

export async function allMails(parley: TestParley): Promise<ReceivedMail[]> {
  const folder = join(parley.dataFolder, 'outbox')
  const names = await readdir(folder).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ENOENT') return []
    throw error
  })
  return Promise.all(names.sort().map(async name => parseMail(await readFile(join(folder, name), 'utf8'))))
}

function parseMail(raw: string): ReceivedMail {
  const [folded = '', ...rest] = raw.split(/\r?\n\r?\n/)
  const head = folded.replace(/\r?\n[ \t]+/g, ' ')
  const header = (name: string) => new RegExp(`^${name}: (.*)$`, 'im').exec(head)?.[1]?.trim() ?? ''
  const body = rest.join('\n\n')
  const text = /quoted-printable/i.test(head)
    ? body
        .replace(/=\r?\n/g, '')
        .replace(/=([0-9A-F]{2})/g, (_all, hex: string) => String.fromCharCode(Number.parseInt(hex, 16)))
    : body
  const link = /https?:\/\/\S+/.exec(text)?.[0] ?? 'http://none.invalid/'
  return { to: header('To'), subject: header('Subject'), text, link: new URL(link) }
}

import { mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createTransport } from 'nodemailer'
import { type Log, newId, type Secret } from '../kernel/index.ts'

export interface Mail {
  readonly to: string
  readonly subject: string
  readonly text: string
}

/** Delivers one mail or throws; whoever calls it tries again. A mail can arrive twice, never silently not at all. */
export interface Mailer {
  send(mail: Mail): Promise<void>
}

export function createMailer(settings: {
  readonly smtpUrl: Secret | undefined
  readonly from: string
  readonly outbox: string
  readonly log: Log
}): Mailer {
  const { smtpUrl, from, outbox, log } = settings
  return smtpUrl ? smtpMailer(smtpUrl, from) : outboxMailer(outbox, from, log)
}

function smtpMailer(url: Secret, from: string): Mailer {
  const transport = createTransport(url.reveal())
  return {
    send: async mail => {
      await transport.sendMail({ from, ...mail })
    },
  }
}

/** Without a mail server, mails become files and their links appear in the log: enough for whoever tries it on their own machine. */
function outboxMailer(folder: string, from: string, log: Log): Mailer {
  const composer = createTransport({ streamTransport: true, buffer: true })
  return {
    send: async mail => {
      const { message } = await composer.sendMail({ from, ...mail })
      await mkdir(folder, { recursive: true, mode: 0o700 })
      const file = join(folder, `${newId()}.eml`)
      await writeFile(file, message as Buffer, { mode: 0o600 })
      const links = mail.text.match(/https?:\/\/\S+/g) ?? []
      log.info(
        { to: mail.to, subject: mail.subject, file, links },
        'no mail server is configured; mail written to the outbox',
      )
    },
  }
}

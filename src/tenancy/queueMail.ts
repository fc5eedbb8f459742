import { z } from 'zod'
import { defineJob, handle, type JobHandler, type Transaction } from '../db/index.ts'
import type { Vault } from '../kernel/index.ts'
import type { Mail, Mailer } from '../providers/mail.ts'

/** Mails carry links that sign people in, so the queue holds them sealed. */
export const sendMailJob = defineJob({
  name: 'send-mail',
  payload: z.object({ sealed: z.string() }),
  retryLimit: 12,
})

const mailSchema = z.object({ to: z.string(), subject: z.string(), text: z.string() })

export const sealMail = (vault: Vault, mail: Mail) => ({ sealed: vault.seal(JSON.stringify(mail)) })

/** A mail that leaves if and only if the transaction commits. */
export const queueMail = (tx: Transaction, vault: Vault, mail: Mail): Promise<void> =>
  tx.enqueue(sendMailJob, sealMail(vault, mail))

export const sendMailHandler = (vault: Vault, mailer: Mailer): JobHandler =>
  handle(sendMailJob, async ({ sealed }) => mailer.send(mailSchema.parse(JSON.parse(vault.open(sealed)))))

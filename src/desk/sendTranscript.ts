import { z } from 'zod'
import { readSpeakers } from '../agents/index.ts'
import { readConversation, readSaid } from '../chat/index.ts'
import { type Database, defineJob, handle, type JobHandler, type Transaction } from '../db/index.ts'
import { type Scope, systemScope, type Vault } from '../kernel/index.ts'
import type { Mail, Mailer } from '../providers/mail.ts'
import { plainName, readTenant } from '../tenancy/index.ts'
import { closeMail, readMail } from './mailStore.ts'
import { transcriptText } from './transcriptText.ts'

/** Apart from other mails: strangers ask for these, and nobody who is invited or has forgotten a password waits behind them. */
export const sendTranscriptJob = defineJob({
  name: 'send-transcript',
  payload: z.object({ tenantId: z.uuid(), mailId: z.uuid() }),
  retryLimit: 12,
  long: { atOnce: 2, limitSeconds: 600 },
  ownedBy: ({ tenantId }: { readonly tenantId: string }) => tenantId,
})

/** Of one mail. */
const limits = { entries: 500, characters: 200_000 }

interface SendingParts {
  readonly db: Database
  readonly vault: Vault
  readonly mailer: Mailer
}

export const sendTranscriptHandler = ({ db, vault, mailer }: SendingParts): JobHandler =>
  handle(sendTranscriptJob, async ({ tenantId, mailId }) => {
    const scope = systemScope(tenantId, sendTranscriptJob.name)
    const mail = await db.scoped(scope, tx => composeMail(scope, tx, vault, mailId))
    if (mail) await mailer.send(mail)
    await db.scoped(scope, tx => closeMail(tx, scope, mailId))
  })

/** As everything is now: what was taken back since it was asked for is not in it, and who was deleted gets none. */
async function composeMail(
  scope: Scope,
  tx: Transaction,
  vault: Vault,
  mailId: string,
): Promise<Mail | undefined> {
  const wanted = await readMail(tx, scope, mailId)
  // Without an address it has left already.
  if (!wanted?.sealedTo) return undefined
  const { conversationId } = wanted
  const conversation = await readConversation(tx, scope, conversationId)
  if (!conversation?.contactId) return undefined
  const { said, shortened } = await readSaid(tx, scope, conversationId, limits)
  if (said.length === 0) return undefined
  const tenant = plainName((await readTenant(tx, scope))?.name ?? '')
  const speakers = await readSpeakers(scope, tx, conversationId)
  return {
    to: vault.open(wanted.sealedTo),
    subject: `Your conversation with ${tenant}`,
    text: transcriptText(said, { tenant, speakers, shortened }),
  }
}

import { createHash } from 'node:crypto'
import { readConversation, readSaid, requireEntry } from '../chat/index.ts'
import { contactCard } from '../contacts/index.ts'
import type { Transaction } from '../db/index.ts'
import { networkOf, newId, ParleyError, type Scope, type Vault, visitorOf } from '../kernel/index.ts'
import type { CommandInput } from '../protocol/index.ts'
import { insertMail, lockMails, secondsUntilAllowed } from './mailStore.ts'
import { requireOffered } from './offered.ts'
import { sendTranscriptJob } from './sendTranscript.ts'

/** A visitor wants by mail what they have seen of a conversation. The mail leaves if this is committed, and counts whether it arrives or not. */
export async function mailTranscript(
  scope: Scope,
  tx: Transaction,
  vault: Vault,
  { conversationId, email }: CommandInput<'transcript.mail'>,
): Promise<void> {
  const conversation = await readConversation(tx, scope, conversationId)
  requireEntry(scope, conversation)
  await requireOffered(scope, tx, 'transcript', conversation)
  const { contactId, proven } = visitorOf(scope)
  const to = email ?? (await contactCard(tx, scope, contactId)).email
  if (to === undefined)
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'email', message: 'is required: no address is known' }],
    })
  const mail = {
    ...{ conversationId, contactId, proven: proven !== undefined },
    ...{ recipient: digest(mailboxOf(to)), network: digest(networkOf(scope.origin.ipAddress ?? '')) },
  }
  const requireAllowed = async () => {
    const retryAfter = await secondsUntilAllowed(tx, scope, mail)
    if (retryAfter > 0)
      throw new ParleyError('rate_limited', 'So many transcripts cannot be mailed.', { retryAfter })
  }
  // Who is refused has cost little, and waited for nobody.
  await requireAllowed()
  const { said } = await readSaid(tx, scope, conversationId, { entries: 1, characters: 0 })
  if (said.length === 0) throw new ParleyError('conflict', 'Nothing has been said yet.')
  await lockMails(tx, scope)
  // Of those who asked at once some have been counted by now.
  await requireAllowed()
  const id = newId()
  await insertMail(tx, scope, { ...mail, id, sealedTo: vault.seal(to) })
  await tx.enqueue(sendTranscriptJob, { tenantId: scope.tenantId, mailId: id })
}

/** The part behind a plus is whatever the sender likes; the mail comes to the same person. */
const mailboxOf = (address: string): string => address.toLowerCase().replace(/\+[^@]*/, '')

/** Enough to count by; whose it is, is nobody's business here. */
const digest = (text: string): string => createHash('sha256').update(text).digest('base64url').slice(0, 22)

import { type ConversationLog, readConversation, requireEntry, senderOf } from '../chat/index.ts'
import type { Database, Transaction } from '../db/index.ts'
import { found, ParleyError, type Scope } from '../kernel/index.ts'
import type { CommandInput, CommandOutput } from '../protocol/index.ts'
import { requireOffered } from './offered.ts'
import { readSurvey, type SurveyRow, writeSurvey } from './surveyStore.ts'

interface RatingParts {
  readonly db: Database
  readonly log: ConversationLog
}

/**
 * What a visitor thinks of a conversation; they may think again. Then the log says so, to members alone. That is an entry of its own, named after
 * the rating it is about: where it could not be written, a repeat of the command writes it.
 */
export async function rate(
  { db, log }: RatingParts,
  scope: Scope,
  input: CommandInput<'rating.set'>,
): Promise<void> {
  const survey = await db.scoped(scope, tx => keepRating(scope, tx, input))
  const { conversationId, rating, comment, revision } = survey
  await log.append(scope.tenantId, {
    ...{ conversationId, clientId: `rated:${revision}`, sender: senderOf(scope) },
    ...{ role: 'system', type: 'system_event', public: false, parentId: null },
    parts: [{ type: 'event', name: 'rated', rating, ...(comment === null ? {} : { comment }) }],
    text: `The visitor rated the conversation: ${rating} of 5.${comment === null ? '' : ` ${comment}`}`,
    guard: conversation => requireEntry(scope, conversation),
  })
}

async function keepRating(
  scope: Scope,
  tx: Transaction,
  { conversationId, rating, comment }: CommandInput<'rating.set'>,
): Promise<SurveyRow> {
  const conversation = await readConversation(tx, scope, conversationId)
  requireEntry(scope, conversation)
  if (conversation.status === 'archived') throw new ParleyError('conflict', 'The conversation is archived.')
  await requireOffered(scope, tx, 'rating', conversation)
  const said = { conversationId, rating, comment: comment === '' ? null : comment }
  const written = await writeSurvey(tx, scope, said)
  if (!written) return found(await readSurvey(tx, scope, conversationId), 'rating')
  const { id } = written
  const { contactId } = conversation
  await tx.emit({ type: 'survey.rated', surveyId: id, conversationId, contactId, rating })
  return written
}

export async function readRating(
  scope: Scope,
  tx: Transaction,
  conversationId: string,
): Promise<CommandOutput<'rating.read'>> {
  requireEntry(scope, await readConversation(tx, scope, conversationId))
  const survey = await readSurvey(tx, scope, conversationId)
  return { rating: survey?.rating ?? null, comment: survey?.comment ?? null }
}

import type { ConversationLog } from '../../chat/index.ts'
import type { Database } from '../../db/index.ts'
import type { Gateway } from '../../gateway/index.ts'
import type { Metrics } from '../../kernel/index.ts'
import type { Usage } from '../../usage/index.ts'
import type { AnswerParts } from './answer.ts'

export interface RunsParts extends AnswerParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly conversations: ConversationLog
  readonly usage: Usage
  readonly metrics: Metrics
}

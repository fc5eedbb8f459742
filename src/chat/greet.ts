import type { Transaction } from '../db/index.ts'
import { ParleyError, type Scope } from '../kernel/index.ts'
import { proactiveMessage, readSettings } from '../widgets/index.ts'
import { readConversation } from './store.ts'
import { storeGroup } from './storeGroup.ts'

/** By which message of a widget a conversation was brought about. */
export interface Greeting {
  readonly rule: string
  readonly language: string | undefined
}

interface Begun {
  readonly conversationId: string
  readonly widgetId: string
}

/**
 * A conversation that a message of the widget has brought about begins with it, as what its agent said; where none answers, as the widget's. In
 * the transaction that makes the conversation: there is none without it, and none has it twice.
 */
export async function greet(
  scope: Scope,
  tx: Transaction,
  { conversationId, widgetId }: Begun,
  { rule, language }: Greeting,
): Promise<void> {
  const settings = await readSettings(scope, tx, widgetId)
  const message = settings && proactiveMessage(settings, rule, language)
  // The rule has been taken back since the page was opened.
  if (message === undefined) return
  const agentId = (await readConversation(tx, scope, conversationId))?.agentId
  const draft = {
    ...{ conversationId, clientId: `greeting:${rule}`, parentId: null },
    sender: agentId ? ({ kind: 'agent', id: agentId } as const) : ({ kind: 'system', id: widgetId } as const),
    ...({ role: 'assistant', type: 'text', text: message, public: true } as const),
    parts: [{ type: 'text', text: message }],
    // It was made in this transaction, and nobody else knows of it.
    guard: () => undefined,
  }
  const [outcome] = (await storeGroup(tx, scope.tenantId, [{ draft }], { last: false })).values()
  if (outcome instanceof ParleyError) throw outcome
}

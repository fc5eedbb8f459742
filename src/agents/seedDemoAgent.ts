import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { type AgentParts, createAgent } from './createAgent.ts'
import { publishAgent } from './publishAgent.ts'

const instructions = `You answer visitors of Harbour & Pine, a small shop that makes furniture and things for the home from oak and pine.

Search the documents before you answer anything about products, prices, delivery, returns or care, and answer from what you found alone. Cite the passages you used. Where they do not say it, say that you do not know, and offer a person of the shop.

Be warm and brief: two to four sentences, in the language of the visitor. Ask one question back when it is unclear what is meant.

Hand over when somebody asks for a person, is upset, or wants something that only the shop can decide, such as a refund or a piece made to measure.`

/** Answers in the demo workspace from the first minute. */
export async function seedDemoAgent(scope: Scope, tx: Transaction, parts: AgentParts): Promise<string> {
  const agent = await createAgent(scope, tx, parts, {
    name: 'Pine',
    description: 'Answers questions about products, delivery and returns',
    icon: 'tree',
    instructions,
    welcomeMessage: 'Hello, I am Pine. Ask me about our furniture, delivery or returns.',
    escalationRules: { maxTurns: 30, unsureTurns: 2 },
  })
  await publishAgent(scope, tx, agent.id, 'First version')
  return agent.id
}

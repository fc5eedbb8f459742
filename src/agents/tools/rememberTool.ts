import type { Database } from '../../db/index.ts'
import { remember } from '../memories.ts'
import { mayKeepWords } from '../takenBackStore.ts'
import { ToolFailure, type Work } from './guarded.ts'

const line = (maxLength: number, description: string) => ({
  ...{ type: 'string', minLength: 1, maxLength, description },
})

export const rememberTool = (db: Database): Work => ({
  name: 'remember',
  description:
    'Keeps something about the person you talk with for later conversations, such as a size or a preference. Only what they said, and nothing about health, beliefs, money or passwords.',
  parameters: {
    type: 'object',
    properties: {
      key: line(100, 'What it is, such as: shoe size. A new value takes the place of the former one'),
      value: line(2_000, 'What is to be remembered'),
      category: line(50, 'Such as: preferences'),
    },
    required: ['key', 'value'],
    additionalProperties: false,
  },
  async run({ scope, contactId, conversationId, agentId, runId }, { key, value, category }) {
    if (contactId === null)
      throw new ToolFailure('there is nobody here of whom something could be remembered.')
    const [name, text] = [tidy(key), tidy(value)]
    if (name === '' || text === '') throw new ToolFailure('key and value must not be empty.')
    const memory = {
      ...{ contactId, agentId, key: name, value: text, source: 'conversation' as const },
      sourceId: conversationId,
      category: category === undefined ? null : tidy(category),
    }
    await db.scoped(scope, async tx => {
      if (!(await mayKeepWords(tx, scope, runId)))
        throw new ToolFailure('something was taken back meanwhile.')
      await remember(scope, tx, memory)
    })
    return { text: `Remembered: ${name}.` }
  },
})

/** A model may write anything, and some of it hides from people or cannot be stored. */
const tidy = (text: unknown): string =>
  String(text)
    .replace(/\p{Cc}+/gu, ' ')
    .trim()

import { estimateTokens } from '../../kernel/index.ts'
import { isServiceFailure } from '../../knowledge/index.ts'
import type { ModelMessage, Usage } from '../../providers/model.ts'

/** Failures of a service that may have read what it was asked by then, whether or not it has said a word. */
const afterReading: readonly string[] = ['aborted', 'cut', 'timeout', 'refused']

/**
 * What a call that failed may have cost all the same; undefined where the service has not taken it. Services charge for what was broken off, too,
 * and do not say how much: else whoever stops each answer would have them for nothing.
 */
export function usedInVain(
  error: unknown,
  messages: readonly ModelMessage[],
  text: string,
): Usage | undefined {
  const taken = text !== '' || !isServiceFailure(error) || afterReading.includes(error.kind)
  return taken ? estimatedUsage(messages, text) : undefined
}

export const estimatedUsage = (messages: readonly ModelMessage[], written: string): Usage => ({
  input: messages.reduce((sum, { text }) => sum + estimateTokens(text), 0),
  output: estimateTokens(written),
  estimated: true,
})

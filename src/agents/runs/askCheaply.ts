import type { ModelMessage, Usage } from '../../providers/model.ts'
import type { CallMade } from '../../usage/index.ts'
import type { Books } from './books.ts'
import type { Models } from './models.ts'
import { estimatedUsage, usedInVain } from './usedInVain.ts'

type Service = NonNullable<Models['service']>

export interface Errand {
  readonly messages: readonly ModelMessage[]
  readonly maxOutputTokens: number
  readonly signal?: AbortSignal | undefined
  /** Who pays. */
  readonly payer: Pick<CallMade, 'runId' | 'conversationId' | 'agentId' | 'afterRun'>
}

/** One short text of the cheaper model. However it ends, it is paid for as soon as the service may charge for it. */
export async function askCheaply(
  { model, cheapName }: Service,
  pay: (call: CallMade) => ReturnType<Books['record']>,
  { messages, maxOutputTokens, signal, payer }: Errand,
): Promise<string> {
  signal?.throwIfAborted()
  const request = { model: cheapName, messages, parameters: { maxOutputTokens }, ...(signal && { signal }) }
  const payFor = ({ input, output }: Pick<Usage, 'input' | 'output'>) => {
    const call = { service: 'model', provider: model.provider, model: cheapName } as const
    return pay({ ...call, ...payer, inputTokens: input, outputTokens: output })
  }
  let text = ''
  let usage: Usage | undefined
  try {
    for await (const event of model.stream(request)) {
      if (event.type === 'text') text += event.text
      if (event.type === 'finish') usage = event.usage
    }
  } catch (error) {
    const used = usedInVain(error, messages, text)
    if (used) await payFor(used)
    throw error
  }
  await payFor(usage ?? estimatedUsage(messages, text))
  return text.trim()
}

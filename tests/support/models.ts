import { Secret } from '../../src/kernel/index.ts'
import { ServiceFailure } from '../../src/providers/failure.ts'
import type { Model, ModelEvent, ModelRequest, Passage } from '../../src/providers/model.ts'
import { createOpenaiModel } from '../../src/providers/openaiModel.ts'
import type { ScriptedModel } from './services/scriptedModel.ts'

const passages: Passage[] = [
  { number: 1, id: 'a', title: 'Delivery', text: 'Parcels take two days. We deliver to all of Europe.' },
  { number: 2, id: 'b', title: 'Returns', text: 'You can return an item within 30 days of delivery.' },
]
export const question = 'How long can I return an item?'
export const asking = (rest: Partial<ModelRequest> = {}): ModelRequest => ({
  model: 'scripted',
  messages: [{ role: 'user', text: question }],
  passages,
  ...rest,
})

/** Far beyond what a busy machine needs. */
export const limits = { firstMs: 20_000, idleMs: 20_000, totalMs: 60_000 }

/** A model that is answered by a scripted server. */
export const openaiAt = (
  server: Pick<ScriptedModel, 'url'>,
  rest: Partial<Parameters<typeof createOpenaiModel>[0]> = {},
) => createOpenaiModel({ apiKey: new Secret('sk-test'), baseUrl: server.url, limits, ...rest })

export async function eventsOf(model: Model, request = asking()): Promise<ModelEvent[]> {
  const events: ModelEvent[] = []
  for await (const event of model.stream(request)) events.push(event)
  return events
}
export const textOf = (events: readonly ModelEvent[]) =>
  events.map(event => (event.type === 'text' ? event.text : '')).join('')
export const finishOf = (events: readonly ModelEvent[]) => {
  const last = events.at(-1)
  if (last?.type !== 'finish') throw new Error('there is no finish at the end')
  return last
}

/** What it throws, and the text it gave out before that. */
export async function failing(
  model: Model,
  request = asking(),
): Promise<{ failure: ServiceFailure; text: string }> {
  let text = ''
  try {
    for await (const event of model.stream(request)) if (event.type === 'text') text += event.text
  } catch (error) {
    if (error instanceof ServiceFailure) return { failure: error, text }
    throw error
  }
  throw new Error('it did not fail')
}

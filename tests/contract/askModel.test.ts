import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { askModel } from '../../src/agents/runs/askModel.ts'
import { Telling } from '../../src/agents/runs/telling.ts'
import { newId } from '../../src/kernel/index.ts'
import type { Usage } from '../../src/providers/model.ts'
import { createOpenaiModel } from '../../src/providers/openaiModel.ts'
import { type Script, type ScriptedModel, startScriptedModel } from '../support/services/scriptedModel.ts'

let server: ScriptedModel
beforeAll(async () => {
  server = await startScriptedModel()
})
afterEach(() => server.reset())
afterAll(() => server.stop())

const asked = (
  firstMs: number,
  patienceMs: number,
  more: { readonly signal?: AbortSignal; readonly pay?: (usage: Usage) => Promise<void> } = {},
) => {
  const told = { tenantId: newId(), conversationId: newId(), runId: newId(), agentId: newId(), epoch: 0 }
  return askModel({
    chosen: {
      name: 'scripted',
      model: createOpenaiModel({
        baseUrl: server.url,
        limits: { firstMs, idleMs: 20_000, totalMs: 60_000 },
      }),
    },
    request: { messages: [{ role: 'user', text: 'How long can I return an item?' }] },
    telling: new Telling({ publish: () => undefined }, told),
    signal: AbortSignal.timeout(60_000),
    affords: async () => true,
    pay: async () => undefined,
    onFailure: () => undefined,
    patienceMs,
    ...more,
  })
}

describe('L8: a model that says nothing', () => {
  test('L8: is asked once more, and no third time', async () => {
    server.always('chat', { hang: true })
    await expect(asked(300, 20_000)).rejects.toMatchObject({ kind: 'timeout', limit: 'first' })
    expect(server.requests).toHaveLength(2)
  })

  test('L8: has all attempts within the time that a visitor waits', async () => {
    server.always('chat', { hang: true })
    const began = performance.now()
    await expect(asked(2_000, 3_500)).rejects.toMatchObject({ kind: 'timeout' })
    expect(server.requests).toHaveLength(2)
    const took = performance.now() - began
    expect(took).toBeGreaterThan(3_000)
    expect(took).toBeLessThan(3_900)
  })

  test('L8: and answers when it is asked again, has answered', async () => {
    server.next('chat', { hang: true }, { text: 'Thirty days.' })
    expect((await asked(300, 20_000))?.text).toBe('Thirty days.')
  })
})

describe('K11: what an attempt costs that comes to nothing', () => {
  const call = { name: 'order', arguments: '{"id":"shelf","count":2}' }
  /** What was paid for the first attempt; the second one answers. */
  const paidFor = async (failing: Script): Promise<Usage[]> => {
    server.next('chat', failing, { text: 'Thirty days.', usage: { prompt_tokens: 9, completion_tokens: 3 } })
    const paid: Usage[] = []
    await asked(300, 20_000, { pay: async usage => void paid.push(usage) })
    expect(server.requests).toHaveLength(2)
    expect(paid.pop()).toEqual({ input: 9, output: 3, estimated: false })
    return paid
  }
  const itsInput = { input: expect.any(Number), output: 0, estimated: true }

  test.each<{ what: string; failing: Script }>([
    { what: 'cut while it reasons', failing: { reasoning: 'Let me think.', cutAfter: 2 } },
    { what: 'cut while it calls a tool', failing: { toolCalls: [call], cutAfter: 3 } },
    { what: 'ended without a word why', failing: { text: [], finish: null } },
    { what: 'silent after it has accepted', failing: { hang: 1 } },
  ])('K11: $what, its input is paid', async ({ failing }) => {
    const paid = await paidFor(failing)
    expect(paid).toEqual([itsInput])
    expect(paid[0]?.input).toBeGreaterThan(0)
  })

  test.each<{ what: string; failing: Script }>([
    { what: 'failed', failing: { status: 500 } },
    { what: 'busy', failing: { status: 429, headers: { 'retry-after': '0' } } },
  ])('K11: of a service that has not taken it ($what), nothing', async ({ failing }) => {
    expect(await paidFor(failing)).toEqual([])
  })

  test('K11: nobody asks for those who have gone, and nothing is paid', async () => {
    const paid: Usage[] = []
    const gone = { signal: AbortSignal.abort(), pay: async (usage: Usage) => void paid.push(usage) }
    await expect(asked(300, 20_000, gone)).rejects.toThrow(/abort/)
    expect(server.requests).toEqual([])
    expect(paid).toEqual([])
  })

  test('K11: what could not be written down is not written down twice', async () => {
    let tried = 0
    const pay = async () => {
      tried++
      throw new Error('no books')
    }
    server.always('chat', { text: 'Thirty days.' })
    await expect(asked(300, 20_000, { pay })).rejects.toThrow('no books')
    expect(tried).toBe(1)
    expect(server.requests).toHaveLength(1)
  })
})

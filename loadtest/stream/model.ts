/** The model of `stream`, in a process of its own: says the same at a steady pace. */
import { startScriptedModel } from '../../tests/support/services/scriptedModel.ts'
import { serveCalls } from '../harness/parts.ts'

const model = await startScriptedModel()

serveCalls({
  speak: (text: string, rate: number, firstAfterMs: number): string => {
    model.always('chat', { text, rate, firstAfterMs })
    return model.url
  },
  /** Questions since the last time. */
  asked: (): number => model.requests.splice(0).filter(({ endpoint }) => endpoint === 'chat').length,
})

import type { Models } from '../../src/agents/runs/models.ts'
import { parseConfig } from '../../src/config.ts'
import { createDatabase, createJobs, createPool } from '../../src/db/index.ts'
import { createMetrics } from '../../src/kernel/index.ts'
import { builtInEmbedder } from '../../src/providers/builtInEmbedder.ts'
import { builtInModel } from '../../src/providers/builtInModel.ts'
import { createOpenaiEmbedder } from '../../src/providers/openaiEmbedder.ts'
import { createOpenaiModel } from '../../src/providers/openaiModel.ts'
import { type DemoShopParts, openDemoShop } from '../answers/demoShop.ts'
import { foreignQuestions, heldOutQuestions } from '../answers/heldOutQuestions.ts'
import { demoQuestions } from '../answers/questions.ts'
import { figuresOf, scoreAnswers } from '../answers/score.ts'
import type { Benchmark, BenchmarkContext, Metrics, Outcome } from '../harness/benchmark.ts'
import { temporaryDatabase } from '../harness/database.ts'

/** Whether the demo's questions are answered, and whether what has no answer is declined. There is no speed in it, so one round says all. */
export const answers: Benchmark = {
  name: 'answers',
  summary:
    'questions about the demo documents, through finder and built-in answerer, and through a service where OPENAI_BASE_URL is set (service_*)',
  targets: [
    { key: 'hit_rate', comparison: '>=', value: 0.85 },
    { key: 'said_rate', comparison: '>=', value: 0.7 },
    { key: 'declined_unanswerable', comparison: '>=', value: 0.85 },
    { key: 'declined_answerable', comparison: '<=', value: 0.12 },
    { key: 'held_out_hit_rate', comparison: '>=', value: 0.79 },
    { key: 'held_out_said_rate', comparison: '>=', value: 0.68 },
    { key: 'held_out_declined_unanswerable', comparison: '>=', value: 0.8 },
    { key: 'held_out_declined_answerable', comparison: '<=', value: 0.14 },
  ],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { log, undo } = context
  const database = await temporaryDatabase(context)
  const { connection, owner } = database
  const pool = createPool({ connection, max: 4, statementTimeoutMs: 60_000 }, log)
  undo.defer(() => pool.end())
  const metrics = createMetrics()
  const db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
  const parts = { db, owner, log }
  const ask = async (path: Pick<DemoShopParts, 'embedder' | 'models'>): Promise<Metrics> => {
    const shop = await openDemoShop({ ...parts, ...path })
    return {
      ...figuresOf(await scoreAnswers(shop, demoQuestions, context.progress)),
      // Only as figures: who reads what was answered, tunes on it.
      ...prefixed('held_out', figuresOf(await scoreAnswers(shop, heldOutQuestions))),
      ...prefixed('foreign', figuresOf(await scoreAnswers(shop, foreignQuestions))),
    }
  }
  const builtIn = await ask({ embedder: builtInEmbedder, models: { builtIn: builtInModel } })
  const service = serviceOf(process.env)
  const figures = { ...builtIn, ...(service && prefixed('service', await ask(service))) }
  return { metrics: figures, rounds: [figures], versions: { postgres: database.serverVersion } }
}

function serviceOf(environment: NodeJS.ProcessEnv): Pick<DemoShopParts, 'embedder' | 'models'> | undefined {
  const names = Object.entries(environment).filter(([name]) => name.startsWith('OPENAI_'))
  const { openai } = parseConfig(Object.fromEntries(names)).models
  if (!openai?.baseUrl) return undefined
  const { embeddingModel, model: name, cheapModel: cheapName } = openai
  const models: Models = {
    builtIn: builtInModel,
    service: { model: createOpenaiModel(openai), name, cheapName },
  }
  const embedder = embeddingModel
    ? createOpenaiEmbedder({ ...openai, model: embeddingModel })
    : builtInEmbedder
  return { embedder, models }
}

const prefixed = (prefix: string, figures: Metrics): Metrics =>
  Object.fromEntries(Object.entries(figures).map(([key, value]) => [`${prefix}_${key}`, value]))

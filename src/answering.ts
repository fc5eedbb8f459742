import * as agents from './agents/index.ts'
import type { ConversationLog } from './chat/index.ts'
import type { Config } from './config.ts'
import { openOutside, type Stops } from './connections.ts'
import type { Database, Pool } from './db/index.ts'
import type { Bus, Gateway } from './gateway/index.ts'
import type { Log, Metrics, Vault } from './kernel/index.ts'
import * as knowledge from './knowledge/index.ts'
import { builtInEmbedder } from './providers/builtInEmbedder.ts'
import { builtInModel } from './providers/builtInModel.ts'
import { createDocumentReader } from './providers/documentReader.ts'
import type { FileStore } from './providers/files.ts'
import { createOpenaiEmbedder } from './providers/openaiEmbedder.ts'
import { createOpenaiModel } from './providers/openaiModel.ts'
import { createReranker } from './providers/rerank.ts'
import { readWebPage } from './providers/webPage.ts'
import { createUsage } from './usage/index.ts'

interface AnsweringParts {
  readonly db: Database
  readonly pool: Pool
  readonly vault: Vault
  readonly log: Log
  readonly metrics: Metrics
  readonly store: FileStore
}

/** Everything that answers: what is read and searched, who speaks, and what it costs. */
export function openAnswering(config: Config, core: AnsweringParts, stops: Stops) {
  const { db, vault, log, metrics } = core
  const outside = openOutside(config)
  const { models, rerank, embedder } = services(config)
  const usage = createUsage({ db, prices: config.models.prices, log })
  const books = agents.createBooks(usage)
  const reader = createDocumentReader<knowledge.Digest>({
    finish: new URL('./knowledge/digestDocument.ts', import.meta.url),
  })
  // After the jobs that read with it, which begin later and stop earlier.
  stops.push(() => reader.close())
  const sources = knowledge.createSources({
    ...{ db, vault, log, store: core.store, reader, embedder, readWebPage, recordCost: usage.record },
    ...{ outgoing: outside.outgoing, ...config.knowledge, visibility: agents.visibility },
  })
  const search = knowledge.createSearch({
    ...{ ...core, embedder, reranker: rerank, recordCost: books.record },
    ...{ mayKeepWords: agents.mayKeepWords, visibility: agents.visibility },
    // The embedded database does one thing at a time: while it made an index, everybody would wait.
    thresholds: config.database.url === undefined ? never : undefined,
  })
  const { retriever } = search
  const finder = knowledge.createFinder({
    ...{ retriever, db, log, rewrite: agents.createRewrite(models, books) },
    mayKeepWords: agents.mayKeepWords,
  })
  const own = { db, vault, ...outside }
  const toolbox = agents.createToolbox({
    ...{ ...own, log },
    find: (scope, wanted) => finder.find(scope, wanted),
  })
  return {
    /** For whoever makes agents. */
    agentParts: own,
    jobs: [...sources.jobs, ...search.jobs],
    chores: sources.chores,
    /** What they depend on, and what they do. */
    atStart: { configured: embedder.id, chores: sources.startChores },
    routes: [...sources.routes, ...search.routes, ...agents.agentRoutes(own), ...agents.runRoutes()],
    commands: [...sources.commands, ...search.commands, ...agents.speakerCommands(own)],
    /** From now on questions are answered, and those who follow the knowledge hear of it. */
    begin(gateway: Gateway, conversations: ConversationLog, bus: Bus | undefined) {
      const news = sources.tellNews(gateway, bus)
      const runs = agents.createRuns({
        ...{ db, gateway, conversations, usage, log, metrics, books, finder, toolbox, models },
      })
      const stop = async () => {
        news.stop()
        await runs.stop()
      }
      return { commands: runs.commands, stop }
    },
  }
}

const never = { above: Number.POSITIVE_INFINITY, below: Number.POSITIVE_INFINITY }

/** What is configured, and what is built in where nothing is. */
function services({ models: { openai, rerank } }: Config) {
  const embeddingModel = openai?.embeddingModel
  const models: agents.Models = {
    builtIn: builtInModel,
    service: openai && {
      ...{ model: createOpenaiModel(openai), name: openai.model, cheapName: openai.cheapModel },
    },
  }
  return {
    models,
    embedder: embeddingModel ? createOpenaiEmbedder({ ...openai, model: embeddingModel }) : builtInEmbedder,
    rerank: rerank && createReranker(rerank),
  }
}

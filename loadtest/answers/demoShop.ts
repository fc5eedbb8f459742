import { readdir, readFile } from 'node:fs/promises'
import { type Answered, answer } from '../../src/agents/runs/answer.ts'
import { createBooks } from '../../src/agents/runs/books.ts'
import type { Models } from '../../src/agents/runs/models.ts'
import { createRewrite } from '../../src/agents/runs/rewrite.ts'
import { Telling } from '../../src/agents/runs/telling.ts'
import type { AgentDefinition } from '../../src/agents/schema.ts'
import type { Database, Pool } from '../../src/db/index.ts'
import { createMetrics, type Log, newId, type Scope, systemScope } from '../../src/kernel/index.ts'
import { embedTexts, passageText } from '../../src/knowledge/embedTexts.ts'
import { createFinder, createRetriever, type Digest, insertChunks } from '../../src/knowledge/index.ts'
import { nameAndText } from '../../src/knowledge/seedDemoKnowledge.ts'
import { createDocumentReader, type DocumentReader } from '../../src/providers/documentReader.ts'
import type { Embedder } from '../../src/providers/embeddings.ts'
import { createUsage } from '../../src/usage/index.ts'

const folder = new URL('../../src/knowledge/demo/', import.meta.url)
const finish = new URL('../../src/knowledge/digestDocument.ts', import.meta.url)

export interface DemoShopParts {
  readonly db: Database
  /** As the owner of the tables, for what is beside the question: the workspace and its sources. */
  readonly owner: Pick<Pool, 'query'>
  readonly log: Log
  readonly embedder: Embedder
  readonly models: Models
}

export interface DemoShop {
  /** How many passages an answer may cite. */
  readonly chunks: number
  /** What the agent says, last of what the visitor says; undefined where it calls people instead. */
  ask(said: readonly string[]): Promise<Answered | undefined>
}

/** An agent without tools that answers from the demo documents, read and asked by the product's own code, without a conversation around it. */
export async function openDemoShop(parts: DemoShopParts): Promise<DemoShop> {
  const { db, owner, log, embedder, models } = parts
  const scope = systemScope(newId(), 'answers')
  const { tenantId } = scope
  await owner.query('insert into tenants (id, name, slug) values ($1, $2, $3)', [tenantId, 'Demo', tenantId])
  const usage = createUsage({ db, prices: {}, log })
  const reader = createDocumentReader<Digest>({ finish })
  let chunks = 0
  for (const name of (await readdir(folder)).filter(file => file.endsWith('.md')).sort())
    chunks += await readIn(parts, reader, scope, await readFile(new URL(name, folder), 'utf8'))
  await reader.close()

  const books = createBooks(usage)
  const metrics = createMetrics()
  const mayKeepWords = async () => true
  const retriever = createRetriever({ db, embedder, log, metrics, recordCost: books.record, mayKeepWords })
  const finder = createFinder({ retriever, db, log, rewrite: createRewrite(models, books), mayKeepWords })
  const toolbox = {
    toolsFor: async () => ({ tools: [], instructions: '', close: () => Promise.resolve() }),
  }
  return {
    chunks,
    async ask(said) {
      const begun = beginningOf(said.length)
      const spoken = said.map((text, at) => ({ seq: at + 1, speaker: 'visitor' as const, text }))
      const outcome = await answer(
        { finder, toolbox, models, books, log },
        {
          ...{ scope, begun, rung: 'full', signal: AbortSignal.timeout(120_000) },
          context: {
            ...{ questionSeq: said.length, question: said.at(-1) ?? '', history: spoken, summary: undefined },
            ...{ memories: [], contact: {}, knows: true, answers: 0, endings: [], long: false },
          },
          telling: new Telling({ publish: () => undefined }, { tenantId, ...begun }),
          saw: () => undefined,
          calls: { keyOf: ({ name }) => name, resultOf: async () => undefined },
          keepToolCall: () => Promise.resolve(),
          purse: () => Promise.resolve('full'),
          owes: () => undefined,
          afterwards: () => undefined,
        },
      )
      return outcome.kind === 'answered' ? outcome : undefined
    },
  }
}

async function readIn(
  { db, owner, embedder, log }: DemoShopParts,
  reader: DocumentReader<Digest>,
  scope: Scope,
  document: string,
): Promise<number> {
  const { name: title, text } = nameAndText(document)
  const [sourceId, documentId] = [newId(), newId()]
  const digest = await reader.read(new TextEncoder().encode(text), { name: title })
  await owner.query(
    `insert into knowledge_sources (tenant_id, id, name, type, status, embedder) values ($1, $2, $3, 'text', 'ready', $4)`,
    [scope.tenantId, sourceId, title, embedder.id],
  )
  await owner.query(
    `insert into knowledge_documents (tenant_id, id, source_id, uri, title, mime_type, content_hash)
     values ($1, $2, $3, 'text', $4, 'text/markdown', '')`,
    [scope.tenantId, documentId, sourceId, title],
  )
  const texts = digest.chunks.map(chunk => passageText(title, chunk))
  const recordCost = createUsage({ db, prices: {}, log }).record
  const about = { sourceId, texts }
  const vectors = await embedTexts(scope, { embedder, recordCost }, about, AbortSignal.timeout(120_000))
  const chunks = digest.chunks.map((chunk, at) => ({ ...chunk, embedding: vectors[at] }))
  const place = { sourceId, documentId, agentId: null, title }
  await db.scoped(scope, tx => insertChunks(tx, scope, place, { ...digest, chunks }))
  return chunks.length
}

const definition: AgentDefinition = {
  ...{ name: 'Pine', instructions: 'You answer visitors of a shop.', welcomeMessage: null },
  ...{ provider: 'default', model: null, parameters: {}, tools: [], toolResources: {} },
  ...{ allowedMcpServers: {}, escalationRules: {}, limits: {} },
}

function beginningOf(askedSeq: number) {
  const [conversationId, agentId, runId] = [newId(), newId(), newId()]
  const due = { agentId, contactId: null, epoch: 1, askedSeq, answeredSeq: askedSeq - 1 }
  return {
    ...{ conversationId, agentId, runId, contactId: null, epoch: 1, version: 1, definition, due },
    regenerates: undefined,
  }
}

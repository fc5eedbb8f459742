export { embeddingCall, type RecordCost } from './askServices.ts'
export { type ChunkPlace, type EmbeddedDigest, insertChunks } from './chunkStore.ts'
export { createSearch, type Search, type SearchParts } from './createSearch.ts'
export { createSources, type Sources } from './createSources.ts'
export type { Digest } from './digestDocument.ts'
export {
  createFinder,
  type Finder,
  type FinderParts,
  type Found,
  type Question,
  type Rewrite,
  type Said,
} from './find.ts'
export type { Judgement, Verdict } from './judge.ts'
export type { SourceParts } from './parts.ts'
export { isServiceFailure } from './problems.ts'
export { readCitation } from './readCitation.ts'
export { blankSearches } from './retrievalStore.ts'
export {
  type Asked,
  createRetriever,
  type MayKeepWords,
  type Passage,
  type Retrieval,
  type Retriever,
  type RetrieverParts,
} from './retrieve.ts'
export { isDemoKnowledgeRead, seedDemoKnowledge } from './seedDemoKnowledge.ts'
export { queueIndexTending, tendIndexHandler } from './tendIndex.ts'
export type { AgentVisibility } from './visibility.ts'

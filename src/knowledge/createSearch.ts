import type { JobHandler, Pool } from '../db/index.ts'
import type { Command } from '../gateway/index.ts'
import type { Route } from '../http/index.ts'
import { createRetriever, type Retriever, type RetrieverParts } from './retrieve.ts'
import { searchRoutes } from './searchHttp.ts'
import { citationCommands } from './socket.ts'
import { type IndexThresholds, tendIndexHandler } from './tendIndex.ts'
import type { AgentVisibility } from './visibility.ts'

export interface SearchParts extends RetrieverParts {
  /** As the owner of the tables: indexes are made beside transactions. */
  readonly pool: Pool
  readonly visibility: AgentVisibility
  readonly thresholds?: IndexThresholds | undefined
}

export interface Search {
  readonly retriever: Retriever
  readonly jobs: readonly JobHandler[]
  readonly routes: readonly Route[]
  readonly commands: readonly Command[]
}

/** The side of the room that looks for what the other has read in. */
export function createSearch(parts: SearchParts): Search {
  const retriever = createRetriever(parts)
  return {
    retriever,
    jobs: [tendIndexHandler(parts)],
    routes: searchRoutes({ ...parts, retriever }),
    commands: citationCommands(parts),
  }
}

import type { JobHandler, Transaction } from '../db/index.ts'
import type { Bus, Command } from '../gateway/index.ts'
import type { Route } from '../http/index.ts'
import type { Scope } from '../kernel/index.ts'
import { queueSourceSweep, removalHandlers } from './deleteSource.ts'
import { embedAnewHandler, queueEmbeddingAnew, tendSources } from './embedAnew.ts'
import { sourceRoutes } from './http.ts'
import type { SourceParts } from './parts.ts'
import { knowledgeCommands } from './socket.ts'
import { type NewsGateway, type SourceNews, tellSourceNews } from './sourceNews.ts'
import { syncHandlers } from './synchronise.ts'

/** The side of the room that fills it. */
export interface Sources {
  readonly jobs: JobHandler[]
  /** For the nightly sweep of tenants. */
  readonly chores: ((scope: Scope, tx: Transaction) => Promise<void>)[]
  /** For the sweep with which the program begins. */
  readonly startChores: ((scope: Scope, tx: Transaction) => Promise<void>)[]
  readonly routes: Route[]
  readonly commands: Command[]
  /** From now on, who follows the knowledge is told of every change. */
  tellNews(gateway: NewsGateway, bus: Bus | undefined): SourceNews
}

export const createSources = (parts: SourceParts): Sources => ({
  jobs: [...syncHandlers(parts), embedAnewHandler(parts), ...removalHandlers(parts)],
  chores: [tendSources(parts), queueSourceSweep],
  startChores: [queueEmbeddingAnew(parts)],
  routes: sourceRoutes(parts),
  commands: knowledgeCommands(parts),
  tellNews: (gateway, bus) => tellSourceNews({ ...parts, gateway, bus }),
})

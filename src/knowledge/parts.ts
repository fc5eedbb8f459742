import type { Database } from '../db/index.ts'
import type { Log, Vault } from '../kernel/index.ts'
import type { DocumentReader } from '../providers/documentReader.ts'
import type { Embedder } from '../providers/embeddings.ts'
import type { FileStore } from '../providers/files.ts'
import type { Outgoing } from '../providers/outgoing.ts'
import type { ReadWebPage } from '../providers/webPage.ts'
import type { Usage } from '../usage/index.ts'
import type { Digest } from './digestDocument.ts'
import type { AgentVisibility } from './visibility.ts'

/** What sources are made of, and read with. */
export interface SourceParts {
  readonly db: Database
  readonly store: FileStore
  readonly vault: Vault
  readonly log: Log
  readonly reader: DocumentReader<Digest>
  readonly embedder: Embedder
  readonly outgoing: Outgoing
  readonly readWebPage: ReadWebPage
  readonly recordCost: Usage['record']
  readonly visibility: AgentVisibility
  readonly limits: SourceLimits
  /** Of GitHub's API, without a slash at its end. */
  readonly githubUrl: string
}

export interface SourceLimits {
  /** The largest file or page, in bytes. */
  readonly file: number
  /** The most pages or files of one source. */
  readonly pages: number
  /** What the uploads of one tenant may take up, in bytes. */
  readonly tenant: number
}

/** Beside the files of conversations, and not taken for one of them. */
const prefix = 'knowledge.'

export const keyOfUpload = (tenantId: string, sourceId: string): string => `${tenantId}/${prefix}${sourceId}`

/** The source whose upload lies under a key, or undefined where something else does. */
export function sourceOfKey(key: string): string | undefined {
  const [, name = ''] = key.split('/')
  return name.startsWith(prefix) ? name.slice(prefix.length) : undefined
}

/** What the database process and its parent tell each other. */

import type { FolderOwner } from './folderLock.ts'

export interface EmbeddedLog {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

export interface ServerSettings {
  readonly folder: string
  readonly idleTransactionMs: number
  /** Where the predecessor listened, so that a restarted process is found by clients that know it. */
  readonly port: number | undefined
}

export interface Place {
  readonly host: string
  readonly port: number
}

export type FromServer =
  | ({ readonly kind: 'ready' } & Place)
  | {
      readonly kind: 'refused'
      readonly message: string
      /** Set where the reason is that somebody else uses the folder. */
      readonly inUse?: { readonly folder: string; readonly owner: FolderOwner | undefined }
    }
  | {
      readonly kind: 'log'
      readonly level: 'info' | 'warn' | 'error'
      readonly fields: object
      readonly message: string
    }

export type ToServer = { readonly kind: 'stop' }

import type { Problem } from '../problems.ts'

/** What reading a source comes upon, one after the other. `total` is what is known to be there so far. */
export type Found = { readonly uri: string; readonly total: number | null } & (
  | {
      readonly kind: 'document'
      readonly bytes: Uint8Array
      /** As somebody says it is. */
      readonly mimeType?: string | undefined
      /** By what the origin itself tells versions apart. */
      readonly version?: string | undefined
    }
  /** As it was at the last time, by its version. */
  | { readonly kind: 'unchanged' }
  /** `skipped`: nothing is wrong, it is not to be read. `outdated`: perhaps it can be read the next time. */
  | { readonly kind: 'problem'; readonly problem: Problem; readonly how: 'skipped' | 'failed' | 'outdated' }
)

/** How reading ended. Complete: what was not come upon is not there any more. */
export interface Ending {
  readonly complete: boolean
  readonly problem?: Problem
}

export type Finding = AsyncGenerator<Found, Ending>

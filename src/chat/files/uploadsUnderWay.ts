import { ParleyError } from '../../kernel/index.ts'

/**
 * How many files arrive at this node at the same time, from one uploader and into one workspace. Whether there is room for a file is known
 * for certain only when all of it has come: this bounds what lies in the store until then.
 */
export interface UploadsUnderWay {
  /** Throws where too many are under way; otherwise answers what is to be called when it is over. */
  begin(tenantId: string, uploaderId: string): () => void
}

export interface UploadsAtOnce {
  readonly uploader: number
  readonly tenant: number
}

export const uploadsAtOnce: UploadsAtOnce = { uploader: 8, tenant: 64 }

const retryAfterSeconds = 5

export function countUploads(most: UploadsAtOnce = uploadsAtOnce): UploadsUnderWay {
  const underWay = new Map<string, number>()
  const count = (key: string, by: number) => {
    const now = (underWay.get(key) ?? 0) + by
    if (now > 0) underWay.set(key, now)
    else underWay.delete(key)
  }
  return {
    begin(tenantId, uploaderId) {
      const limits = [
        [tenantId, most.tenant, 'Too many files are on their way into the workspace.'],
        [`${tenantId} ${uploaderId}`, most.uploader, 'Too many files of yours are on their way.'],
      ] as const
      for (const [key, limit, detail] of limits)
        if ((underWay.get(key) ?? 0) >= limit)
          throw new ParleyError('rate_limited', detail, { retryAfter: retryAfterSeconds })
      for (const [key] of limits) count(key, 1)
      return () => {
        for (const [key] of limits) count(key, -1)
      }
    },
  }
}

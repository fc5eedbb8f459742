import { ParleyError } from '../kernel/index.ts'

/** Runs work of a tenant when it is that tenant's turn; with `first`, before what waits without it. */
export type InTurn = <Result>(
  tenantId: string,
  work: () => Promise<Result>,
  order?: { readonly first?: boolean | undefined },
) => Promise<Result>

interface Share {
  working: number
  readonly first: Set<Waiting>
  readonly others: Set<Waiting>
}

interface Waiting {
  readonly begin: () => void
}

/** As long as somebody waits for a connection. */
const patienceMs = 5_000

/**
 * No tenant has all of the connections at work on one node, however much it asks for at once: what is beyond that waits for its own, and the
 * others find a connection, or few before them. At least two, so that what a tenant reads never keeps it from writing: a pool that serves tenants
 * has three or more.
 */
export function fairShares(connections: number, waitMs = patienceMs): InTurn {
  const most = Math.max(2, connections - 1)
  const shares = new Map<string, Share>()

  function ofTenant(tenantId: string): Share {
    const known = shares.get(tenantId)
    if (known) return known
    const fresh = { working: 0, first: new Set<Waiting>(), others: new Set<Waiting>() }
    shares.set(tenantId, fresh)
    return fresh
  }

  /** Gives the place of one that is done to the next that waits. */
  function handOn(tenantId: string, share: Share): void {
    const line = share.first.size > 0 ? share.first : share.others
    const [next] = line
    if (next) {
      line.delete(next)
      next.begin()
    } else if (--share.working === 0) shares.delete(tenantId)
  }

  return async (tenantId, work, { first = false } = {}) => {
    const share = ofTenant(tenantId)
    if (share.working < most) share.working++
    else await turnIn(first ? share.first : share.others, waitMs)
    try {
      return await work()
    } finally {
      handOn(tenantId, share)
    }
  }
}

const turnIn = (line: Set<Waiting>, waitMs: number): Promise<void> =>
  new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => {
      line.delete(waiting)
      reject(new ParleyError('unavailable', 'Too much of this workspace is going on.', { retryAfter: 1 }))
    }, waitMs)
    const waiting = {
      begin: () => {
        clearTimeout(giveUp)
        resolve()
      },
    }
    line.add(waiting)
  })

import { addressOf, looksEndless, pathOf } from './addresses.ts'
import { isWanted, type Patterns } from './matches.ts'
import type { Robots } from './robots.ts'

export interface Place {
  readonly address: string
  /** Links from the first page. */
  readonly depth: number
}

/** What is known of a site and not read yet, the nearest first. */
export interface Frontier {
  /** Takes a place in, unless it is known, of another site, too deep, not wanted, or looks like one of too many. */
  add(link: string, from: Place): void
  /** Whether this is the first time that somebody comes here. */
  isNew(address: string): boolean
  next(): Place | undefined
  readonly waiting: number
  /** What the site asks programs not to read. */
  readonly refused: readonly string[]
  /** Something was left out because there is too much of it. */
  readonly overflowed: boolean
}

export interface FrontierRules {
  readonly origin: string
  readonly robots: Robots
  readonly patterns: Patterns
  readonly maxDepth: number
  readonly most: number
}

/** Calendars, filters and sorted lists are one path with many queries. */
const mostOfOnePath = 25
const mostRefused = 100

export function createFrontier({ origin, robots, patterns, maxDepth, most }: FrontierRules): Frontier {
  const known = new Set<string>()
  const queue: Place[] = []
  const ofPath = new Map<string, number>()
  const refused: string[] = []
  let overflowed = false
  let at = 0

  function isOneTooMany({ pathname, search }: URL): boolean {
    if (search === '') return false
    const count = (ofPath.get(pathname) ?? 0) + 1
    ofPath.set(pathname, count)
    return count > mostOfOnePath
  }

  return {
    add(link, { address: base, depth }) {
      const address = addressOf(link, base)
      if (address === undefined || known.has(address) || depth >= maxDepth) return
      const url = new URL(address)
      if (url.origin !== origin || !isWanted(patterns, url.pathname) || looksEndless(url)) return
      if (known.size >= most) {
        overflowed = true
        return
      }
      known.add(address)
      if (isOneTooMany(url)) return
      if (robots.allows(pathOf(url))) queue.push({ address, depth: depth + 1 })
      else if (refused.length < mostRefused) refused.push(address)
    },
    isNew(address) {
      const isNew = !known.has(address)
      known.add(address)
      return isNew
    },
    next: () => queue[at++],
    get waiting() {
      return Math.max(queue.length - at, 0)
    },
    refused,
    get overflowed() {
      return overflowed
    },
  }
}

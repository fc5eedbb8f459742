/** Which rules have spoken already: on this page, and as far as the browser may keep it, in this visit or ever. */
export interface Shown {
  has(rule: string): boolean
  add(rule: string, once: 'visit' | 'visitor'): void
  /** What was only remembered so far may be kept now. */
  keep(): void
  /** What is remembered; what is kept goes with all else that is. */
  forget(): void
}

type Place = 'sessionStorage' | 'localStorage'

export function openShown(key: string): Shown {
  const name = `parley:${key}:shown`
  const read = (place: Place): string[] => attempt(() => window[place].getItem(name))?.split(' ') ?? []
  const remembered = new Set<string>()
  let unwritten: (() => void)[] = []
  return {
    has: rule =>
      remembered.has(rule) || read('sessionStorage').includes(rule) || read('localStorage').includes(rule),
    add(rule, once) {
      const place = once === 'visit' ? 'sessionStorage' : 'localStorage'
      remembered.add(rule)
      unwritten.push(() => window[place].setItem(name, [...read(place), rule].join(' ')))
    },
    keep() {
      for (const write of unwritten) attempt(write)
      unwritten = []
    },
    forget() {
      remembered.clear()
      unwritten = []
    },
  }
}

/** A browser that blocks storage throws already when it is named; then what is remembered has to do. */
function attempt<Result>(work: () => Result): Result | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

import { matches } from './matches.ts'

/** What a site asks of programs (RFC 9309). */
export interface Robots {
  /** A path with its query. */
  allows(path: string): boolean
  readonly delaySeconds: number
  readonly sitemaps: readonly string[]
}

export const anythingGoes: Robots = { allows: () => true, delaySeconds: 0, sitemaps: [] }

interface Rule {
  readonly allow: boolean
  readonly pattern: string
}

interface Group {
  readonly agents: string[]
  readonly rules: Rule[]
  delaySeconds: number
}

const mostCharacters = 500_000
/** Each is held against each link of a site. Those that come after are not heeded, like what comes after so many characters. */
const mostRules = 1_000
const longestPattern = 200

export function parseRobots(text: string, agent: string): Robots {
  const groups: Group[] = []
  const sitemaps: string[] = []
  let naming = false
  for (const line of text.slice(0, mostCharacters).split(/[\r\n]+/)) {
    const { name, value } = fieldOf(line)
    if (name === 'sitemap') sitemaps.push(value)
    if (name === 'user-agent') {
      // Names in a row share what follows.
      if (!naming) groups.push({ agents: [], rules: [], delaySeconds: 0 })
      groups.at(-1)?.agents.push(value.toLowerCase())
    } else takeRule(groups.at(-1), name, value)
    if (name !== '') naming = name === 'user-agent'
  }
  const ours = groups.filter(({ agents }) => agents.includes(agent.toLowerCase()))
  const group = ours.length > 0 ? ours : groups.filter(({ agents }) => agents.includes('*'))
  // The longest rule that fits decides, and between equals the one that allows.
  const rules = group
    .flatMap(one => one.rules)
    .slice(0, mostRules)
    .sort(
      (one, other) => other.pattern.length - one.pattern.length || Number(other.allow) - Number(one.allow),
    )
  return {
    allows: path => path === '/robots.txt' || (rules.find(rule => fits(rule, path))?.allow ?? true),
    delaySeconds: Math.max(0, ...group.map(one => one.delaySeconds)),
    sitemaps,
  }
}

/** Step by step: a regular expression would go back and forth over a line of blanks. */
function fieldOf(line: string): { readonly name: string; readonly value: string } {
  const [said = ''] = line.split('#', 1)
  const colon = said.indexOf(':')
  if (colon < 0) return { name: '', value: '' }
  return { name: said.slice(0, colon).trim().toLowerCase(), value: said.slice(colon + 1).trim() }
}

function takeRule(group: Group | undefined, name: string, value: string): void {
  if (!group) return
  if (name === 'crawl-delay' && /^\d+(\.\d+)?$/.test(value)) group.delaySeconds = Number(value)
  if ((name === 'allow' || name === 'disallow') && value !== '') {
    const allow = name === 'allow'
    // A longer one is cut, and so fits more than it says: right for what is refused, not for what is allowed.
    if (value.length < longestPattern) group.rules.push({ allow, pattern: value })
    else if (!allow) group.rules.push({ allow, pattern: `${value.slice(0, longestPattern - 1)}*` })
  }
}

const fits = ({ pattern }: Rule, path: string): boolean =>
  pattern.endsWith('$') ? matches(pattern.slice(0, -1), path) : matches(`${pattern}*`, path)

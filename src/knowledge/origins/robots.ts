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

export function parseRobots(text: string, agent: string): Robots {
  const groups: Group[] = []
  const sitemaps: string[] = []
  let naming = false
  for (const line of text.slice(0, mostCharacters).split(/\r\n|[\r\n]/)) {
    const [, field = '', value = ''] = /^\s*([\w-]+)\s*:\s*(.*?)\s*(?:#.*)?$/.exec(line) ?? []
    const name = field.toLowerCase()
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
  const rules = group.flatMap(one => one.rules)
  return {
    allows: path => path === '/robots.txt' || decide(rules, path),
    delaySeconds: Math.max(0, ...group.map(one => one.delaySeconds)),
    sitemaps,
  }
}

function takeRule(group: Group | undefined, name: string, value: string): void {
  if (!group) return
  if (name === 'crawl-delay' && /^\d+(\.\d+)?$/.test(value)) group.delaySeconds = Number(value)
  if ((name === 'allow' || name === 'disallow') && value !== '')
    group.rules.push({ allow: name === 'allow', pattern: value })
}

/** The longest rule that fits decides, and between equals the one that allows. */
function decide(rules: readonly Rule[], path: string): boolean {
  let best: Rule | undefined
  for (const rule of rules) {
    const { pattern } = rule
    const fits = pattern.endsWith('$') ? matches(pattern.slice(0, -1), path) : matches(`${pattern}*`, path)
    if (!fits) continue
    const longer = pattern.length - (best?.pattern.length ?? -1)
    if (longer > 0 || (longer === 0 && rule.allow)) best = rule
  }
  return best?.allow ?? true
}

import { createHash } from 'node:crypto'
import { readToolCalls } from '../../chat/index.ts'
import type { Database } from '../../db/index.ts'
import type { Scope } from '../../kernel/index.ts'
import type { Begun } from './beginRun.ts'
import { brokenRuns } from './runStore.ts'

interface Call {
  readonly name: string
  readonly arguments: string
}

/** The tool calls of one run, each with its name among those of all attempts at its question. */
export interface Calls {
  /** In the order in which the model calls. */
  keyOf(call: Call): string
  /** What an attempt that came to nothing was told, if that stands in the log: it happened, and must not happen again. */
  resultOf(key: string): Promise<string | undefined>
}

type About = Pick<Begun, 'conversationId' | 'regenerates'>

export function createCalls(db: Database, scope: Scope, about: About, questionSeq: number): Calls {
  const keyOf = keys(about.conversationId, questionSeq)
  // Read when a tool wants it first, which in most runs none does.
  let earlier: Promise<ReadonlyMap<string, string>> | undefined
  const read = () =>
    // Who wants another answer wants the tools asked again; that it is the same question the key says.
    about.regenerates === undefined
      ? readEarlier(db, scope, about.conversationId, questionSeq)
      : Promise.resolve(new Map<string, string>())
  return {
    keyOf,
    async resultOf(key) {
      earlier ??= read()
      return (await earlier).get(key)
    },
  }
}

/** Each attempt counts for itself: the second call that is like the first one is another call. */
function keys(conversationId: string, questionSeq: number): Calls['keyOf'] {
  const seen = new Map<string, number>()
  return ({ name, arguments: text }) => {
    const call = `${name} ${ordered(text)}`
    const count = (seen.get(call) ?? 0) + 1
    seen.set(call, count)
    return createHash('sha256').update(`${conversationId} ${questionSeq} ${count} ${call}`).digest('hex')
  }
}

async function readEarlier(
  db: Database,
  scope: Scope,
  conversationId: string,
  questionSeq: number,
): Promise<ReadonlyMap<string, string>> {
  const { entries, broken } = await db.scoped(scope, async tx => ({
    entries: await readToolCalls(tx, scope, { conversationId, after: questionSeq }),
    broken: await brokenRuns(tx, scope, conversationId),
  }))
  const results = new Map<string, string>()
  const byRun = Map.groupBy(entries, ({ clientId }) => clientId.split(':')[1] ?? '')
  for (const [runId, calls] of byRun) {
    if (!broken.has(runId)) continue
    const keyOf = keys(conversationId, questionSeq)
    for (const { parts } of calls) {
      const asked = parts.find(({ type }) => type === 'tool_call')
      const told = parts.find(({ type }) => type === 'tool_result')
      const call = { name: String(asked?.name), arguments: String(asked?.arguments) }
      results.set(keyOf(call), String(told?.text))
    }
  }
  return results
}

/** The same arguments whatever order a model gives them in. */
function ordered(text: string): string {
  try {
    return JSON.stringify(JSON.parse(text), (_, value: unknown) =>
      typeof value === 'object' && value !== null && !Array.isArray(value)
        ? Object.fromEntries(Object.entries(value).sort(([one], [other]) => (one < other ? -1 : 1)))
        : value,
    )
  } catch {
    return text
  }
}

import type { Log } from '../../kernel/index.ts'
import type { Passage } from '../../providers/model.ts'
import type { AgentDefinition } from '../schema.ts'
import { collectContact } from './collectContact.ts'
import { guarded, type Work } from './guarded.ts'
import { handOver } from './handOver.ts'
import { type HttpToolParts, httpTool } from './httpCall.ts'
import { type Find, knowledgeSearch } from './knowledgeSearch.ts'
import { type McpToolParts, mcpTools, rememberFailures } from './mcpTools.ts'
import { rememberTool } from './rememberTool.ts'
import type { Tool, ToolContext } from './tool.ts'

export interface ToolboxParts extends HttpToolParts, McpToolParts {
  readonly find: Find
  readonly log: Log
}

export interface OpenTools {
  readonly tools: readonly Tool[]
  /** What the tenant says about tools of its servers, and which servers are missing; goes into the prompt. */
  readonly instructions: string
  /** Ends the connections to tool servers. Never fails. */
  close(): Promise<void>
}

export interface Toolbox {
  /** The tools that an agent may use in one run. Throws only when the signal is aborted, or the database fails; closed by whoever opened it. */
  toolsFor(
    context: ToolContext,
    definition: Pick<AgentDefinition, 'tools' | 'toolResources' | 'allowedMcpServers'>,
    signal?: AbortSignal,
    /** Passages that the model has already when it calls the first of them; searches count on from them. */
    given?: () => readonly Passage[],
  ): Promise<OpenTools>
}

export function createToolbox(parts: ToolboxParts): Toolbox {
  const { db, log, find } = parts
  const failures = rememberFailures()
  // Searches of one run count their passages together.
  const builtIn = (given?: () => readonly Passage[]): Readonly<Record<string, Work>> =>
    Object.fromEntries(
      [knowledgeSearch(find, given), handOver, collectContact(db), rememberTool(db)].map(work => [
        work.name,
        work,
      ]),
    )
  return {
    async toolsFor(context, definition, signal, given) {
      const known = builtIn(given)
      const own = definition.tools.flatMap(name => known[name] ?? [])
      const declared = (definition.toolResources.httpTools ?? []).map(tool => httpTool(tool, parts))
      const offers = await mcpTools(parts, context, definition, failures, signal)
      const works = distinct([...own, ...declared, ...offers.flatMap(offer => offer.works)])
      return {
        tools: works.map(work => guarded(work, log)),
        instructions: [
          ...offers.map(offer => offer.instructions),
          ...works.map(({ name, told }) => told && `${name}: ${told}`),
        ]
          .filter(Boolean)
          .join('\n\n'),
        close: async () => void (await Promise.all(offers.map(offer => offer.close()))),
      }
    },
  }
}

/** Names of servers may be alike once they are made fit for models. */
function distinct(works: readonly Work[]): Work[] {
  const taken = new Set<string>()
  return works.map(work => {
    let { name } = work
    for (let number = 2; taken.has(name); number++) name = `${work.name.slice(0, 60)}_${number}`
    taken.add(name)
    return { ...work, name }
  })
}

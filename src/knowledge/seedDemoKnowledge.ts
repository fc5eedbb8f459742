import type { Transaction } from '../db/index.ts'
import type { Scope, Vault } from '../kernel/index.ts'
import { createSource } from './createSource.ts'
import { listSources } from './sourceStore.ts'

/** A document in Markdown; its first line is its heading. */
export type DemoDocument = string

/** The heading is the name, and not said again above every passage. */
export function nameAndText(document: DemoDocument): { name: string; text: string } {
  const [, name = 'Document', text = document] = /^# (.+)\n([\s\S]*)$/.exec(document) ?? []
  return { name, text: text.trim() }
}

/** What the demo company knows, so that its agent has something to answer from. Read by the same job as everything. */
export async function seedDemoKnowledge(
  scope: Scope,
  tx: Transaction,
  vault: Vault,
  documents: readonly DemoDocument[],
): Promise<void> {
  for (const document of documents)
    await createSource(scope, tx, vault, { type: 'text', ...nameAndText(document), tags: ['demo'] })
}

/** Whether all of it has been read, or could not be: until then the agent answers from a part of it. */
export async function isDemoKnowledgeRead(scope: Scope, tx: Transaction): Promise<boolean> {
  const waiting = await listSources(tx, scope, { status: 'processing', limit: 1, hidden: [] })
  return waiting.length === 0
}

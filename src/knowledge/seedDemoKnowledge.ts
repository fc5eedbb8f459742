import type { Transaction } from '../db/index.ts'
import type { Scope, Vault } from '../kernel/index.ts'
import { createSource } from './createSource.ts'

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

import { hash } from 'node:crypto'
import type { Transaction } from '../db/index.ts'
import { found, newId, type Scope, type Vault } from '../kernel/index.ts'
import type { SourceType } from './schema.ts'
import type { RepositorySettings, SiteSettings } from './sourceSettings.ts'
import { insertSource, type SourceRow, type SourceValues } from './sourceStore.ts'
import { queueSync } from './synchronise.ts'

interface About {
  readonly name: string
  readonly agentId?: string | null
  readonly tags?: string[]
}

export type NewSource = About &
  (
    | { readonly type: 'text'; readonly text: string }
    | { readonly type: 'url'; readonly url: string; readonly settings: SiteSettings }
    | { readonly type: 'github'; readonly settings: RepositorySettings; readonly token?: string | undefined }
  )

/** It is read afterwards, by a job that exists if and only if the source does. */
export async function createSource(
  scope: Scope,
  tx: Transaction,
  vault: Vault,
  { name, agentId = null, tags = [], ...source }: NewSource,
): Promise<SourceRow> {
  return recordSource(scope, tx, {
    id: newId(),
    name,
    agentId,
    tags,
    type: source.type,
    ...contentOf(source, vault),
  })
}

type Content = NewSource extends infer Each
  ? Each extends NewSource
    ? Omit<Each, keyof About>
    : never
  : never

function contentOf(source: Content, vault: Vault): SourceValues {
  switch (source.type) {
    case 'text':
      return pasted(source.text)
    case 'url':
      return { url: source.url, settings: source.settings }
    case 'github':
      return {
        settings: source.settings,
        sealedCredential: source.token === undefined ? null : vault.seal(source.token),
      }
  }
}

export const pasted = (text: string): SourceValues => ({
  metadata: { text },
  contentHash: hash('sha256', text),
})

/** The row, its audit entry and its first synchronisation. */
export async function recordSource(
  scope: Scope,
  tx: Transaction,
  values: SourceValues & { readonly id: string; readonly name: string; readonly type: SourceType },
): Promise<SourceRow> {
  const { actor } = scope
  const createdBy = actor.kind === 'member' ? actor.memberId : null
  const source = found(await insertSource(tx, scope, { ...values, createdBy }), 'source')
  const { type, name, agentId, url, settings, tags, fileName, fileType, fileSize } = source
  await tx.emit({
    type: 'changed',
    action: 'knowledge_source.created',
    resourceType: 'knowledge_source',
    resourceId: source.id,
    oldValues: null,
    newValues: { type, name, agentId, url, settings, tags, fileName, fileType, fileSize },
  })
  await tx.emit({ type: 'source.changed', sourceId: source.id })
  await queueSync(tx, source)
  return source
}

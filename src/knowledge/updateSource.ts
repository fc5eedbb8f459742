import type { Transaction } from '../db/index.ts'
import { difference, found, ParleyError, type Scope, type Vault } from '../kernel/index.ts'
import { pasted } from './createSource.ts'
import { repositorySettings, siteSettings } from './sourceSettings.ts'
import { changeSource, lockSource, type SourceRow, type SourceValues } from './sourceStore.ts'
import { queueSync } from './synchronise.ts'

export interface SourcePatch {
  readonly name?: string
  readonly tags?: string[]
  /** Those that are named take the place of what was. */
  readonly settings?: Record<string, unknown>
  readonly url?: string
  readonly text?: string
  /** Null: without one. */
  readonly token?: string | null
}

/** What changes its content is read at once. */
export async function updateSource(
  scope: Scope,
  tx: Transaction,
  vault: Vault,
  id: string,
  patch: SourcePatch,
): Promise<SourceRow> {
  const before = found(await lockSource(tx, scope, id), 'source')
  const values = valuesOf(before, patch, vault)
  const after = found(await changeSource(tx, scope, id, values), 'source')
  // Whoever follows it also knows when it was last touched.
  await tx.emit({ type: 'source.changed', sourceId: id })
  const { changed, ...told } = difference(shown(before), shown(after))
  if (!changed) return after
  await tx.emit({
    type: 'changed',
    action: 'knowledge_source.updated',
    resourceType: 'knowledge_source',
    resourceId: id,
    ...told,
  })
  return concernsContent(before, patch) ? restart(scope, tx, after) : after
}

/** The source is read again; what reads it now stores nothing more. */
export async function syncSource(scope: Scope, tx: Transaction, id: string): Promise<SourceRow> {
  const before = found(await lockSource(tx, scope, id), 'source')
  const after = await restart(scope, tx, before)
  await tx.emit({
    type: 'changed',
    action: 'knowledge_source.synchronised',
    resourceType: 'knowledge_source',
    resourceId: id,
    oldValues: { revision: before.revision },
    newValues: { revision: after.revision },
  })
  return after
}

async function restart(scope: Scope, tx: Transaction, { id, revision }: SourceRow): Promise<SourceRow> {
  const source = found(
    await changeSource(tx, scope, id, {
      ...{ revision: revision + 1, status: 'processing', errorCode: null, errorMessage: null },
      progress: { stage: 'waiting', done: 0, total: null },
    }),
    'source',
  )
  await tx.emit({ type: 'source.changed', sourceId: id })
  await queueSync(tx, source)
  return source
}

/** Neither a secret nor what was pasted; that they are others shows. */
const shown = ({ sealedCredential, updatedAt: _, ...row }: SourceRow) => ({
  ...row,
  credential: sealedCredential === null ? 'none' : `set ${sealedCredential.slice(-4)}`,
})

const fieldsOf = {
  file: [],
  text: ['text'],
  url: ['url', 'settings'],
  github: ['settings', 'token'],
} as const satisfies Record<SourceRow['type'], readonly (keyof SourcePatch)[]>

function valuesOf(before: SourceRow, patch: SourcePatch, vault: Vault): SourceValues {
  const { name, tags, settings, url, text, token, ...rest } = patch
  const allowed: readonly string[] = ['name', 'tags', ...fieldsOf[before.type]]
  const faults = Object.keys({ ...patch, ...rest })
    .filter(field => !allowed.includes(field))
    .map(path => ({ path, message: `is nothing that a source of the type ${before.type} has` }))
  if (faults.length > 0) throw new ParleyError('invalid_request', undefined, { faults })
  return {
    ...(name !== undefined && { name }),
    ...(tags !== undefined && { tags }),
    ...(url !== undefined && { url }),
    ...(settings !== undefined && { settings: merged(before, settings) }),
    ...(text !== undefined && pasted(text)),
    ...(token !== undefined && { sealedCredential: token === null ? null : vault.seal(token) }),
  }
}

function merged(before: SourceRow, settings: Record<string, unknown>): Record<string, unknown> {
  const schema = before.type === 'url' ? siteSettings : repositorySettings
  const parsed = schema.safeParse({ ...before.settings, ...settings })
  if (parsed.success) return parsed.data
  const faults = parsed.error.issues.map(({ path, message }) => ({
    path: ['settings', ...path].join('.'),
    message,
  }))
  throw new ParleyError('invalid_request', undefined, { faults })
}

function concernsContent(before: SourceRow, { name, url, text, settings, token }: SourcePatch): boolean {
  // A text bears the name of its source.
  const renamed = before.type === 'text' && name !== undefined && name !== before.name
  return renamed || [url, text, settings, token].some(field => field !== undefined)
}

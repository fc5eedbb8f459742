import type { SourceParts } from '../parts.ts'
import { SourceProblem } from '../problems.ts'
import type { Run } from '../run.ts'
import { repositorySettings, siteSettings } from '../sourceSettings.ts'
import { readPastedText } from '../sourceStore.ts'
import type { Finding } from './found.ts'
import { readRepository } from './readRepository.ts'
import { readSite } from './readSite.ts'

/** Reads a source by its type. */
export function findingOf(parts: SourceParts, run: Run, versions: ReadonlyMap<string, string>): Finding {
  const { source, signal } = run
  switch (source.type) {
    case 'file':
      return readUpload(parts, run)
    case 'text':
      return readText(parts, run)
    case 'url':
      return readSite(parts, { url: source.url ?? '', settings: siteSettings.parse(source.settings) }, signal)
    case 'github': {
      const settings = repositorySettings.parse(source.settings)
      return readRepository(parts, { settings, token: tokenOf(parts, run), versions }, signal)
    }
  }
}

function tokenOf({ vault }: SourceParts, { source: { sealedCredential } }: Run): string | undefined {
  if (sealedCredential === null) return undefined
  try {
    return vault.open(sealedCredential)
  } catch {
    // Sealed under another secret than this installation has now.
    throw new SourceProblem('access_denied', 'The token cannot be opened any more. Set it again.')
  }
}

async function* readUpload({ store, limits }: SourceParts, { source }: Run): Finding {
  const content = source.storageKey === null ? undefined : await store.get(source.storageKey)
  if (!content) throw new SourceProblem('bytes_gone')
  const pieces: Uint8Array[] = []
  let size = 0
  for await (const piece of content) {
    size += piece.length
    // It was taken in under another limit.
    if (size > limits.file) throw new SourceProblem('content_too_large')
    pieces.push(piece)
  }
  const mimeType = source.fileType ?? undefined
  yield {
    kind: 'document',
    uri: source.fileName ?? source.name,
    bytes: Buffer.concat(pieces),
    mimeType,
    total: 1,
  }
  return { complete: true }
}

async function* readText({ db }: SourceParts, { scope, source }: Run): Finding {
  const text = await db.scoped(scope, tx => readPastedText(tx, scope, source.id))
  yield { kind: 'document', uri: 'text', bytes: new TextEncoder().encode(text), total: 1 }
  return { complete: true }
}

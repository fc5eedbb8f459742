import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** One entry of the machine's apt sources, whichever of the two formats it was written in. */
export interface AptEntry {
  types: string[]
  uris: string[]
  suites: string[]
  components: string[]
  /** As it stood: a key file, or a whole key over several lines. */
  signedBy?: string
}

const sourcesList = '/etc/apt/sources.list'
const sourcesParts = '/etc/apt/sources.list.d'

export function machineAptEntries(): AptEntry[] {
  const parts = existsSync(sourcesParts) ? readdirSync(sourcesParts).sort() : []
  const paths = [sourcesList, ...parts.map(name => join(sourcesParts, name))]
  return paths.filter(existsSync).flatMap(path => {
    if (path.endsWith('.list')) return entriesOfLines(readFileSync(path, 'utf8'))
    if (path.endsWith('.sources')) return entriesOfStanzas(readFileSync(path, 'utf8'))
    return []
  })
}

/** Where this machine gets Debian itself from: so a mirror that works for it also serves us. */
export function debianArchive(entries: readonly AptEntry[], codename: string): AptEntry {
  const candidates = entries.filter(
    entry =>
      entry.types.includes('deb') && entry.suites.includes(codename) && entry.components.includes('main'),
  )
  // Other vendors also name their suites after Debian's; Debian's own archive ends in /debian on every mirror.
  const archive =
    candidates.find(entry => entry.uris.some(uri => /\/debian\/?$/.test(uri))) ?? candidates.at(0)
  if (archive === undefined) throw new Error(`apt: no source of this machine is Debian ${codename} main`)
  return archive
}

/** The same archive and key, but the source packages of one suite. */
export function asSourceEntry(archive: AptEntry, suite: string): string {
  const lines = [
    'Types: deb-src',
    `URIs: ${archive.uris.join(' ')}`,
    `Suites: ${suite}`,
    'Components: main',
    ...(archive.signedBy === undefined ? [] : [`Signed-By:${archive.signedBy}`]),
  ]
  return `${lines.join('\n')}\n`
}

export function entriesOfLines(text: string): AptEntry[] {
  return text.split('\n').flatMap(line => {
    const [, type, options = '', uri, suite, components] =
      /^\s*(deb|deb-src)\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]*)/.exec(line) ?? []
    if (type === undefined || uri === undefined || suite === undefined || components === undefined) return []
    const signedBy = /signed-by=(\S+)/i.exec(options)?.[1]
    return [
      {
        types: [type],
        uris: [uri],
        suites: [suite],
        components: words(components),
        ...(signedBy === undefined ? {} : { signedBy: ` ${signedBy}` }),
      },
    ]
  })
}

export function entriesOfStanzas(text: string): AptEntry[] {
  const uncommented = text
    .split('\n')
    .filter(line => !line.startsWith('#'))
    .join('\n')
  return uncommented.split(/\n\s*\n/).flatMap(stanza => {
    const fields = fieldsOf(stanza)
    if (fields.size === 0 || fields.get('enabled')?.trim() === 'no') return []
    const signedBy = fields.get('signed-by')
    return [
      {
        types: words(fields.get('types')),
        uris: words(fields.get('uris')),
        suites: words(fields.get('suites')),
        components: words(fields.get('components')),
        ...(signedBy === undefined ? {} : { signedBy }),
      },
    ]
  })
}

/** Values keep what follows the colon, continuation lines included, because a key may be written out there. */
function fieldsOf(stanza: string): Map<string, string> {
  const fields = new Map<string, string>()
  for (const [, name, value] of stanza.matchAll(/^([A-Za-z-]+):(.*(?:\n[ \t].*)*)/gm)) {
    if (name !== undefined && value !== undefined) fields.set(name.toLowerCase(), value)
  }
  return fields
}

function words(text: string | undefined): string[] {
  return (text ?? '').split(/\s+/).filter(word => word !== '')
}

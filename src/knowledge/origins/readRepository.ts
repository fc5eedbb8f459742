import { z } from 'zod'
import { takingTurns } from '../../kernel/index.ts'
import type { Outgoing } from '../../providers/outgoing.ts'
import { problem, problemOf, SourceProblem } from '../problems.ts'
import type { RepositorySettings } from '../sourceSettings.ts'
import { type Asked, fetchBytes, Refused } from './fetchBytes.ts'
import type { Ending, Finding } from './found.ts'
import { isWanted } from './matches.ts'

export interface RepositoryParts {
  readonly outgoing: Outgoing
  /** Of the API, without a slash at its end. */
  readonly githubUrl: string
  readonly limits: { readonly file: number; readonly pages: number }
}

export interface RepositoryToRead {
  readonly settings: RepositorySettings
  readonly token: string | undefined
  /** By what the repository told them apart, at the last time. */
  readonly versions: ReadonlyMap<string, string>
}

const mostBytes = 500 * 1024 * 1024
/** GitHub itself cuts the list of files at seven. */
const largestTree = 10 * 1024 * 1024
/** Code and texts; what is larger was made by a program. */
const largestText = 1024 * 1024

const repositoryView = z.object({ default_branch: z.string() })
const treeView = z.object({
  truncated: z.boolean().default(false),
  tree: z.array(
    z.object({
      path: z.string(),
      type: z.string(),
      sha: z.string(),
      size: z.number().optional(),
      mode: z.string().optional(),
    }),
  ),
})

/** The files of a branch that can be read, in the order of their paths; those of a known version are not fetched again. */
export async function* readRepository(
  parts: RepositoryParts,
  { settings, token, versions }: RepositoryToRead,
  signal: AbortSignal,
): Finding {
  const asked: Asked = { headers: headersOf(token), maxBytes: largestTree, signal }
  const api = `${parts.githubUrl}/repos/${settings.repository}`
  const branch =
    settings.branch ?? (await readJson(parts.outgoing, api, asked, repositoryView)).default_branch
  const tree = await readJson(
    parts.outgoing,
    `${api}/git/trees/${encodeURIComponent(branch)}?recursive=1`,
    asked,
    treeView,
  )
  const othersToo = takingTurns()
  const wanted: typeof tree.tree = []
  for (const file of tree.tree) {
    if (isText(file, parts.limits.file) && isWanted(settings, file.path)) wanted.push(file)
    await othersToo()
  }
  const most = Math.min(settings.maxFiles, parts.limits.pages)
  const files = wanted.slice(0, most)
  let bytes = 0
  for (const { path: uri, sha: version } of files) {
    const place = { uri, total: files.length }
    if (versions.get(uri) === version) yield { ...place, kind: 'unchanged' }
    else {
      const content = await fetchBlob(parts, `${api}/git/blobs/${version}`, asked)
      if ('code' in content) yield { ...place, kind: 'problem', problem: content, how: 'outdated' }
      else {
        bytes += content.length
        yield { ...place, kind: 'document', bytes: content, version }
      }
    }
    if (bytes > mostBytes) return cut('too_much')
  }
  return tree.truncated || wanted.length > files.length ? cut('too_many_pages') : { complete: true }
}

const cut = (code: 'too_many_pages' | 'too_much'): Ending => ({ complete: false, problem: problem(code) })

const headersOf = (token: string | undefined): Record<string, string> => ({
  accept: 'application/vnd.github+json',
  'x-github-api-version': '2022-11-28',
  ...(token !== undefined && { authorization: `Bearer ${token}` }),
})

async function readJson<Shape extends z.ZodType>(
  outgoing: Outgoing,
  address: string,
  asked: Asked,
  shape: Shape,
): Promise<z.output<Shape>> {
  try {
    const { bytes } = await fetchBytes(outgoing, address, asked)
    return shape.parse(JSON.parse(new TextDecoder().decode(bytes)))
  } catch (error) {
    if (error instanceof SyntaxError || error instanceof z.ZodError) throw new SourceProblem('server_failed')
    if (error instanceof Refused) throw inTheirWords(error)
    throw error
  }
}

/** GitHub says of what one may not see that it is not there. */
function inTheirWords(refused: Refused): SourceProblem {
  if (refused.code === 'not_found')
    return new SourceProblem(
      'not_found',
      'There is no such repository or branch, or the token does not give access to it.',
    )
  if (refused.status === 401) return new SourceProblem('access_denied', 'GitHub does not accept the token.')
  // What an empty repository answers.
  return refused.status === 409 ? new SourceProblem('nothing_found') : refused
}

async function fetchBlob({ outgoing, limits }: RepositoryParts, address: string, asked: Asked) {
  try {
    const headers = { ...asked.headers, accept: 'application/vnd.github.raw+json' }
    return (await fetchBytes(outgoing, address, { ...asked, headers, maxBytes: limits.file })).bytes
  } catch (error) {
    asked.signal.throwIfAborted()
    const known = problemOf(error)
    // The next file would be refused as well.
    if (!known || known.code === 'rate_limited' || known.code === 'access_denied') throw error
    return known
  }
}

const documents = /\.(pdf|docx)$/i
const texts =
  /(\.(md|mdx|markdown|txt|rst|adoc|asciidoc|html?|json|ya?ml|toml|ini|csv|tsv|xml|sql|graphql|proto|js|mjs|cjs|jsx|ts|tsx|py|rb|php|go|rs|java|kt|swift|c|h|cc|cpp|hpp|cs|sh|bash|lua|tf|vue|svelte|css|scss)|(^|\/)(readme|license|changelog|contributing|dockerfile|makefile))$/i
/** Of other projects, or made by programs. */
const notTheirs =
  /(^|\/)(node_modules|vendor|third_party|dist|build|\.git)\/|(^|\/)(package-lock\.json|pnpm-lock\.yaml|yarn\.lock|composer\.lock|cargo\.lock)$|\.min\.(js|css)$|\.map$/i

function isText(file: z.output<typeof treeView>['tree'][number], largest: number): boolean {
  const { path, type, mode, size = 0 } = file
  // A link has the path that it leads to for its content.
  if (type !== 'blob' || mode === '120000' || size === 0 || notTheirs.test(path)) return false
  return documents.test(path) ? size <= largest : texts.test(path) && size <= largestText
}

import { createHash } from 'node:crypto'
import { copyFile, mkdir, readdir, readFile, rename, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { brotliCompress, constants, gzip } from 'node:zlib'
import { type BuildOptions, build, type Metafile, type Plugin, transform } from 'esbuild'
import { minify } from 'terser'

const folder = import.meta.dirname
const destination = join(folder, '..', 'dist', 'widget')

/** What visitors download, in bytes as gzip leaves them: on every page; where proactive messages are set up; with the first interest in the chat. */
const most = { loader: 4_096, teaser: 2_048, app: 40_960 }

/** What `src/http/widgetFiles.ts` serves; each file also lies there as `.gz` and `.br`. */
export interface Manifest {
  /** Names that never change, for files whose names change with what is in them: `app.js`. */
  readonly aliases: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, WidgetFile>>
  /** Of builds before this one, for pages that were opened then and need a further part of it now. */
  readonly earlier: Readonly<Record<string, EarlierFile>>
}

/** A page lives hours, not weeks; and who builds with every change leaves many. */
const mostEarlier = { milliseconds: 7 * 86_400_000, files: 200 }
const endings = ['', '.gz', '.br']

export interface EarlierFile {
  readonly hash: string
  /** When a build without it took its place. */
  readonly until: string
}

export interface WidgetFile {
  /** Of what is in it. */
  readonly hash: string
  readonly bytes: number
  readonly gzip: number
  readonly brotli: number
}

export interface Budget {
  readonly what: string
  readonly bytes: number
  readonly most: number
}

class TooLarge extends Error {}

/** Everything or nothing: what was built before stays until all of it is there. */
export async function buildWidget(into = destination): Promise<{ manifest: Manifest; budgets: Budget[] }> {
  const making = `${into}.${process.pid}`
  await rm(making, { recursive: true, force: true })
  await mkdir(making, { recursive: true })
  try {
    const app = await bundlePart(making, { app: join(folder, 'app', 'main.tsx') })
    const teaser = await bundlePart(making, { teaser: join(folder, 'teaser', 'main.ts') })
    await bundleLoader(making, { APP_FILE: app.file, TEASER_FILE: teaser.file })
    await writeFile(join(making, 'parley.d.ts'), await readFile(join(folder, 'module', 'parley.d.ts')))
    await shortenAll(making)
    const files = await compressAll(making)
    const size = (names: readonly string[]) => names.reduce((sum, name) => sum + (files[name]?.gzip ?? 0), 0)
    const budgets = [
      { what: 'loader', bytes: size(['widget.js']), most: most.loader },
      { what: 'teaser', bytes: size(teaser.initial), most: most.teaser },
      { what: 'app', bytes: size(app.initial), most: most.app },
    ]
    keepTo(budgets)
    const earlier = await keepEarlier(into, making, files)
    const manifest = { aliases: { 'app.js': app.file }, files, earlier }
    await writeFile(join(making, 'manifest.json'), JSON.stringify(manifest))
    await rm(into, { recursive: true, force: true })
    await rename(making, into)
    return { manifest, budgets }
  } finally {
    await rm(making, { recursive: true, force: true })
  }
}

/** Takes over what an open page may still ask for: its own build knows no other names. */
async function keepEarlier(
  from: string,
  to: string,
  now: Manifest['files'],
): Promise<Record<string, EarlierFile>> {
  const before = await readManifest(from)
  const until = new Date().toISOString()
  const replaced = Object.entries(before.files).map(([name, { hash }]) => [name, { hash, until }] as const)
  const wanted = [...replaced, ...Object.entries(before.earlier ?? {})].filter(
    ([name, file]) =>
      !(name in now) && hasItsHash(name) && Date.parse(file.until) > Date.now() - mostEarlier.milliseconds,
  )
  const kept: Record<string, EarlierFile> = {}
  for (const [name, file] of wanted.slice(0, mostEarlier.files)) {
    const copies = endings.map(ending => copyFile(join(from, name + ending), join(to, name + ending)))
    // Whatever has become of it, it was not needed for this build.
    if ((await Promise.allSettled(copies)).every(({ status }) => status === 'fulfilled')) kept[name] = file
  }
  return kept
}

/** None, on the first build; those of older ones say nothing of what was before them. */
async function readManifest(from: string): Promise<Pick<Manifest, 'files'> & Partial<Manifest>> {
  try {
    return JSON.parse(await readFile(join(from, 'manifest.json'), 'utf8'))
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return { files: {} }
    throw error
  }
}

const hasItsHash = (name: string): boolean => /-[0-9A-Z]{8}\.js$/.test(name)

export function keepTo(budgets: readonly Budget[]): void {
  const over = budgets.filter(({ bytes, most }) => bytes > most)
  if (over.length === 0) return
  const words = over.map(
    ({ what, bytes, most }) =>
      `The ${what} has ${bytes} bytes (gzip), ${bytes - most} more than its budget of ${most}.`,
  )
  throw new TooLarge(words.join(' '))
}

const common = {
  bundle: true,
  minify: true,
  // What else it needs, such as `adoptedStyleSheets`, is newer.
  target: 'es2022',
  legalComments: 'none',
  // Letters that every encoding shares would make other languages three times as long.
  charset: 'utf8',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  logLevel: 'silent',
  write: true,
} satisfies BuildOptions

/** `initial`: all that has to be there before it can begin. */
interface Part {
  readonly file: string
  readonly initial: readonly string[]
}

/** What the loader loads when it is needed, and what that loads later in pieces of its own. */
async function bundlePart(outdir: string, entryPoints: Record<string, string>): Promise<Part> {
  const { metafile } = await build({
    ...common,
    entryPoints,
    outdir,
    format: 'esm',
    splitting: true,
    entryNames: '[name]-[hash]',
    chunkNames: '[name]-[hash]',
    metafile: true,
    plugins: [styles],
  })
  const [entry] =
    Object.entries(metafile.outputs).find(
      ([, { entryPoint }]) =>
        entryPoint !== undefined && Object.values(entryPoints).some(source => source.endsWith(entryPoint)),
    ) ?? []
  if (entry === undefined) throw new Error(`esbuild made nothing of ${Object.keys(entryPoints)}`)
  const initial = withImports(metafile, entry)
  bringNothingAlong(metafile, initial)
  return { file: basename(entry), initial: [...initial].map(path => basename(path)) }
}

/**
 * What is loaded later is tried again under another address if it has to be, which what it imports would not be: so all of that has to be there
 * from the beginning.
 */
function bringNothingAlong(metafile: Metafile, initial: ReadonlySet<string>): void {
  for (const path of Object.keys(metafile.outputs)) {
    const more = [...withImports(metafile, path)].filter(one => one !== path && !initial.has(one))
    if (more.length > 0)
      throw new Error(
        `${basename(path)} imports ${more.map(one => basename(one))}, which other parts import as well. Put what they share into one of them, or into what is always loaded.`,
      )
  }
}

function withImports(metafile: Metafile, path: string, seen = new Set<string>()): Set<string> {
  if (seen.has(path)) return seen
  seen.add(path)
  for (const { kind, path: imported } of metafile.outputs[path]?.imports ?? [])
    if (kind === 'import-statement') withImports(metafile, imported, seen)
  return seen
}

/** The tag's script, and the same as a module. */
async function bundleLoader(outdir: string, files: Readonly<Record<string, string>>): Promise<void> {
  const define = Object.fromEntries(Object.entries(files).map(([name, file]) => [name, JSON.stringify(file)]))
  const options = { ...common, define, plugins: [styles] } satisfies BuildOptions
  await build({
    ...options,
    entryPoints: [join(folder, 'loader', 'main.ts')],
    outfile: join(outdir, 'widget.js'),
    format: 'iife',
  })
  await build({
    ...options,
    entryPoints: [join(folder, 'module', 'main.ts')],
    outfile: join(outdir, 'widget.mjs'),
    format: 'esm',
  })
}

/** Style sheets become texts, for `adoptedStyleSheets`: neither a `<style>` nor an attribute, which a strict CSP would refuse. */
const styles: Plugin = {
  name: 'styles',
  setup({ onLoad }) {
    onLoad({ filter: /\.css$/ }, async ({ path }) => {
      const { code } = await transform(await readFile(path, 'utf8'), { loader: 'css', minify: true })
      return { contents: code.trim(), loader: 'text', watchFiles: [path] }
    })
  },
}

/** The bundler's own shortening looks at each expression once; this finds another 3 %, which visitors need not download. */
async function shortenAll(outdir: string): Promise<void> {
  for (const name of await readdir(outdir)) {
    if (!/\.m?js$/.test(name)) continue
    const path = join(outdir, name)
    const { code } = await minify(await readFile(path, 'utf8'), {
      module: name !== 'widget.js',
      ecma: 2020,
      compress: { passes: 3 },
      format: { comments: false },
    })
    if (code === undefined) throw new Error(`terser made nothing of ${name}`)
    await writeFile(path, code)
  }
}

const zip = promisify(gzip)
const brotli = promisify(brotliCompress)

async function compressAll(outdir: string): Promise<Record<string, WidgetFile>> {
  const files: Record<string, WidgetFile> = {}
  for (const name of (await readdir(outdir)).sort()) {
    const path = join(outdir, name)
    const body = await readFile(path)
    const [gz, br] = await Promise.all([
      zip(body, { level: 9 }),
      brotli(body, { params: { [constants.BROTLI_PARAM_SIZE_HINT]: body.length } }),
    ])
    await Promise.all([writeFile(`${path}.gz`, gz), writeFile(`${path}.br`, br)])
    const hash = createHash('sha256').update(body).digest('base64url').slice(0, 16)
    files[name] = { hash, bytes: body.length, gzip: gz.length, brotli: br.length }
  }
  return files
}

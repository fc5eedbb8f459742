import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type Request, type RequestHandler, type Response, Router } from 'express'
import { type Log, ParleyError } from '../kernel/index.ts'
import { asNoPage } from './pageHeaders.ts'

/** What `npm run build` leaves: `widget/bundle.ts` writes its manifest. */
export const widgetFolder = join(import.meta.dirname, '..', '..', 'dist', 'widget')

interface Manifest {
  readonly aliases: Readonly<Record<string, string>>
  readonly files: Readonly<Record<string, { readonly hash: string }>>
  /** Of builds before; what was built by an older program says nothing of them. */
  readonly earlier?: Readonly<Record<string, { readonly hash: string }>>
}

interface Served {
  readonly etag: string
  readonly type: string
  readonly cache: string
  /** By content coding; they are small and asked for by every page, so they stay in memory. */
  readonly bodies: Readonly<Record<Coding, Buffer>>
}

type Coding = 'br' | 'gzip' | 'identity'

interface Files {
  readonly now: ReadonlyMap<string, Served>
  /** Rarely asked for, so they stay where they lie. */
  earlier(path: string): Promise<Served | undefined>
}

/** The script of the tag, the module, and the parts that they load, for pages of any site. */
export async function widgetFiles(log: Log, folder = widgetFolder): Promise<Router> {
  const files = await readFiles(folder)
  if (!files) log.warn({ folder }, 'the widget is not built, so pages cannot load it; run npm run build')
  const router = Router()
  router.get(['/widget.js', '/widget.mjs'], serve(files))
  router.get('/widget/*file', serve(files))
  return router
}

const serve =
  (files: Files | undefined): RequestHandler =>
  async (request, response, next) => {
    forAnyPage(response)
    if (!files)
      throw new ParleyError('unavailable', 'The widget is not built on this server. Run npm run build.', {
        retryAfter: 60,
      })
    const file = files.now.get(request.path) ?? (await files.earlier(request.path))
    if (file) return send(file, request, response)
    // While servers change one after the other the next one asked may have it.
    response.set('Cache-Control', 'no-store')
    next()
  }

function forAnyPage(response: Response): void {
  asNoPage(response)
  response.set({
    'Access-Control-Allow-Origin': '*',
    'Cross-Origin-Resource-Policy': 'cross-origin',
    'Timing-Allow-Origin': '*',
  })
}

function send({ etag, type, cache, bodies }: Served, request: Request, response: Response): void {
  const coding = codingFor(request)
  const tag = `"${etag}-${coding}"`
  response.set({ 'Cache-Control': cache, ETag: tag, Vary: 'Accept-Encoding' })
  if (
    request
      .get('if-none-match')
      ?.split(/,\s*/)
      .some(known => known.replace(/^W\//, '') === tag)
  ) {
    response.status(304).end()
    return
  }
  const body = bodies[coding]
  response.set({ 'Content-Type': type, 'Content-Length': String(body.length) })
  if (coding !== 'identity') response.set('Content-Encoding', coding)
  response.end(request.method === 'HEAD' ? undefined : body)
}

/** The smallest that the browser takes, in whatever order it names them. */
function codingFor(request: Request): Coding {
  const taken = request.acceptsEncodings()
  return (['br', 'gzip'] as const).find(coding => taken.includes(coding)) ?? 'identity'
}

async function readFiles(folder: string): Promise<Files | undefined> {
  const manifest = await readFile(join(folder, 'manifest.json'), 'utf8').catch(absent)
  if (manifest === undefined) return undefined
  const { aliases, files, earlier = {} } = JSON.parse(manifest) as Manifest
  const served = new Map<string, Served>()
  for (const [name, { hash }] of Object.entries(files)) {
    const file = await readOne(folder, name, hash)
    served.set(atRoot(name) ? `/${name}` : `/widget/${name}`, file)
  }
  for (const [alias, name] of Object.entries(aliases)) {
    const file = served.get(`/widget/${name}`)
    if (file) served.set(`/widget/${alias}`, { ...file, cache: 'no-cache' })
  }
  const before = new Map(
    Object.entries(earlier).map(([name, { hash }]) => [`/widget/${name}`, { name, hash }]),
  )
  return {
    now: served,
    earlier: async path => {
      const file = before.get(path)
      return file && readOne(folder, file.name, file.hash).catch(absent)
    },
  }
}

/** Not built at all, or by now a later build has taken away what was too old. */
function absent(error: NodeJS.ErrnoException): undefined {
  if (error.code !== 'ENOENT') throw error
}

const atRoot = (name: string): boolean => name === 'widget.js' || name === 'widget.mjs'

async function readOne(folder: string, name: string, hash: string): Promise<Served> {
  const [identity, gzip, br] = await Promise.all(
    ['', '.gz', '.br'].map(ending => readFile(join(folder, `${name}${ending}`))),
  )
  if (!identity || !gzip || !br) throw new Error(`${name} is incomplete`)
  return {
    etag: hash,
    type: name.endsWith('.ts') ? 'text/plain; charset=utf-8' : 'text/javascript; charset=utf-8',
    // A new version reaches every page within minutes; what has its content in its name never changes.
    cache: /-[0-9A-Z]{8}\.js$/.test(name) ? 'public, max-age=31536000, immutable' : 'public, max-age=300',
    bodies: { identity, gzip, br },
  }
}

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import type { DatabaseKind } from './databases.ts'
import { eventually } from './eventually.ts'
import { type StartedParley, startParley } from './parley.ts'
import type { Workspace } from './people.ts'
import { quickWorkspace } from './quickPeople.ts'

export interface Source {
  readonly id: string
  readonly name: string
  readonly type: string
  readonly status: 'processing' | 'ready' | 'error'
  readonly error: { readonly code: string; readonly message: string } | null
  readonly counts: { readonly documents: number; readonly chunks: number; readonly tokens: number }
  readonly fileType: string | null
  readonly hasToken: boolean
  readonly settings: Record<string, unknown>
  readonly embedder: string | null
  readonly [other: string]: unknown
}

export interface SourceDocument {
  readonly id: string
  readonly uri: string
  readonly title: string
  readonly status: 'ready' | 'skipped' | 'error'
  readonly error: { readonly code: string; readonly message: string } | null
  readonly pageCount: number | null
}

/** A workspace that learns from sources, and ways to look at what it has learnt. */
export interface SourcesWorld {
  readonly parley: StartedParley
  readonly workspace: Workspace
  add(body: Record<string, unknown>, of?: Workspace): Promise<Source>
  upload(
    name: string,
    content: Uint8Array | string,
    of?: Workspace,
  ): Promise<{ status: number; body: Source & { readonly code?: string } }>
  /** As it is once nobody reads it any more. */
  settled(id: string, of?: Workspace): Promise<Source>
  /** Added and read. */
  read(body: Record<string, unknown>, of?: Workspace): Promise<Source>
  resync(id: string, of?: Workspace): Promise<Source>
  documents(id: string, of?: Workspace): Promise<SourceDocument[]>
  /** The texts of a source that are searched. */
  texts(id: string): Promise<string>
  objects(of?: Workspace): Promise<string[]>
}

export const slow = 60_000

export async function startSourcesWorld(
  kind: DatabaseKind,
  environment: Readonly<Record<string, string>> = {},
): Promise<SourcesWorld> {
  const parley = await startParley(kind, { OUTGOING_ALLOWED: '127.0.0.1', ...environment })
  const workspace = await quickWorkspace(parley)
  const path = '/api/v1/knowledge/sources'
  const settled: SourcesWorld['settled'] = async (id, { owner } = workspace) => {
    const look = async () => (await owner.call<Source>('get', `${path}/${id}`)).body as Source
    await eventually('the source is read', async () => (await look()).status !== 'processing', slow)
    return look()
  }
  const add: SourcesWorld['add'] = async (body, { owner } = workspace) => {
    const answer = await owner.call<Source>('post', path, body)
    if (answer.status !== 201) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`)
    return answer.body as Source
  }
  return {
    ...{ parley, workspace, settled, add },
    read: async (body, of) => settled((await add(body, of)).id, of),
    upload: async (name, content, { owner } = workspace) => {
      const response = await fetch(`${parley.url}${path}/files?name=${encodeURIComponent(name)}`, {
        method: 'POST',
        headers: { authorization: `Bearer ${owner.token}`, 'content-type': 'application/octet-stream' },
        body: typeof content === 'string' ? content : new Uint8Array(content),
      })
      return { status: response.status, body: (await response.json()) as Source }
    },
    resync: async (id, of = workspace) => {
      const answer = await of.owner.call('post', `${path}/${id}/sync`)
      if (answer.status !== 200) throw new Error(`${answer.status}: ${JSON.stringify(answer.body)}`)
      return settled(id, of)
    },
    documents: async (id, { owner } = workspace) =>
      (await owner.call<{ items: SourceDocument[] }>('get', `${path}/${id}/documents?limit=100`)).body.items,
    texts: async id => {
      const { rows } = await parley.owner.query<{ text: string }>(
        'select text from knowledge_chunks where source_id = $1 and searchable order by document_id, position',
        [id],
      )
      return rows.map(({ text }) => text).join('\n')
    },
    objects: async ({ tenantId } = workspace) =>
      readdir(join(parley.dataFolder, 'files', tenantId)).catch(() => []),
  }
}

/** Until all jobs about sources are done. */
export const untilNobodyReads = ({ owner }: Pick<StartedParley, 'owner'>): Promise<void> =>
  eventually(
    'all sources are read',
    async () => {
      const { rows } = await owner.query(
        `select 1 from pgboss.job where name in ('sync-source', 'crawl-source', 'remove-source-bytes', 'knowledge-tend-index')
         and state in ('created', 'active', 'retry')`,
      )
      return rows.length === 0
    },
    slow,
  )

import { readdir } from 'node:fs/promises'
import { join } from 'node:path'
import { expect } from 'vitest'
import type { FileView } from '../../src/chat/index.ts'
import { newId } from '../../src/kernel/index.ts'
import type { DatabaseKind } from './databases.ts'
import { startParley, type TestParley } from './parley.ts'
import type { Answer, Workspace } from './people.ts'
import { quickWorkspace } from './quickPeople.ts'
import { type Sent, upload } from './uploads.ts'

export interface Links {
  url: string
  expiresAt: string
  thumbnailUrl?: string
  width?: number
  height?: number
}

type Row = Record<string, unknown>

/** A workspace with a conversation to put files into, and ways to look at what became of them. */
export interface FileWorld {
  readonly parley: TestParley
  readonly workspace: Workspace
  readonly conversation: string
  newConversation(of: Workspace): Promise<string>
  send(sent: Sent): Promise<Answer<FileView>>
  rowsOf(table: string, of?: Workspace): Promise<Row[]>
  metadataOf(fileId: string): Promise<Row>
  /** What lies in the store for a workspace, drafts included. */
  objects(of?: Workspace): Promise<string[]>
  linksTo(fileId: string): Promise<Links>
  stored(sent: Sent): Promise<{ id: string; links: Links }>
  /** Of a refused upload there is neither row nor object nor draft. */
  leavesNothing(work: () => Promise<unknown>): Promise<void>
}

export async function startFileWorld(
  kind: DatabaseKind,
  environment: Readonly<Record<string, string>> = {},
): Promise<FileWorld> {
  const parley = await startParley(kind, { MAX_FILE_MIB: '2', ...environment })
  const workspace = await quickWorkspace(parley)
  const newConversation: FileWorld['newConversation'] = async ({ tenantId }) => {
    const id = newId()
    await parley.owner.query('insert into conversations (tenant_id, id) values ($1, $2)', [tenantId, id])
    return id
  }
  const conversation = await newConversation(workspace)
  const send = (sent: Sent) => upload(parley, workspace.owner, conversation, sent)
  const rowsOf: FileWorld['rowsOf'] = async (table, { tenantId } = workspace) =>
    (await parley.owner.query<Row>(`select * from ${table} where tenant_id = $1`, [tenantId])).rows
  const objects: FileWorld['objects'] = async ({ tenantId } = workspace) =>
    (await readdir(join(parley.dataFolder, 'files', tenantId)).catch(() => [])).sort()
  const linksTo: FileWorld['linksTo'] = async id => {
    const answer = await workspace.owner.call<Links>('post', `/api/v1/files/${id}/link`)
    expect(answer.status, JSON.stringify(answer.body)).toBe(200)
    return answer.body
  }
  return {
    ...{ parley, workspace, conversation, newConversation, send, rowsOf, objects, linksTo },
    metadataOf: async id =>
      ((await rowsOf('files')).find(row => row.id === id)?.metadata ?? {}) as Record<string, unknown>,
    stored: async sent => {
      const { status, body } = await send(sent)
      expect(status, JSON.stringify(body)).toBe(201)
      return { id: body.id, links: await linksTo(body.id) }
    },
    leavesNothing: async work => {
      const before = [await objects(), (await rowsOf('files')).length]
      await work()
      expect([await objects(), (await rowsOf('files')).length]).toEqual(before)
    },
  }
}

/** A response of fetch as the checks of problems take it. */
export const problemOf = async (response: Response) => ({
  status: response.status,
  headers: response.headers,
  body: await response.json(),
})

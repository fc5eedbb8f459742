import { newId } from '../../../src/kernel/index.ts'
import { connectVisitor, visit } from '../../support/sockets.ts'
import type { World } from './credentials.ts'
import type { PersonEntry } from './personRoutes.ts'

async function newWidgetKey({ a }: World): Promise<string> {
  const { body } = await a.owner.call<{ publicKey: string }>('post', '/api/v1/widgets', {
    name: `Widget ${newId()}`,
  })
  return body.publicKey
}

/** What visitors and readers of links do over HTTP, where nobody knows them: the right address is all they need. */
export const visitorRoutes: Readonly<Record<string, PersonEntry>> = {
  'GET /api/v1/visitor/widgets/{key}': {
    access: 'public',
    status: 200,
    request: async world => ({ path: `/api/v1/visitor/widgets/${await newWidgetKey(world)}` }),
  },
  'POST /api/v1/visitor/sessions': {
    access: 'public',
    status: 201,
    request: async world => ({
      path: '/api/v1/visitor/sessions',
      body: { widget: await newWidgetKey(world) },
    }),
  },
  'POST /api/v1/visitor/uploads/{token}': {
    access: 'public',
    status: 201,
    request: async world => {
      const { url } = world.parley
      const visitor = await connectVisitor(url, await visit(url, await newWidgetKey(world)))
      const { conversation } = await visitor.ask('conversation.open', { clientId: 'with-a-file' })
      const offer = await visitor.ask('file.offer', { conversationId: conversation.id, name: 'notes.txt' })
      visitor.close()
      return {
        path: new URL(offer.url).pathname,
        body: 'some notes',
        headers: { 'content-type': 'text/plain' },
      }
    },
    audit: ['file.uploaded', 'new'],
  },
  'GET /files/{token}': {
    access: 'public',
    status: 200,
    request: async ({ a, makeA }) => {
      const upload = `/api/v1/conversations/${await makeA.conversation()}/files?name=notes.txt`
      const type = { 'content-type': 'text/plain' }
      const file = await a.owner.call<{ id: string }>('post', upload, 'some notes', type)
      const link = await a.owner.call<{ url: string }>('post', `/api/v1/files/${file.body.id}/link`)
      return { path: new URL(link.body.url).pathname }
    },
  },
}

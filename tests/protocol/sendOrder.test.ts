import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import type { Entry, Part } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectVisitor, newWidget, type TestSocket, text, type Visit, visit } from '../support/sockets.ts'
import { filePart, strangerFile } from '../support/uploads.ts'

const count = 200

describe.each(databaseKinds)('the order of what one connection sends on %s', kind => {
  let parley: TestParley
  let visiting: Visit
  let visitor: TestSocket
  let fileId: string
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    visiting = await visit(parley.url, (await newWidget(await quickWorkspace(parley))).publicKey)
    visitor = await connectVisitor(parley.url, visiting)
  })
  afterAll(() => parley.remove())

  /** A conversation with an upload to send, and what every second message is made of. */
  async function begin(clientId: string) {
    const { conversation } = await visitor.ask('conversation.open', { clientId })
    fileId = await strangerFile(visitor, conversation.id)
    return conversation.id
  }
  const partsOf = (at: number): Part[] => (at % 2 === 0 ? filePart(fileId) : text(`message ${at}`))
  const numbered = Array.from({ length: count }, (_, at) => `m${at}`)

  async function logOf(conversationId: string): Promise<Entry[]> {
    const log: Entry[] = []
    for (;;) {
      const { entries, more } = await visitor.ask('history.read', { conversationId, after: log.length })
      log.push(...entries)
      if (!more) return log
    }
  }

  test('8.3: sends without a wait between them, every second with a file, are appended as they came', async () => {
    const conversationId = await begin('pipelined')
    const stored = await Promise.all(
      numbered.map((clientId, at) =>
        visitor.ask('message.send', { conversationId, clientId, parts: partsOf(at) }),
      ),
    )
    expect((await logOf(conversationId)).map(({ clientId }) => clientId)).toEqual(numbered)
    expect(stored.map(({ seq }) => seq)).toEqual(numbered.map((_, at) => at + 1))
  })

  test('8.3: so are edits and deletions between them', async () => {
    const conversationId = await begin('changed')
    const sent = { conversationId, clientId: 'first', parts: text('first') }
    const { id: messageId } = await visitor.ask('message.send', sent)
    const ids = ['send', 'edit with a file', 'edit', 'send with a file', 'delete', 'send after'].map(name =>
      name.replaceAll(' ', '-'),
    )
    await Promise.all(
      ids.map(clientId => {
        const place = { conversationId, clientId }
        const parts = clientId.includes('file') ? filePart(fileId) : text(clientId)
        if (clientId === 'delete') return visitor.ask('message.delete', { ...place, messageId })
        if (clientId.startsWith('edit')) return visitor.ask('message.edit', { ...place, messageId, parts })
        return visitor.ask('message.send', { ...place, parts })
      }),
    )
    expect((await logOf(conversationId)).slice(1).map(({ clientId }) => clientId)).toEqual(ids)
  })

  test('8.3: a client that has many without an answer keeps its order, files or not', async () => {
    const conversationId = await begin('window')
    const client = createClient<'visitor'>({
      socket: io(`${parley.url}/visitor`, {
        ...{ autoConnect: false, reconnection: false, transports: ['websocket'] },
        query: { widget: visiting.widgetKey },
      }),
      auth: async () => ({ token: visiting.token }),
      renew: async () => ({ token: visiting.token }),
      options: { sendWindow: 16, ackTimeoutMs: 60_000 },
    })
    try {
      await client.connect()
      const conversation = client.conversation(conversationId)
      await eventually('it is open', () => conversation.getSnapshot().live)
      const sent = numbered.map((_, at) => conversation.send({ parts: partsOf(at) }))
      await eventually('all are stored', () => conversation.getSnapshot().applied === count, 60_000)
      expect((await logOf(conversationId)).map(({ clientId }) => clientId)).toEqual(sent)
      expect(client.counters.resent).toBe(0)
    } finally {
      client.close()
    }
  })
})

/**
 * What an acknowledgement takes at the least on this machine at this moment: bare Socket.IO whose messages are stored in groups by the
 * product's two statements through its pool, and acknowledged and echoed after the commit. Nothing is checked, addressed or counted.
 */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { Server } from 'socket.io'
import { insertEntries, lockConversations } from '../../src/chat/logStore.ts'
import { createDatabase, createJobs, createPool, type Database } from '../../src/db/index.ts'
import { createLog, createMetrics, newId, systemScope } from '../../src/kernel/index.ts'
import { serveCalls } from '../harness/parts.ts'
import { sampleDraft, type Tenant } from './batches.ts'

interface Message {
  readonly conversationId: string
  readonly clientId: string
}

interface Waiting {
  readonly conversationId: string
  readonly clientId: string
  readonly stored: () => void
}

/** By the names of rooms: who has the conversation, and which it is. */
const places = new Map<string, { readonly tenantId: string; readonly conversationId: string }>()
const waiting = new Map<string, Waiting[]>()
let groups = 0
let entries = 0

async function write(db: Database, tenantId: string, group: readonly Waiting[]): Promise<void> {
  groups++
  entries += group.length
  await db.scoped(systemScope(tenantId, 'floor'), async tx => {
    const ids = [...new Set(group.map(({ conversationId }) => conversationId))]
    await lockConversations(tx, tenantId, ids)
    const drafts = group.map(({ conversationId, clientId }) => {
      return { ...sampleDraft(conversationId), clientId, id: newId(), public: true }
    })
    await insertEntries(tx, tenantId, drafts, { last: true })
  })
  for (const { stored } of group) stored()
}

/** As in the log: what comes while one group is written is the next. */
async function writeAll(db: Database, tenantId: string): Promise<void> {
  await new Promise(resolve => setImmediate(resolve))
  for (;;) {
    const group = waiting.get(tenantId)?.splice(0) ?? []
    if (group.length === 0) break
    await write(db, tenantId, group)
  }
  waiting.delete(tenantId)
}

function append(db: Database, room: string, clientId: string, stored: () => void): void {
  const place = places.get(room)
  if (!place) throw new Error(`there is no ${room}`)
  const { tenantId, conversationId } = place
  const others = waiting.get(tenantId)
  const one = { conversationId, clientId, stored }
  if (others) others.push(one)
  else {
    waiting.set(tenantId, [one])
    void writeAll(db, tenantId)
  }
}

async function listen(databaseUrl: string, connections: number, tenants: readonly Tenant[]): Promise<string> {
  const ofAll = tenants.flatMap(({ id, conversations }) => conversations.map(one => ({ id, one })))
  for (const [at, { id, one }] of ofAll.entries())
    places.set(`room-${at}`, { tenantId: id, conversationId: one })
  const [log, metrics] = [createLog({ level: 'warn' }), createMetrics()]
  const pool = createPool(
    { connection: { url: databaseUrl }, max: connections, statementTimeoutMs: 10_000 },
    log,
  )
  const db = createDatabase({ pool, log, metrics, jobs: createJobs({ pool, log, metrics }) })
  const http = createServer()
  const io = new Server(http, { transports: ['websocket'] })
  io.on('connection', socket => {
    socket.on('join', async (room: string, acknowledge: (answer: unknown) => void) => {
      await socket.join(room)
      acknowledge({ ok: true })
    })
    socket.on('message.send', (message: Message, acknowledge: (answer: unknown) => void) => {
      append(db, message.conversationId, message.clientId, () => {
        acknowledge({ ok: true })
        io.to(message.conversationId).emit('message', message)
      })
    })
  })
  await new Promise<void>(resolve => http.listen(0, '127.0.0.1', resolve))
  return `http://127.0.0.1:${(http.address() as AddressInfo).port}`
}

/** Entries of a group since it was asked last. */
function groupSize(): number {
  const size = entries / groups
  groups = 0
  entries = 0
  return size
}

serveCalls({ listen, groupSize })

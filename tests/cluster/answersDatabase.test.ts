import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type AnswerCluster, question, startAnswerCluster, words } from '../support/answerCluster.ts'
import { clusterPossible } from '../support/cluster.ts'
import type { TestDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { startWire, type Wire } from '../support/networkPath.ts'
import { type LocalPostgres, startLocalPostgres } from '../support/services/postgres-local.ts'
import { text } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 })

const slow = 20

describe.skipIf(!clusterPossible)('answers while the database is away', () => {
  let server: LocalPostgres
  let wire: Wire
  let cluster: AnswerCluster

  beforeAll(async () => {
    server = await startLocalPostgres(process.env, { keepsCommits: true })
    wire = await startWire({ host: '127.0.0.1', port: Number(new URL(server.url).port) })
    cluster = await startAnswerCluster({ database: databaseBehind(wire, server) })
  })
  afterAll(async () => {
    await cluster?.stop()
    await wire?.[Symbol.asyncDispose]()
    await server?.stop()
  })

  const restart = () => server.crash()
  /** The model has said everything before it is back. */
  const awayUntilSaid = async () => {
    await wire.cut()
    await eventually('the model has said it', () => cluster.asked()[0]?.endedAt !== undefined, 20_000)
    await new Promise(resolve => setTimeout(resolve, 500))
    await wire.restore()
  }

  test.each([
    ['restarts', 60, restart],
    ['is away when the answer is complete', 40, awayUntilSaid],
  ])('L2 L8: a database that %s costs no answer, and gives none twice', async (_what, length, fault) => {
    cluster.answers({ text: words(length), rate: slow }, { text: words(length), rate: slow })
    const visitor = await cluster.visitor(0, await cluster.visit())
    const conversationId = (await visitor.ask('conversation.open', { clientId: 'first' })).conversation.id
    await visitor.ask('message.send', { conversationId, clientId: 'asked', parts: text(question) })
    await visitor.next('delta', ({ offset }) => offset > 20)
    await fault()
    await visitor.next('entries', event => event.entries.some(({ role }) => role === 'assistant'), 30_000)
    const ended = async () => (await cluster.runs(conversationId)).every(({ state }) => state !== 'running')
    await eventually('no run is at work', ended)
    expect(await cluster.stored(conversationId)).toEqual([
      { text: words(length), client_id: 'answer:1', type: 'text' },
    ])
    const states = (await cluster.runs(conversationId)).map(({ state }) => state)
    expect(states.filter(state => state === 'done')).toEqual(['done'])
    expect(states.filter(state => state !== 'done' && state !== 'lost')).toEqual([])
    console.log(`attempts: ${states.join(', ')}`)
    visitor.close()
  })
})

/** The gateways reach it over the wire and bring its tables themselves; the tests look at it directly. */
function databaseBehind(wire: Wire, server: LocalPostgres): TestDatabase {
  const url = new URL(server.url)
  url.port = String(wire.port)
  const owner = new pg.Pool({ connectionString: server.url, max: 2 })
  // Its connections break with the server; the queries that suffer fail by themselves.
  owner.on('error', () => undefined)
  return { connection: { url: url.href }, owner, drop: () => owner.end() }
}

import { setTimeout as sleep } from 'node:timers/promises'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import { busIsUp, type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { createTestDatabase } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { startWire, type Wire } from '../support/networkPath.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

/** Less than the ten seconds after which a log that has grown unheard is found by itself. */
const soonMs = 8_000

describe.skipIf(!clusterPossible)('a commit whose answer is lost', () => {
  let wire: Wire
  let cluster: Cluster
  let workspace: Workspace
  let visitor: TestSocket
  let elsewhere: TestSocket
  let conversationId: string
  /** What a transaction says, in turns, of which the last piece gets no answer. */
  let armed: readonly string[] = []
  let lost = 0
  const urlOf = (which: number) => cluster.nodes[which]?.url ?? ''

  const losesAnswer = () => {
    let seen = 0
    return (piece: Buffer) => {
      const wanted = armed[seen]
      if (wanted === undefined || !piece.includes(wanted)) return false
      if (++seen < armed.length) return false
      armed = []
      seen = 0
      lost++
      return true
    }
  }

  beforeAll(async () => {
    const database = await createTestDatabase('PostgreSQL')
    const real = new URL((database.connection as { url: string }).url)
    wire = await startWire({ host: real.hostname, port: Number(real.port || 5432) }, { losesAnswer })
    const throughWire = new URL(real)
    throughWire.hostname = '127.0.0.1'
    throughWire.port = `${wire.port}`
    cluster = await startCluster({ nodes: 2, database, environment: { DATABASE_URL: throughWire.href } })
    for (const which of [0, 1]) await busIsUp(cluster, which)
    workspace = await quickWorkspace(cluster.parley(0))
    const { publicKey } = await newWidget(workspace)
    visitor = await connectVisitor(urlOf(0), await visit(urlOf(0), publicKey))
    conversationId = (await visitor.ask('conversation.open', { clientId: 'main' })).conversation.id
    await visitor.ask('message.send', { conversationId, clientId: 'help', parts: text('help') })
    elsewhere = await connectMember(urlOf(1), workspace.owner)
    await elsewhere.ask('conversation.open', { conversationId })
  })
  afterAll(async () => {
    visitor?.close()
    elsewhere?.close()
    await cluster?.stop()
    await wire?.[Symbol.asyncDispose]()
  })

  test('L4 L7: who has claimed replies at once, and everybody hears on every node who answers now', async () => {
    const socket = io(`${urlOf(0)}/member`, {
      ...{ transports: ['websocket'], autoConnect: false, reconnection: false, forceNew: true },
    })
    const auth = async () => ({ token: workspace.owner.token })
    const client = createClient<'member'>({ socket, auth, renew: auth })
    await client.connect()
    const conversation = client.conversation(conversationId)
    await eventually('it is open', () => conversation.getSnapshot().live)
    const before = lost
    armed = ['"claimed"']
    const claimed = await conversation.claim()
    expect([lost, claimed.ok]).toEqual([before + 1, true])
    const epoch = claimed.ok ? claimed.value.epoch : 0
    // From the acknowledgement, whatever is heard of it.
    expect(conversation.getSnapshot().conversation).toMatchObject({ owner: 'member', epoch })
    const clientId = conversation.reply(text('I am here.'))
    const reply = () => conversation.getSnapshot().messages.find(one => one.clientId === clientId)
    await eventually('the reply has an end', () => (reply()?.seq ?? reply()?.failure ?? null) !== null)
    expect(reply()?.failure).toBeNull()
    for (const one of [visitor, elsewhere])
      await one.next('conversation', state => state.owner === 'member' && state.epoch === epoch, soonMs)
    client.close()
  })

  test('L4: a mark is told on every node once the database answers again', async () => {
    const before = lost
    const member = await connectMember(urlOf(0), workspace.owner)
    const { head } = await member.ask('conversation.open', { conversationId })
    armed = ['"readerKind":"member"', 'commit']
    const answer = member.answer('mark.set', { conversationId, delivered: head, read: head })
    await eventually('the answer is lost', () => lost === before + 1)
    expect(await answer).toMatchObject({ ok: false, error: { code: 'unavailable' } })
    await wire.cut()
    await sleep(2_500)
    await wire.restore()
    for (const one of [visitor, elsewhere])
      await one.next('mark', ({ reader, read }) => reader.kind === 'member' && read > 0, soonMs)
    member.close()
  })
})

import { setTimeout as sleep } from 'node:timers/promises'
import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest'
import { check } from '../../loadtest/simulation/checker.ts'
import { Recorder } from '../../loadtest/simulation/recorder.ts'
import { readRows } from '../../loadtest/simulation/rows.ts'
import { type Client, type Conversation, createClient } from '../../src/client/index.ts'
import { startBalancer } from '../support/balancer.ts'
import { type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import type { GatewayNode } from '../support/nodes.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 180_000, hookTimeout: 120_000 })

/** Four restarts give more than a thousand returns of them: one of a thousand is somebody. */
const clients = 300
/** Of them, those who write all the time. */
const writers = 40
const backWithinMs = 5_000

describe.skipIf(!clusterPossible || !inject('services').haproxy)(
  'two nodes behind deploy/haproxy.cfg',
  () => {
    let cluster: Cluster
    let balancer: Awaited<ReturnType<typeof startBalancer>>
    let workspace: Workspace
    let widgetKey: string

    beforeAll(async () => {
      // Long beside what the balancer takes to see that a node is going: two checks.
      cluster = await startCluster({ nodes: 2, environment: { TRUST_PROXY: '1', DRAIN_SECONDS: '8' } })
      const [one, other] = cluster.nodes as [GatewayNode, GatewayNode]
      balancer = await startBalancer([one, other])
      workspace = await quickWorkspace(cluster.parley(0))
      widgetKey = (await newWidget(workspace)).publicKey
    })
    afterAll(async () => {
      await balancer?.stop()
      await cluster?.stop()
    })

    test('L4: clients that poll send and receive, whichever node each of their requests would have gone to', async () => {
      const polling = { transports: ['polling' as const] }
      const guests = await Promise.all(
        Array.from({ length: 4 }, async () =>
          connectVisitor(balancer.url, await visit(balancer.url, widgetKey), polling),
        ),
      )
      const members = await Promise.all(
        Array.from({ length: 4 }, () => connectMember(balancer.url, workspace.owner, polling)),
      )
      const nodes = new Set<string>()
      for (const { url } of cluster.nodes) {
        const metrics = await (await fetch(`${url}/metrics`)).text()
        if (/^parley_connections{audience="visitor"} [1-9]/m.test(metrics)) nodes.add(url)
      }
      expect(nodes.size).toBe(2)
      const talk = async (guest: TestSocket, at: number) => {
        const member = members[at] as TestSocket
        const conversationId = (await guest.ask('conversation.open', { clientId: 'first' })).conversation.id
        await member.ask('conversation.open', { conversationId })
        for (let turn = 1; turn <= 10; turn += 2) {
          await guest.ask('message.send', { conversationId, clientId: `${turn}`, parts: text('question') })
          await member.next(
            'entries',
            event => event.conversationId === conversationId && event.head === turn,
          )
          const answer = { conversationId, clientId: `${turn + 1}`, parts: text('answer') }
          await member.ask('message.send', answer)
          await guest.next('entries', ({ head }) => head === turn + 1)
        }
      }
      await Promise.all(guests.map(talk))
      for (const socket of [...guests, ...members]) socket.close()
    })

    /** A client in a conversation of its own, and how long it was away each time. */
    async function someone(recorder: Recorder, at: number) {
      const visiting = await visit(balancer.url, widgetKey)
      const name = `client-${at}`
      const person = { audience: 'visitor' as const, senderId: visiting.contactId }
      const socket = io(`${balancer.url}/visitor`, {
        ...{ autoConnect: false, reconnection: false, forceNew: true },
        ...{ transports: ['websocket'], query: { widget: widgetKey } },
      })
      const client: Client<'visitor'> = createClient({
        socket: recorder.port(name, person, socket),
        auth: async () => ({ token: visiting.token }),
        renew: async () => ({ token: visiting.token }),
      })
      const away: number[] = []
      let lostAt: number | undefined
      client.on('state', ({ status }) => {
        if (status === 'online' && lostAt !== undefined) {
          away.push(performance.now() - lostAt)
          lostAt = undefined
        } else if (status !== 'online') lostAt ??= performance.now()
      })
      await client.connect()
      const conversation = client.startConversation('load')
      const say = (words: string) => {
        const id = conversation.getSnapshot().id ?? ''
        recorder.said(name, person, id, conversation.send(words))
      }
      await eventually('it is live', () => conversation.getSnapshot().live, 20_000)
      away.length = 0
      return { name, client, conversation, away, say }
    }

    /** Not all at once: what is measured is the restart. */
    async function crowd(recorder: Recorder) {
      const everybody: Awaited<ReturnType<typeof someone>>[] = []
      while (everybody.length < clients) {
        const next = Array.from({ length: 50 }, (_, at) => someone(recorder, everybody.length + at))
        everybody.push(...(await Promise.all(next)))
      }
      return everybody
    }

    test('L10: one node after the other is restarted under load, twice: no acknowledgement is lost, all are back within 5 s', async () => {
      const recorder = new Recorder()
      const everybody = await crowd(recorder)
      const talkative = everybody.slice(0, writers)
      let turn = 0
      const talking = setInterval(() => {
        turn++
        for (const { say } of talkative) say(`message ${turn}`)
      }, 250)
      try {
        for (const node of [...cluster.nodes, ...cluster.nodes]) {
          await sleep(1_000)
          await node.stop()
          await node.start()
          // Until the balancer has seen it ready again: its checks come every second while all is well.
          await sleep(1_500)
        }
        clearInterval(talking)
        await eventually(
          'everything is stored',
          () => everybody.every(({ conversation }) => idle(conversation)),
          20_000,
        )
        const logs = everybody.map(({ name, conversation }) => {
          const { id, entries } = conversation.getSnapshot()
          return { client: name, audience: 'visitor' as const, conversationId: id ?? '', entries }
        })
        const taken = { ...recorder.taken(), unsettled: undefined, followed: logs, logs, earlierLogs: [] }
        const { stored, conversations } = await readRows(cluster.database.owner)
        // Those of other tests have no log here.
        const ours = new Set(logs.map(({ conversationId }) => conversationId))
        const history = {
          ...taken,
          stored: stored.filter(({ conversationId }) => ours.has(conversationId)),
          conversations: conversations.filter(({ id }) => ours.has(id)),
        }
        expect(check(history).map(({ kind, words }) => `${kind}: ${words}`)).toEqual([])
        expect(history.acked.length).toBeGreaterThan(writers * 10)
        const away = everybody.flatMap(one => one.away)
        // Everybody is on the other node when a node stops; when the first one did, half of them were on it.
        expect(away.length).toBeGreaterThanOrEqual(1_000)
        const late = away.filter(ms => ms > backWithinMs)
        if (late.length / away.length > 0.001)
          throw new Error(
            `not within ${backWithinMs} ms: of ${away.length} returns those after ${late.map(Math.round)}`,
          )
        expect(everybody.every(({ client }) => client.state.status === 'online')).toBe(true)
      } finally {
        clearInterval(talking)
        for (const { client } of everybody) client.close()
      }
    })

    const idle = (conversation: Conversation): boolean => {
      const { live, messages } = conversation.getSnapshot()
      return live && messages.every(({ delivery }) => delivery !== 'queued' && delivery !== 'sent')
    }
  },
)

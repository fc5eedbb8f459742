import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { createClient } from '../../src/client/index.ts'
import { createTokenSigner, createVault, Secret } from '../../src/kernel/index.ts'
import { type Cluster, clusterPossible, startCluster } from '../support/cluster.ts'
import { eventually } from '../support/eventually.ts'
import type { Workspace } from '../support/people.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, visit } from '../support/sockets.ts'
import { testSecret } from '../support/testSecret.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

/** A node looks every five seconds; the rest is for a machine that is busy. */
const withinMs = 8_000

describe.skipIf(!clusterPossible)('two nodes and who may stay on them', () => {
  let cluster: Cluster
  let workspace: Workspace
  let widget: { id: string; publicKey: string }
  const open = new Set<TestSocket>()
  const kept = (socket: TestSocket): TestSocket => {
    open.add(socket)
    return socket
  }
  const urlOf = (which: number) => cluster.nodes[which]?.url ?? ''

  beforeAll(async () => {
    cluster = await startCluster({ nodes: 2 })
    workspace = await quickWorkspace(cluster.parley(0))
    widget = await newWidget(workspace)
  })
  afterAll(async () => {
    for (const socket of open) socket.close()
    await cluster?.stop()
  })

  const onBoth = (token: string) =>
    Promise.all([0, 1].map(async which => kept(await connectMember(urlOf(which), { token }))))

  /** Cut off for that reason, everywhere, in time, and not let in again. */
  async function expectOut(sockets: TestSocket[], token: string, since: number): Promise<void> {
    for (const socket of sockets) {
      const { code, retryable } = await socket.next('closing', () => true, withinMs + 5_000)
      expect({ code, retryable }).toEqual({ code: 'unauthenticated', retryable: false })
      await eventually('the connection has ended', () => !socket.socket.connected)
    }
    expect(performance.now() - since).toBeLessThan(withinMs)
    for (const which of [0, 1])
      await expect(connectMember(urlOf(which), { token })).rejects.toMatchObject({
        failure: { code: expect.stringMatching(/unauthenticated|forbidden/) },
      })
  }

  test('S4: a removed member, an ended session and a revoked key are cut off on every node within seconds', async () => {
    const [removed, signedOut, stays] = await Promise.all(
      (['support_agent', 'support_agent', 'support_agent'] as const).map(role =>
        quickMember(cluster.parley(0), workspace, role),
      ),
    )
    if (!removed || !signedOut || !stays) throw new Error('there are not enough people')
    const made = await workspace.owner.call<{ id: string; key: string }>('post', '/api/v1/keys', {
      name: 'To be revoked',
      permissions: ['conversations:read'],
    })
    expect(made.status).toBe(201)
    const ofRemoved = await onBoth(removed.token)
    const ofSignedOut = await onBoth(signedOut.token)
    const ofKey = await onBoth(made.body.key)
    const ofOther = await onBoth(stays.token)

    const began = performance.now()
    const answers = await Promise.all([
      workspace.owner.call('delete', `/api/v1/members/${removed.memberId}`),
      signedOut.call('post', '/api/auth/sign-out', {}, { origin: urlOf(0) }),
      workspace.owner.call('delete', `/api/v1/keys/${made.body.id}`),
    ])
    expect(answers.map(({ status }) => status < 300)).toEqual([true, true, true])
    await Promise.all([
      expectOut(ofRemoved, removed.token, began),
      expectOut(ofSignedOut, signedOut.token, began),
      expectOut(ofKey, made.body.key, began),
    ])
    for (const socket of ofOther) {
      expect(socket.socket.connected).toBe(true)
      expect((await socket.ask('inbox.subscribe', {})).conversations).toEqual([])
    }
  })

  /** A visitor's token as the program signs it, for a shorter time. */
  const shortToken = (contactId: string, seconds: number): string => {
    const claims = z.object({ tenantId: z.uuid(), widgetId: z.uuid(), contactId: z.uuid() })
    const signer = createTokenSigner(createVault(new Secret(testSecret)), 'visitor', claims)
    return signer.sign({ tenantId: workspace.tenantId, widgetId: widget.id, contactId }, seconds).token
  }

  test('S4: a visitor whose token ends is told before, closed then, and not let in with it again', async () => {
    const visiting = await visit(urlOf(0), widget.publicKey)
    const token = shortToken(visiting.contactId, 4)
    const socket = kept(await connectVisitor(urlOf(0), { ...visiting, token }))
    await socket.next('session.expiring')
    const other = await visit(urlOf(1), widget.publicKey)
    await expect(socket.ask('session.renew', { credential: other.token })).rejects.toThrow('unauthenticated')
    expect(await socket.next('closing')).toMatchObject({ code: 'token_expired' })
    await eventually('the connection has ended', () => !socket.socket.connected)
    await expect(connectVisitor(urlOf(1), { ...visiting, token })).rejects.toMatchObject({
      failure: { code: 'token_expired' },
    })
  })

  test('S4: the client renews its token in-band, again and again, on the connection it has', async () => {
    const visiting = await visit(urlOf(1), widget.publicKey)
    let renewed = 0
    const client = createClient<'visitor'>({
      socket: io(`${urlOf(1)}/visitor`, {
        ...{ autoConnect: false, reconnection: false, transports: ['websocket'] },
        query: { widget: widget.publicKey },
      }),
      auth: async () => ({ token: shortToken(visiting.contactId, 4) }),
      renew: async () => {
        renewed++
        return { token: shortToken(visiting.contactId, 4) }
      },
    })
    const states: string[] = []
    client.on('state', ({ status }) => states.push(status))
    try {
      await client.connect()
      await eventually('it is online', () => client.state.status === 'online')
      const conversation = client.startConversation()
      // Past the end of the first token, and of the one after it.
      await new Promise(resolve => setTimeout(resolve, 9_000))
      conversation.send('still here')
      await eventually('it is stored', () => conversation.getSnapshot().messages[0]?.seq === 1)
      expect({ states, reconnects: client.counters.reconnects }).toEqual({
        states: ['connecting', 'online'],
        reconnects: 0,
      })
      expect(renewed).toBeGreaterThanOrEqual(2)
    } finally {
      client.close()
    }
  })
})

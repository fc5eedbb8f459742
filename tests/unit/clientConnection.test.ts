import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { io } from 'socket.io-client'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { type ConnectionState, createClient } from '../../src/client/index.ts'
import { defaultSettings, systemClock } from '../../src/client/ports.ts'
import { Runtime } from '../../src/client/runtime.ts'
import { protocolVersion } from '../../src/protocol/index.ts'
import { ClientPeer, failure } from '../support/clientPeer.ts'
import { closeClients, live, quick, status, texts, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'

let peer: ClientPeer

beforeEach(async () => {
  peer = await new ClientPeer().start()
})

afterEach(async () => {
  closeClients()
  await peer.stop()
})

describe('backoff', () => {
  test('L10 waits are spread from zero to a bound that doubles up to the cap, after what the server asked for', () => {
    const seed = Date.now()
    console.log(`backoff: seed ${seed}`)
    const random = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(fc.nat(10_000), random, fc.nat(60), (attempt, chance, retryAfter) => {
        const runtime = new Runtime(systemClock, () => chance, defaultSettings)
        const bound = Math.min(4_000, 250 * 2 ** attempt)
        expect(runtime.retryDelay(attempt)).toBe(chance * bound)
        const asked = runtime.retryDelay(attempt, failure('rate_limited', true, retryAfter))
        expect(asked).toBeGreaterThanOrEqual(retryAfter * 1_000)
        expect(asked).toBeLessThanOrEqual(retryAfter * 1_000 + bound)
      }),
      { seed },
    )
  })
})

describe('connection', () => {
  test('names the version of the protocol at the handshake, and is online with the welcome', async () => {
    const client = visitorOf(peer)
    const seen: string[] = []
    client.on('state', state => seen.push(state.status))
    expect(client.state.status).toBe('idle')
    await client.connect()
    await status(client, 'online')
    expect(seen).toEqual(['connecting', 'online'])
    expect(client.self).toEqual(peer.visitor)
    expect(peer.handshakes).toEqual([{ token: 'first', version: protocolVersion.current }])
  })

  test.each([
    ['the network is cut', () => peer.cut()],
    ['the server ends it', () => peer.dismiss()],
    ['the server drains', () => peer.dismiss({ code: 'draining', retryable: true })],
  ])('L10 comes back by itself when %s, and catches up', async (_, fault) => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    for (let round = 1; round <= 3; round++) {
      fault()
      peer.say(log, `said ${round}`)
      await eventually('it reconnected', () => client.counters.reconnects === round)
      await live(conversation)
    }
    await eventually('all is there', () => texts(conversation).length === 3)
    expect(conversation.getSnapshot().entries).toEqual(log.entries)
  })

  test('L10 tries until the server is back', async () => {
    const client = visitorOf(peer)
    await client.connect()
    await status(client, 'online')
    await peer.stop()
    await status(client, 'waiting')
    await new Promise(resolve => setTimeout(resolve, 300))
    peer = await new ClientPeer(peer.port).start()
    await status(client, 'online')
    expect(client.counters.reconnects).toBe(1)
  })

  test('a socket that reconnects by itself does no harm', async () => {
    const socket = io(peer.url, {
      autoConnect: false,
      forceNew: true,
      transports: ['websocket'],
      reconnectionDelay: 5,
      randomizationFactor: 0,
    })
    const client = visitorOf(peer, { socket, options: { backoffBaseMs: 2_000, backoffCapMs: 2_000 } })
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    for (let round = 1; round <= 3; round++) {
      peer.cut()
      await eventually('it reconnected', () => client.counters.reconnects === round)
    }
    await live(conversation)
    expect(client.state.status).toBe('online')
  })

  test('a refusal to retry is retried, not before the time it names', async () => {
    const refusedAt: number[] = []
    peer.faults.refuseHandshake = () =>
      refusedAt.push(Date.now()) <= 1 ? failure('rate_limited', true, 0.4) : undefined
    const client = visitorOf(peer)
    await client.connect()
    await status(client, 'online')
    const [first = 0, second = 0] = refusedAt
    expect(second - first).toBeGreaterThanOrEqual(395)
    expect(client.counters.reconnects).toBe(0)
  })

  test('a version that is not spoken ends in refused with the reason, and nothing queued is lost', async () => {
    peer.faults.refuseHandshake = () => failure('unsupported_version', false)
    const client = visitorOf(peer)
    const conversation = client.startConversation()
    conversation.send('kept')
    await client.connect()
    await status(client, 'refused')
    expect(client.state).toMatchObject({ reason: { code: 'unsupported_version' } })
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(peer.handshakes).toHaveLength(1)
    peer.faults.refuseHandshake = () => undefined
    await client.connect()
    await eventually('it is sent', () => peer.commands('message.send').length === 1)
  })

  test('a handshake that hangs is given up and tried again', async () => {
    let silent = true
    peer.faults.silentWelcome = () => silent
    const client = visitorOf(peer)
    await client.connect()
    await status(client, 'waiting')
    silent = false
    await status(client, 'online')
  })

  test('a server that welcomes and drops at once is not met with the quick retry for ever', async () => {
    const waits: number[] = []
    const client = visitorOf(peer, { random: () => 1, options: { stableAfterMs: 60_000, backoffBaseMs: 10 } })
    client.on('state', (state: ConnectionState) => {
      if (state.status === 'online') peer.cut()
      if (state.status === 'waiting') waits.push(Math.round(state.retryAt - Date.now()))
    })
    await client.connect()
    await eventually('it was dropped some times', () => waits.length >= 4)
    // As far as a busy machine lets time pass between setting the time and telling of it.
    waits.slice(0, 4).forEach((wait, at) => {
      expect(wait).toBeLessThanOrEqual(10 * 2 ** at + 1)
    })
    expect(waits[3]).toBeGreaterThan(10 * 2 ** 2)
  })
})

describe('credentials', () => {
  test.each(['token_expired', 'unauthenticated'] as const)(
    'S4 a handshake refused as %s is renewed and tried again',
    async code => {
      peer.faults.refuseHandshake = auth => (auth.token === 'first' ? failure(code, false) : undefined)
      const client = visitorOf(peer)
      await client.connect()
      await status(client, 'online')
      expect(peer.handshakes.map(auth => auth.token)).toEqual(['first', 'renewed'])
    },
  )

  test('S4 a credential that is fresh and yet not known ends in refused', async () => {
    peer.faults.refuseHandshake = () => failure('unauthenticated', false)
    const client = visitorOf(peer)
    await client.connect()
    await status(client, 'refused')
    expect(peer.handshakes).toHaveLength(2)
  })

  test.each(['forbidden', 'unauthenticated'] as const)(
    'S4 what cannot be renewed right now is tried again; what never can, %s, is refused',
    async code => {
      peer.faults.refuseHandshake = () => failure('token_expired', false)
      let tries = 0
      const client = visitorOf(peer, {
        renew: async () => {
          if (++tries < 3) throw new Error('no network')
          throw Object.assign(new Error('gone'), { data: failure(code, false) })
        },
      })
      await client.connect()
      await status(client, 'refused')
      expect(tries).toBe(3)
      expect(client.state).toMatchObject({ reason: { code } })
    },
  )

  test('S4 an expiring session is renewed in-band, again if that fails for a moment', async () => {
    let failures = 2
    peer.faults.refuse = ({ command }) =>
      command === 'session.renew' && failures-- > 0 ? failure('unavailable', true) : undefined
    const client = visitorOf(peer)
    await client.connect()
    await status(client, 'online')
    peer.emit('session.expiring', { expiresAt: new Date().toISOString() })
    await eventually('it is renewed', () => peer.commands('session.renew').length === 3)
    expect(peer.commands('session.renew').map(({ input }) => input.credential)).toEqual(
      Array(3).fill('renewed'),
    )
    expect(client.counters.reconnects).toBe(0)
    peer.cut()
    await eventually('the next handshake shows it', () => peer.handshakes.at(-1)?.token === 'renewed')
  })

  test('S4 a command refused for its credential renews it and goes again', async () => {
    let expired = true
    peer.faults.refuse = ({ command }) => {
      if (command === 'session.renew') expired = false
      return command === 'message.send' && expired ? failure('token_expired', false) : undefined
    }
    const client = visitorOf(peer)
    const log = peer.newLog()
    client.conversation(log.id).send('hello')
    await client.connect()
    await eventually('it is stored', () => log.head === 1)
  })
})

describe('request', () => {
  test('answers unavailable without a connection, in time without an answer, and when the connection goes', async () => {
    const client = visitorOf(peer)
    const list = () => client.request('conversation.list', {})
    const unavailable = { ok: false, error: { code: 'unavailable', retryable: true } }
    expect(await list()).toMatchObject(unavailable)
    peer.faults.loseAck = () => true
    await client.connect()
    await status(client, 'online')
    expect(await list()).toMatchObject(unavailable)
    const cut = client.request('conversation.list', {}, 60_000)
    peer.cut()
    expect(await cut).toMatchObject(unavailable)
  })

  test('a closed client is silent', async () => {
    const client = visitorOf(peer)
    const log = peer.newLog()
    const conversation = client.conversation(log.id)
    await client.connect()
    await live(conversation)
    client.close()
    const heard = peer.heard.length
    conversation.send('too late')
    peer.say(log, 'unheard')
    await new Promise(resolve => setTimeout(resolve, 300))
    expect(client.state.status).toBe('closed')
    expect(peer.heard).toHaveLength(heard)
    expect(texts(conversation)).toEqual(['too late'])
  })

  test('takes a plain Socket.IO socket, and tells typed events', async () => {
    const socket = io(peer.url, { autoConnect: false, forceNew: true, transports: ['websocket'] })
    const client = createClient<'visitor'>({
      socket,
      auth: async () => ({ token: 't' }),
      renew: async () => ({ token: 't' }),
      options: quick,
    })
    const seen: string[] = []
    client.on('presence', ({ memberId }) => seen.push(memberId))
    await client.connect()
    await status(client, 'online')
    const memberId = randomUUID()
    peer.emit('presence', { memberId, status: 'away' })
    await eventually('it is told', () => seen.length === 1)
    expect(seen).toEqual([memberId])
    client.close()
  })
})

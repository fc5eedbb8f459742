/** The load of `redis-outage`: speakers and listeners on one node, listeners of the same conversations on another. */
import { setTimeout as sleep } from 'node:timers/promises'
import { serveCalls } from '../harness/parts.ts'
import { RawSocket } from '../harness/rawSocket.ts'
import { Replica } from '../harness/replica.ts'

export interface Plan {
  readonly side: 'parley' | 'stock'
  readonly here: string
  readonly there: string
  readonly visitors: readonly { readonly token: string; readonly widget: string }[]
}

export interface Spoken {
  /** How long each message took to a listener on the same node; of one that has not come, how long it has waited. */
  readonly latenciesMs: readonly number[]
  /** Of what was said, how much has not come to a listener on the same node some seconds later. */
  readonly missing: number
}

interface Room {
  readonly say: (clientId: string) => Promise<unknown>
  /** How many entries this speaker knows to be stored. */
  stored: number
  /** How many have come to the listener on the other node. */
  readonly there: () => number
}

const rooms: Room[] = []
/** When each message was sent, until it has come to the listener on the same node. */
const underway = new Map<string, number>()
let latencies: number[] = []
let said = 0

const arrived = (clientId: string): void => {
  const since = underway.get(clientId)
  if (since === undefined) return
  underway.delete(clientId)
  latencies.push(performance.now() - since)
}

async function connect({ side, here, there, visitors }: Plan): Promise<void> {
  for (const [at, visitor] of visitors.entries())
    rooms.push(
      await (side === 'parley' ? parleyRoom(here, there, visitor) : stockRoom(here, there, `room-${at}`)),
    )
}

async function parleyRoom(
  here: string,
  there: string,
  { token, widget }: Plan['visitors'][number],
): Promise<Room> {
  const options = { namespace: '/visitor', auth: { version: 1, token }, query: { widget } }
  const speaker = await RawSocket.connect({ ...options, url: here })
  const opened = await speaker.ask<{ conversation: { id: string } }>('conversation.open', {
    clientId: 'first',
  })
  const conversationId = opened.conversation.id
  const near = new Replica({ ...options, url: here }, conversationId)
  near.onEntry = ({ clientId }) => arrived(clientId)
  const far = new Replica({ ...options, url: there }, conversationId)
  await Promise.all([near.connect(), far.connect()])
  const parts = [{ type: 'text', text: 'Is anybody there?' }]
  return {
    stored: 0,
    say: clientId => speaker.ask('message.send', { conversationId, clientId, parts }),
    there: () => far.position,
  }
}

async function stockRoom(here: string, there: string, room: string): Promise<Room> {
  const join = async (url: string, told: (clientId: string) => void) => {
    const socket = await RawSocket.connect({ url, namespace: '/' })
    socket.onEvent = text => told((JSON.parse(text) as [string, { clientId: string }])[1].clientId)
    await socket.ask('join', room)
    return socket
  }
  let far = 0
  await join(here, arrived)
  await join(there, () => far++)
  const speaker = await RawSocket.connect({ url: here, namespace: '/' })
  return {
    stored: 0,
    say: clientId => speaker.ask('say', { room, clientId, text: 'Is anybody there?' }),
    there: () => far,
  }
}

/** Says so much a second for a time, then waits a little for what is late. */
async function speak(durationMs: number, perSecond: number): Promise<Spoken> {
  latencies = []
  const start = performance.now()
  const total = Math.floor((durationMs / 1_000) * perSecond)
  const answers: Promise<void>[] = []
  for (let due = 0; due < total; ) {
    for (; due < total && (due / perSecond) * 1_000 <= performance.now() - start; due++) {
      const room = rooms[due % rooms.length]
      if (!room) continue
      const clientId = `m${++said}`
      underway.set(clientId, performance.now())
      answers.push(room.say(clientId).then(() => void room.stored++))
    }
    await sleep(1)
  }
  await Promise.all(answers)
  for (let wait = 0; underway.size > 0 && wait < 100; wait++) await sleep(10)
  const late = [...underway.values()].map(since => performance.now() - since)
  return { latenciesMs: [...latencies, ...late], missing: underway.size }
}

/** Seconds until the other node's listeners have everything that has been said until now. */
async function converge(patienceMs: number): Promise<{ seconds: number; missing: number }> {
  const start = performance.now()
  const missing = () => rooms.reduce((sum, { stored, there }) => sum + Math.max(0, stored - there()), 0)
  while (missing() > 0 && performance.now() - start < patienceMs) await sleep(5)
  const found = { seconds: (performance.now() - start) / 1_000, missing: missing() }
  underway.clear()
  // What is lost is counted once.
  for (const room of rooms) room.stored = room.there()
  return found
}

serveCalls({ connect, speak, converge })

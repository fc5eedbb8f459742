/** The load of `write`: visitors who say something as soon as what they said before is acknowledged, members who listen. */
import { setTimeout as sleep } from 'node:timers/promises'
import { serveCalls } from '../harness/parts.ts'
import { RawSocket } from '../harness/rawSocket.ts'

export interface Conversation {
  readonly tenant: number
  readonly visitor: { readonly token: string; readonly widget: string }
}

export interface Plan {
  readonly url: string
  readonly side: 'parley' | 'socketio'
  readonly conversations: readonly Conversation[]
  /** Tokens of members by tenant. */
  readonly members: readonly (readonly string[])[]
}

export interface LoadFigures {
  readonly sends: number
  readonly seconds: number
  readonly p50Ms: number
  readonly p99Ms: number
}

interface Sender {
  readonly socket: RawSocket
  readonly conversationId: string
  sent: number
}

const text =
  'Where is my parcel? It was to come on Tuesday, and the page says no more than that it is on its way.'
const membersOfEach = 2
const senders: Sender[] = []
let side: Plan['side'] = 'parley'
let delivered = 0

/** Entries in an event: each carries its client id once. */
function countEntries(event: string): void {
  for (let at = event.indexOf('"clientId":'); at !== -1; at = event.indexOf('"clientId":', at + 11))
    delivered++
}

async function connect(plan: Plan): Promise<void> {
  side = plan.side
  const listeners = await Promise.all(plan.members.map(tokens => Promise.all(tokens.map(connectMember))))
  for (const [at, { tenant, visitor }] of plan.conversations.entries()) {
    const socket = await connectVisitor(visitor)
    const conversationId = await open(socket, { clientId: 'first' }, `room-${at}`)
    const team = listeners[tenant] ?? []
    for (let one = 0; one < membersOfEach; one++) {
      const member = team[(at * membersOfEach + one) % team.length]
      if (member) await open(member, { conversationId }, conversationId)
    }
    senders.push({ socket, conversationId, sent: 0 })
  }

  function connectMember(token: string): Promise<RawSocket> {
    return listening({ namespace: '/member', auth: { version: 1, token } })
  }
  function connectVisitor({ token, widget }: Conversation['visitor']): Promise<RawSocket> {
    return listening({ namespace: '/visitor', auth: { version: 1, token }, query: { widget } })
  }
  async function listening(as: Omit<Parameters<typeof RawSocket.connect>[0], 'url'>): Promise<RawSocket> {
    const socket = await RawSocket.connect(
      side === 'parley' ? { ...as, url: plan.url } : { url: plan.url, namespace: '/' },
    )
    socket.onEvent = countEntries
    socket.onClose = () => {
      throw new Error('the server closed a connection')
    }
    return socket
  }
}

async function open(socket: RawSocket, wanted: object, room: string): Promise<string> {
  if (side === 'socketio') {
    await socket.ask('join', room)
    return room
  }
  return (await socket.ask<{ conversation: { id: string } }>('conversation.open', wanted)).conversation.id
}

/** Counts what was sent, acknowledged and delivered from here on. */
function measure() {
  const latencies: number[] = []
  const start = performance.now()
  let pending = 0
  let idle = Promise.withResolvers<void>()
  delivered = 0
  return {
    say(sender: Sender, since: number, then: () => void): void {
      pending++
      const { conversationId } = sender
      const clientId = `${process.pid}-${++sender.sent}`
      const message = `{"conversationId":"${conversationId}","clientId":"${clientId}","parts":[{"type":"text","text":"${text}"}]}`
      sender.socket.send('message.send', message, answer => {
        if (!answer.startsWith('[{"ok":true')) throw new Error(`a send was refused: ${answer}`)
        latencies.push(performance.now() - since)
        then()
        if (--pending === 0) idle.resolve()
      })
    },
    /** Once everything is acknowledged and has arrived everywhere. */
    async figures(): Promise<LoadFigures> {
      while (pending > 0) {
        idle = Promise.withResolvers()
        await idle.promise
      }
      const seconds = (performance.now() - start) / 1_000
      const expected = latencies.length * (membersOfEach + 1)
      for (let wait = 0; delivered < expected && wait < 200; wait++) await sleep(10)
      if (delivered !== expected) throw new Error(`${delivered} of ${expected} deliveries arrived`)
      const sorted = Float64Array.from(latencies).sort()
      const quantile = (share: number) => sorted[Math.floor(share * (sorted.length - 1))] ?? Number.NaN
      return { sends: sorted.length, seconds, p50Ms: quantile(0.5), p99Ms: quantile(0.99) }
    },
  }
}

/** Each of these keeps so many messages unacknowledged. */
async function closedLoop(durationMs: number, inFlight: number, speakers: number): Promise<LoadFigures> {
  const run = measure()
  const end = performance.now() + durationMs
  const next = (sender: Sender): void => {
    const now = performance.now()
    if (now < end) run.say(sender, now, () => next(sender))
  }
  for (const sender of senders.slice(0, speakers)) for (let one = 0; one < inFlight; one++) next(sender)
  return run.figures()
}

/** So many a second whatever happens; waiting counts from when a message was due, not from when it could leave. */
async function openLoop(durationMs: number, perSecond: number): Promise<LoadFigures> {
  const run = measure()
  const start = performance.now()
  let due = 0
  const total = Math.floor((durationMs / 1_000) * perSecond)
  while (due < total) {
    const now = performance.now() - start
    for (; due < total && (due / perSecond) * 1_000 <= now; due++) {
      const sender = senders[(due * 31) % senders.length]
      if (sender) run.say(sender, start + (due / perSecond) * 1_000, () => undefined)
    }
    await sleep(1)
  }
  return run.figures()
}

serveCalls({ connect, closedLoop, openLoop })

/** The load of `stream`: visitors who ask and watch the answer come, and a bare client of the model for comparison. */
import { setTimeout as sleep } from 'node:timers/promises'
import type { Events } from '../../src/protocol/index.ts'
import { serveCalls } from '../harness/parts.ts'
import { RawSocket } from '../harness/rawSocket.ts'

export interface Plan {
  readonly url: string
  readonly widget: string
  readonly tokens: readonly string[]
  readonly question: string
}

export interface Streamed {
  /** From the acknowledgement of each question to its first delta. */
  readonly firstMs: readonly number[]
  readonly framesPerSecond: readonly number[]
  /** Answers whose deltas together are not what is stored. */
  readonly mismatches: number
}

interface Watched {
  joined: string
  broken: boolean
  readonly at: number[]
  readonly stored: PromiseWithResolvers<string>
}

interface Asker {
  readonly socket: RawSocket
  readonly conversationId: string
  asked: number
  watched: Watched
}

const askers: Asker[] = []
let question = ''

const newWatch = (): Watched => ({ joined: '', broken: false, at: [], stored: Promise.withResolvers() })

async function connect(plan: Plan): Promise<void> {
  question = plan.question
  for (const token of plan.tokens) {
    const auth = { version: 1, token }
    const query = { widget: plan.widget }
    const socket = await RawSocket.connect({ url: plan.url, namespace: '/visitor', auth, query })
    const { conversation } = await socket.ask<{ conversation: { id: string } }>('conversation.open', {
      clientId: 'first',
    })
    const asker: Asker = { socket, conversationId: conversation.id, asked: 0, watched: newWatch() }
    socket.onEvent = text => watch(asker.watched, text)
    askers.push(asker)
  }
}

function watch(watched: Watched, text: string): void {
  if (!text.startsWith('["delta"') && !text.startsWith('["entries"')) return
  const at = performance.now()
  // The socket reads bytes; what is in them is UTF-8.
  const [name, payload] = JSON.parse(Buffer.from(text, 'latin1').toString('utf8')) as [string, unknown]
  if (name === 'delta') {
    const { offset, text: piece } = payload as Events['delta']
    // From 0 it is all there is so far, told again after a pause in which others might have spoken.
    if (offset === 0) watched.joined = piece
    else if (offset === watched.joined.length) watched.joined += piece
    else watched.broken = true
    watched.at.push(at)
  } else {
    const { entries } = payload as Events['entries']
    const answer = entries.find(({ role }) => role === 'assistant')
    if (answer) watched.stored.resolve(answer.text)
    if (entries.some(({ type }) => type === 'system_event'))
      watched.stored.reject(new Error(`instead of an answer came ${text}`))
  }
}

/** So many ask, spread over `spreadMs`; returns when all have their answers. */
async function ask(count: number, spreadMs: number): Promise<Streamed> {
  const firstMs: number[] = []
  const framesPerSecond: number[] = []
  let mismatches = 0
  await Promise.all(
    askers.slice(0, count).map(async (asker, at) => {
      await sleep((at * spreadMs) / count)
      const watched = newWatch()
      asker.watched = watched
      const { conversationId } = asker
      const parts = [{ type: 'text', text: question }]
      const said = { conversationId, clientId: `ask${++asker.asked}`, parts }
      await asker.socket.ask('message.send', said)
      const acknowledged = performance.now()
      const late = setTimeout(() => watched.stored.reject(new Error('an answer did not come')), 60_000)
      const stored = await watched.stored.promise
      clearTimeout(late)
      const first = watched.at[0] ?? Number.NaN
      const seconds = ((watched.at.at(-1) ?? Number.NaN) - first) / 1_000
      firstMs.push(first - acknowledged)
      framesPerSecond.push((watched.at.length - 1) / seconds)
      if (watched.broken || watched.joined !== stored) mismatches++
    }),
  )
  return { firstMs, framesPerSecond, mismatches }
}

/** The same of the model itself: from the request to its first words. */
async function askModel(url: string, count: number, spreadMs: number): Promise<number[]> {
  return Promise.all(
    Array.from({ length: count }, async (_, at) => {
      await sleep((at * spreadMs) / count)
      const started = performance.now()
      const response = await fetch(`${url}/chat/completions`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify({
          model: 'bare',
          stream: true,
          messages: [{ role: 'user', content: question }],
        }),
      })
      let first = Number.NaN
      let heard = ''
      for await (const bytes of response.body ?? []) {
        if (!Number.isNaN(first)) continue
        heard += Buffer.from(bytes).toString('utf8')
        if (/"content":"[^"]/.test(heard)) first = performance.now() - started
      }
      return first
    }),
  )
}

serveCalls({ connect, ask, askModel })

import type { ServerResponse } from 'node:http'
import type { Script } from './scriptedWords.ts'

interface Stream {
  readonly response: ServerResponse
  readonly script: Script
  readonly events: readonly string[]
  readonly startsAt: number
  sent: number
}

const everyMs = 5

export interface Ticker {
  readonly open: number
  /** We ended it before its end, not the other side. */
  wasCut(response: ServerResponse): boolean
  stream(response: ServerResponse, script: Script, events: readonly string[]): void
  stop(): void
}

/** Writes all streams that have a rate, from one timer that runs only while there are any: hundreds cost little more than one. */
export function startTicker(): Ticker {
  const streams = new Set<Stream>()
  const open = new Set<ServerResponse>()
  const cut = new WeakSet<ServerResponse>()
  let timer: NodeJS.Timeout | undefined
  const tick = () => {
    const now = performance.now()
    for (const stream of streams) if (advance(stream, now, cut)) streams.delete(stream)
    if (streams.size > 0) return
    clearInterval(timer)
    timer = undefined
  }
  return {
    get open() {
      return open.size
    },
    wasCut: response => cut.has(response),
    stream(response, script, events) {
      open.add(response)
      const stream = {
        response,
        script,
        events,
        startsAt: performance.now() + (script.firstAfterMs ?? 0),
        sent: 0,
      }
      response.once('close', () => {
        open.delete(response)
        streams.delete(stream)
      })
      response.writeHead(200, { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' })
      // So that the other side knows it was accepted, though nothing has been said yet.
      response.flushHeaders()
      if (advance(stream, performance.now(), cut)) return
      streams.add(stream)
      timer ??= setInterval(tick, everyMs)
    },
    stop: () => clearInterval(timer),
  }
}

/** Writes what is due; true when nothing more will be. */
function advance(stream: Stream, now: number, cut: WeakSet<ServerResponse>): boolean {
  const { response, script, events, startsAt } = stream
  if (now < startsAt) return false
  const due = script.rate ? Math.floor(((now - startsAt) * script.rate) / 1_000) + 1 : events.length
  const hangsAt = typeof script.hang === 'number' ? script.hang : Number.POSITIVE_INFINITY
  const end = Math.min(due, events.length, script.cutAfter ?? events.length, hangsAt)
  const text = events.slice(stream.sent, end).join('')
  stream.sent = Math.max(end, stream.sent)
  if (script.cutAfter !== undefined && stream.sent >= script.cutAfter) {
    cut.add(response)
    // Only after what was written has left, so that the test knows how much arrives.
    response.write(text || ': \n\n', () => response.socket?.destroy())
    return true
  }
  if (text) response.write(text)
  if (stream.sent >= hangsAt) return true
  if (stream.sent < events.length) return false
  if (script.done !== 'open') response.end()
  return true
}

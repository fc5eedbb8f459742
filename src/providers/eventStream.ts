import { ServiceFailure } from './failure.ts'

/** A server-sent event; most have no name. */
export interface ServerEvent {
  readonly name: string
  readonly data: string
}

/** Of one line, and of the data of one event, in characters; a service that says more at once is believed to be broken. */
const longest = 1_000_000

/** How long what is not wanted any more may take to end by itself. */
const lastWordsMs = 1_000

/**
 * The events of a response, all that arrived together at once: a model says each word in an event of its own, and hundreds of answers at the
 * same time are tens of thousands of words a second.
 */
export class EventStream {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>
  readonly #decoder = new TextDecoder()
  readonly #parser = new EventParser()

  constructor(body: ReadableStream<Uint8Array>) {
    this.#reader = body.getReader()
  }

  /** What has come since the last time; waits until there is something. Undefined: it has ended. */
  async next(): Promise<readonly ServerEvent[] | undefined> {
    for (;;) {
      const { value, done } = await this.#reader.read()
      const events = done
        ? this.#parser.end(this.#decoder.decode())
        : this.#parser.take(this.#decoder.decode(value, { stream: true }))
      if (events.length > 0) return events
      if (done) return undefined
    }
  }

  /** Nothing that follows matters. A response that comes to its end leaves its connection to the next request; a broken off one takes it along. */
  async leave(): Promise<void> {
    const cancel = () => void this.#reader.cancel().catch(failed)
    const timer = setTimeout(cancel, lastWordsMs)
    try {
      while (!(await this.#reader.read()).done);
    } catch (error) {
      failed(error)
    } finally {
      clearTimeout(timer)
    }
  }
}

const tooLong = () => new ServiceFailure('cut', 'the service sent a line without an end')

/** Whoever has left does not mind how it ends. */
const failed = (_: unknown): void => undefined

/** As the standard reads a stream, in whatever pieces it comes. */
export class EventParser {
  #rest = ''
  /** A line feed that comes next belongs to the line before. */
  #afterReturn = false
  #name = ''
  #data: string | undefined

  take(text: string): ServerEvent[] {
    if (text === '') return []
    const more = this.#afterReturn && text.startsWith('\n') ? text.slice(1) : text
    this.#afterReturn = text.endsWith('\r')
    // Only what is new is looked through: what was kept has no end of a line in it.
    const lines = more.split(/\r\n|\n|\r/)
    lines[0] = this.#rest + lines[0]
    this.#rest = lines.pop() ?? ''
    if (this.#rest.length > longest) throw tooLong()
    const events: ServerEvent[] = []
    for (const line of lines) {
      if (line !== '') this.#field(line)
      else if (this.#data !== undefined) events.push({ name: this.#name, data: this.#data })
      if (line !== '') continue
      this.#name = ''
      this.#data = undefined
    }
    return events
  }

  /** Some servers end without the empty line behind the last event. */
  end(text: string): ServerEvent[] {
    return this.take(`${text}\n\n`)
  }

  #field(line: string): void {
    const colon = line.indexOf(':')
    const field = colon < 0 ? line : line.slice(0, colon)
    const value = colon < 0 ? '' : line.slice(line[colon + 1] === ' ' ? colon + 2 : colon + 1)
    if (field === 'event') this.#name = value
    if (field !== 'data') return
    this.#data = this.#data === undefined ? value : `${this.#data}\n${value}`
    if (this.#data.length > longest) throw tooLong()
  }
}

import type { Ack, Mark } from '../protocol/index.ts'
import type { Runtime } from './runtime.ts'

export type Reach = Pick<Mark, 'delivered' | 'read'>

interface MarkPorts {
  readonly runtime: Runtime
  ready(): boolean
  send(reach: Partial<Reach>): Promise<Ack<unknown>>
}

const further = (a: Reach, b: Partial<Reach>): Reach => ({
  delivered: Math.max(a.delivered, b.delivered ?? 0, b.read ?? 0),
  read: Math.max(a.read, b.read ?? 0),
})

/** How far this reader has come; told at most once per interval, always the newest, never back. */
export class OwnMark {
  #wanted: Reach = { delivered: 0, read: 0 }
  #told: Reach = { delivered: 0, read: 0 }
  #notBefore = 0
  /** From the moment a report is planned until it is answered, so that there is never a second. */
  #busy = false
  readonly #ports: MarkPorts

  constructor(ports: MarkPorts) {
    this.#ports = ports
  }

  raise(reach: Partial<Reach>): void {
    this.#wanted = further(this.#wanted, reach)
    this.pump()
  }

  startAnew(): void {
    this.#wanted = { delivered: 0, read: 0 }
    this.#told = { delivered: 0, read: 0 }
  }

  /** The server knows this much already, perhaps from another device. */
  told(reach: Partial<Reach>): void {
    this.#told = further(this.#told, reach)
  }

  pump(): void {
    const { runtime, ready } = this.#ports
    if (this.#busy || !ready() || Object.keys(this.#news()).length === 0) return
    this.#busy = true
    runtime.after(Math.max(0, this.#notBefore - runtime.now()), () => void this.#report())
  }

  #news(): Partial<Reach> {
    const { delivered, read } = this.#wanted
    return {
      ...(delivered > this.#told.delivered ? { delivered } : {}),
      ...(read > this.#told.read ? { read } : {}),
    }
  }

  async #report(): Promise<void> {
    const { runtime, ready, send } = this.#ports
    const news = this.#news()
    if (ready() && Object.keys(news).length > 0) {
      this.#notBefore = runtime.now() + runtime.settings.markIntervalMs
      const answer = await send(news)
      // A mark that will never be taken is not worth repeating.
      if (answer.ok || !answer.error.retryable) this.told(news)
      else this.#notBefore += (answer.error.retryAfter ?? 0) * 1_000
    }
    this.#busy = false
    this.pump()
  }
}

/** How far everyone has come, whatever order their marks arrive in. */
export class Marks {
  readonly #byReader = new Map<string, Mark>()

  get all(): readonly Mark[] {
    return [...this.#byReader.values()]
  }

  raise({ reader, delivered, read }: Mark): void {
    const key = `${reader.kind}/${reader.id}`
    const known = this.#byReader.get(key) ?? { delivered: 0, read: 0 }
    this.#byReader.set(key, { reader, ...further(known, { delivered, read }) })
  }
}

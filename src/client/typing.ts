import type { Events } from '../protocol/index.ts'
import type { Runtime } from './runtime.ts'
import { type Sender, sameSender } from './view.ts'

/** This person's typing: told when it begins, repeated while it lasts, taken back when it pauses. */
export class OwnTyping {
  #toldAt: number | undefined
  #cancelStop: () => void = () => undefined
  readonly #runtime: Runtime
  readonly #tell: (typing: boolean, note: boolean) => void
  #note = false

  constructor(runtime: Runtime, tell: (typing: boolean, note: boolean) => void) {
    this.#runtime = runtime
    this.#tell = tell
  }

  /** Call it with every key; how often that is does not matter. */
  set(typing: boolean, note = false): void {
    // Another kind of writing is told to other people.
    if (note !== this.#note) this.#stop()
    this.#note = note
    const { typingRepeatMs, typingStopMs } = this.#runtime.settings
    this.#cancelStop()
    if (!typing) {
      this.#stop()
      return
    }
    this.#cancelStop = this.#runtime.after(typingStopMs, () => this.#stop())
    if (this.#toldAt !== undefined && this.#runtime.now() - this.#toldAt < typingRepeatMs) return
    this.#toldAt = this.#runtime.now()
    this.#tell(true, this.#note)
  }

  /** The message itself says that typing is over. */
  sent(): void {
    this.#cancelStop()
    this.#toldAt = undefined
  }

  #stop(): void {
    if (this.#toldAt === undefined) return
    this.#toldAt = undefined
    this.#tell(false, this.#note)
  }
}

/** Who else types. Since an end may be lost, every beginning ends by itself (L6). */
export class OthersTyping {
  senders: readonly Sender[] = []
  readonly #runtime: Runtime
  readonly #changed: () => void
  readonly #cancels = new Map<string, () => void>()

  constructor(runtime: Runtime, changed: () => void) {
    this.#runtime = runtime
    this.#changed = changed
  }

  heard({ sender, typing }: Pick<Events['typing'], 'sender' | 'typing'>): void {
    if (!typing) {
      this.ended(sender)
      return
    }
    this.#cancels.get(sender.id)?.()
    const expire = () => this.ended(sender)
    this.#cancels.set(sender.id, this.#runtime.after(this.#runtime.settings.typingExpiresMs, expire))
    if (this.senders.some(other => sameSender(other, sender))) return
    this.senders = [...this.senders, sender]
    this.#changed()
  }

  ended(sender: Sender): void {
    this.#cancels.get(sender.id)?.()
    this.#cancels.delete(sender.id)
    const others = this.senders.filter(other => !sameSender(other, sender))
    if (others.length === this.senders.length) return
    this.senders = others
    this.#changed()
  }

  clear(): void {
    for (const sender of this.senders) this.ended(sender)
  }
}

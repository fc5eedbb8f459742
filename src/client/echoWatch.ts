import type { Outbox } from './outbox.ts'
import type { LogReplica } from './replica.ts'
import type { Runtime } from './runtime.ts'

interface EchoPorts {
  readonly runtime: Runtime
  readonly replica: LogReplica
  readonly outbox: Outbox
  /** Somebody told that the log reaches that far. */
  head(seq: number): void
  /** What was acknowledged is not what is held in its place. */
  contradicted(): void
}

/** Sees to it that the entries of what was acknowledged arrive. */
export class EchoWatch {
  readonly #ports: EchoPorts
  /** The newest own entry that is acknowledged, and whether its arrival is being watched. */
  #acknowledged = 0
  #watching = false
  #stop: () => void = () => undefined

  constructor(ports: EchoPorts) {
    this.#ports = ports
  }

  /**
   * The entry of what was acknowledged usually follows at once, so it is asked for only after a while. What has its place in
   * history that is not loaded was a repeat of something stored long ago: its entry will not come.
   */
  expect(seq: number): void {
    const { runtime, replica, outbox, head, contradicted } = this.#ports
    for (const { clientId, stored } of outbox.items) {
      if (!stored || stored.seq > replica.applied) continue
      if (replica.contradicts(stored)) {
        contradicted()
        return
      }
      outbox.confirm(clientId)
    }
    this.#acknowledged = Math.max(this.#acknowledged, seq)
    if (this.#watching || this.#acknowledged <= replica.applied) return
    this.#watching = true
    const expected = this.#acknowledged
    this.#stop = runtime.after(runtime.settings.echoGraceMs, () => {
      this.#watching = false
      head(expected)
      this.expect(expected)
    })
  }

  startAnew(): void {
    this.#stop()
    this.#acknowledged = 0
    this.#watching = false
  }
}

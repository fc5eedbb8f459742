import type { Gateway } from '../../gateway/index.ts'
import type { Scope } from '../../kernel/index.ts'
import type { Passage } from '../../providers/model.ts'
import type { Begun } from './beginRun.ts'
import { leaseSeconds } from './runStore.ts'
import { Telling } from './telling.ts'

/**
 * Why a run ends before it is finished: somebody wants no more of it, others answer now, others took it over, what it has read was taken back, it
 * took too long.
 */
export type Reason = 'stopped' | 'fenced' | 'lost' | 'taken_back' | 'late'

/** Whether a run may speak. `lapsed`: another one may have begun; the next renewal says so. */
export type Standing = 'held' | 'lapsed' | 'lost'

/** A run that this node is at. */
export class Live {
  readonly scope: Scope
  readonly begun: Begun
  readonly telling: Telling
  readonly #controller = new AbortController()
  readonly #deadline: NodeJS.Timeout
  #reason: Reason | undefined
  #heldUntil: number
  /** It asks nobody outside, by wish or for want of money. */
  frugal = false
  /** So much was said that its beginning may have to be told in few words. */
  long = false
  /** What it may cite. */
  passages: readonly Passage[] = []

  /** `askedAt`: when its lease was asked for, by `performance.now()`; which is before it begins. */
  constructor(gateway: Pick<Gateway, 'publish'>, scope: Scope, begun: Begun, askedAt: number) {
    this.scope = scope
    this.begun = begun
    this.#heldUntil = askedAt + leaseSeconds * 1_000
    const { runId, agentId, epoch, conversationId } = begun
    // A node that was frozen wakes with words that have arrived meanwhile, and does not know yet that another one speaks.
    const publish: Gateway['publish'] = (...told) => {
      if (this.standing === 'held') gateway.publish(...told)
    }
    this.telling = new Telling(
      { publish },
      { tenantId: scope.tenantId, conversationId, runId, agentId, epoch },
    )
    const { seconds = 120 } = begun.definition.limits
    this.#deadline = setTimeout(() => this.end('late'), seconds * 1_000)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  get standing(): Standing {
    if (this.#reason === 'lost' || this.#reason === 'taken_back') return 'lost'
    return performance.now() < this.#heldUntil ? 'held' : 'lapsed'
  }

  /** The lease was renewed by a request made at that time. */
  renewed(askedAt: number): void {
    const lapsed = this.standing === 'lapsed'
    this.#heldUntil = askedAt + leaseSeconds * 1_000
    if (lapsed) this.telling.whole()
  }

  /** The first one counts. */
  get reason(): Reason | undefined {
    return this.#reason
  }

  end(reason: Reason): void {
    this.#reason ??= reason
    this.#controller.abort(new Error(`the run was ended: ${this.#reason}`))
  }

  close(): void {
    clearTimeout(this.#deadline)
  }
}

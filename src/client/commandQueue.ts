import type { Ack, CommandInput, CommandName, CommandOutput, Failure } from '../protocol/index.ts'
import { unavailable } from './failures.ts'
import type { Runtime } from './runtime.ts'

interface QueuePorts {
  readonly runtime: Runtime
  /** Whether what is given to the socket now leaves at once. */
  ready(): boolean
  emit(command: string, input: unknown, acknowledge: (answer: never) => void): void
}

interface Waiting {
  readonly command: CommandName
  readonly input: unknown
  readonly timeoutMs: number
  readonly resolve: (answer: Ack<never>) => void
}

/** What logs are followed with, in the order in which it was asked for; and what nobody misses for a while. All else a person waits for. */
const following = new Set<CommandName>(['conversation.open', 'conversation.leave', 'history.read'])
const hints = new Set<CommandName>(['run.read', 'mark.set', 'typing.set'])

const rankOf = (command: CommandName) => (hints.has(command) ? 2 : following.has(command) ? 1 : 0)

/** A limit that lasts longer is not one of the connection, and is waited for by whoever met it. */
const longestPauseMs = 5_000

/**
 * The commands of one connection. A few at a time are without an answer, whoever follows however much, and the server's limit
 * counts for all of them: who goes on asking beside the one that was refused is cut off as a flood. So a refusal stops everything for the
 * time it names, and halves how many go at once; each answer then lets that grow a little.
 */
export class CommandQueue {
  readonly #ports: QueuePorts
  readonly #waiting: readonly Waiting[][] = [[], [], []]
  readonly #unanswered = new Set<(answer: Ack<never>) => void>()
  #window: number
  /** Pauses since anything was taken. */
  #pauses = 0
  #cancelPause: (() => void) | undefined

  constructor(ports: QueuePorts) {
    this.#ports = ports
    this.#window = ports.runtime.settings.commandWindow
  }

  /** How long it waits for its turn does not count: what was not sent cannot be late. */
  ask<Name extends CommandName>(
    command: Name,
    input: CommandInput<Name>,
    timeoutMs: number,
  ): Promise<Ack<CommandOutput<Name>>> {
    return new Promise(resolve => {
      this.#waiting[rankOf(command)]?.push({ command, input, timeoutMs, resolve })
      this.#pump()
    })
  }

  /** The connection is over, and with it whatever was asked on it. */
  end(error: Failure): void {
    this.#cancelPause?.()
    this.#cancelPause = undefined
    this.#pauses = 0
    const waiting = this.#waiting.flatMap(list => list.splice(0))
    for (const { resolve } of waiting) resolve({ ok: false, error })
    for (const settle of [...this.#unanswered]) settle({ ok: false, error })
  }

  #pump(): void {
    while (!this.#cancelPause && this.#unanswered.size < Math.floor(this.#window) && this.#ports.ready()) {
      const next = this.#waiting.find(list => list.length > 0)?.shift()
      if (!next) return
      this.#send(next)
    }
  }

  #send({ command, input, timeoutMs, resolve }: Waiting): void {
    const settle = (answer: Ack<never>) => {
      // An answer may come after its time was over, or twice.
      if (!this.#unanswered.delete(settle)) return
      cancel()
      this.#heed(answer)
      resolve(answer)
      this.#pump()
    }
    const late = { ok: false, error: unavailable('No answer came in time.') } as const
    const cancel = this.#ports.runtime.after(timeoutMs, () => settle(late))
    this.#unanswered.add(settle)
    this.#ports.emit(command, input, settle)
  }

  #heed(answer: Ack<never>): void {
    const { commandWindow } = this.#ports.runtime.settings
    if (answer.ok) {
      this.#pauses = 0
      this.#window = Math.min(commandWindow, this.#window + 1 / commandWindow)
    } else if (answer.error.code === 'rate_limited') this.#pause(answer.error)
  }

  /** Those that were under way with the first that was refused say the same. */
  #pause(failure: Failure): void {
    if (this.#cancelPause) return
    const { runtime } = this.#ports
    this.#window = Math.max(1, this.#window / 2)
    const delay = Math.min(longestPauseMs, runtime.retryDelay(this.#pauses++, failure))
    this.#cancelPause = runtime.after(delay, () => {
      this.#cancelPause = undefined
      this.#pump()
    })
  }
}

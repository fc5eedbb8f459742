import type { Ack, CommandOutput, Entry, Events, Run } from '../protocol/index.ts'
import type { Runtime } from './runtime.ts'

/** An answer on its way, as far as it was heard. */
export interface Answer extends Pick<Run, 'runId' | 'agentId' | 'state'> {
  readonly text: string
}

interface AnswerPorts {
  readonly runtime: Runtime
  ready(): boolean
  /** Which run is on its way; its text so far then comes as a delta from 0. */
  read(): Promise<Ack<CommandOutput<'run.read'>>>
  changed(): void
}

type Delta = Pick<Events['delta'], 'runId' | 'epoch' | 'offset' | 'text'>

/**
 * The answer on its way in one conversation, put together from events any of which may be lost, late or repeated (L6). Three things hold
 * whatever comes: its text is the beginning of what the run wrote; nothing of an older epoch is shown once a newer one was heard of (L7);
 * what has ended, or stands in the log, does not come back. What does not fit is asked for.
 */
export class AnswerOnItsWay {
  shown: Answer | undefined
  readonly #ports: AnswerPorts
  #run: Run | undefined
  /** The text of one run, which may be heard of earlier than the run itself. */
  #heard = { runId: '', text: '' }
  #epoch = 0
  readonly #ended = new Set<string>()
  #cancelTimer: () => void = () => undefined
  #wanted = false
  /** From the moment a question is planned until it is answered, so that there is never a second. */
  #asking = false
  #notBefore = 0
  #failures = 0

  constructor(ports: AnswerPorts) {
    this.#ports = ports
  }

  /** Somebody else answers from now on. */
  raise(epoch: number): void {
    if (epoch <= this.#epoch) return
    this.#epoch = epoch
    this.#drop()
  }

  startAnew(): void {
    this.#epoch = 0
    this.#drop()
  }

  ran(run: Run): void {
    if (this.#isPast(run)) return
    const before = this.#run
    if (isOver(run.state)) this.#ended.add(run.runId)
    if (isOver(run.state) && before?.runId !== run.runId) return
    // What `done` wrote takes its place as an entry, which is a moment away.
    if (isOver(run.state) && run.state !== 'done') {
      this.#drop()
      return
    }
    this.#run = run
    if (this.#heard.runId !== run.runId) this.#heard = { runId: run.runId, text: '' }
    this.#show()
    // Two at once there cannot be, and which of them is the later one cannot be seen.
    if (before && before.runId !== run.runId && !isOver(before.state)) this.ask()
  }

  wrote(delta: Delta): void {
    if (this.#isPast(delta)) return
    const { runId } = delta
    const unknown = this.#run?.runId !== runId
    if (unknown) this.ask()
    if (unknown && this.#run) return
    const known = this.#heard.runId === runId ? this.#heard.text : ''
    const text = joined(known, delta)
    if (text === undefined) this.ask()
    else this.#heard = { runId, text }
    if (!unknown) this.#show()
  }

  /** In the log it takes the place of what was shown: in one change, so that there are never both and never neither. */
  applied(entries: readonly Entry[]): void {
    for (const { sender, parts } of entries) {
      if (sender.kind !== 'agent') continue
      for (const { type, runId } of parts) {
        if (type !== 'answer' || typeof runId !== 'string') continue
        this.#ended.add(runId)
        if (this.#run?.runId === runId) this.#drop()
      }
    }
  }

  /** The conversation is open on a new connection; what was said meanwhile is not known. */
  opened(byAi: boolean): void {
    if (this.#run) this.#watch()
    if (byAi || this.#run) this.ask()
  }

  disconnected(): void {
    if (this.#run && !isOver(this.#run.state)) this.#cancelTimer()
  }

  ask(): void {
    const { runtime, ready } = this.#ports
    this.#wanted = true
    if (this.#asking || !ready()) return
    this.#asking = true
    runtime.after(Math.max(0, this.#notBefore - runtime.now()), () => void this.#read())
  }

  async #read(): Promise<void> {
    const { runtime, ready, read } = this.#ports
    if (ready()) {
      this.#wanted = false
      this.#notBefore = runtime.now() + runtime.settings.runReadIntervalMs
      const before = this.#run
      const answer = await read()
      if (answer.ok) this.#failures = 0
      if (answer.ok && answer.value.run) this.ran(answer.value.run)
      else if (answer.ok || !answer.error.retryable) this.#isGone(before)
      else {
        this.#wanted = true
        this.#notBefore += runtime.retryDelay(this.#failures++, answer.error)
      }
    }
    this.#asking = false
    if (this.#wanted) this.ask()
  }

  /** One that began after the question was sent is not meant by the answer; its entry may still be a moment away. */
  #isGone(before: Run | undefined): void {
    if (before && before.runId === this.#run?.runId) this.ran({ ...before, state: 'done' })
  }

  #isPast({ runId, epoch }: Pick<Run, 'runId' | 'epoch'>): boolean {
    this.raise(epoch)
    return epoch < this.#epoch || this.#ended.has(runId)
  }

  #show(): void {
    if (!this.#run) return
    this.#watch()
    const { runId, agentId, state } = this.#run
    const { text } = this.#heard
    if (this.shown?.runId === runId && this.shown.state === state && this.shown.text === text) return
    this.shown = { runId, agentId, state, text }
    this.#ports.changed()
  }

  #drop(): void {
    this.#cancelTimer()
    if (!this.#run) return
    this.#run = undefined
    this.shown = undefined
    this.#ports.changed()
  }

  /** Its end may be lost like everything else of it, so a long silence is asked about. */
  #watch(): void {
    this.#cancelTimer()
    const { runtime } = this.#ports
    const { echoGraceMs, answerSilenceMs } = runtime.settings
    this.#cancelTimer =
      this.#run && isOver(this.#run.state)
        ? runtime.after(echoGraceMs, () => this.#drop())
        : runtime.after(answerSilenceMs, () => {
            this.#watch()
            this.ask()
          })
  }
}

const isOver = (state: Run['state']): boolean => state !== 'searching' && state !== 'writing'

/** What is known with what was heard; undefined: something between them is missing. */
function joined(known: string, { offset, text }: Delta): string | undefined {
  if (offset === 0) return text
  if (offset > known.length) return undefined
  const after = known.slice(offset)
  if (text.startsWith(after)) return known.slice(0, offset) + text
  return after.startsWith(text) ? known : undefined
}

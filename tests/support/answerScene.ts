import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { expect } from 'vitest'
import { AnswerOnItsWay } from '../../src/client/answer.ts'
import { defaultSettings } from '../../src/client/ports.ts'
import { Runtime } from '../../src/client/runtime.ts'
import type { Ack, CommandOutput, Entry, Run } from '../../src/protocol/index.ts'
import { failure } from './clientPeer.ts'
import { ManualClock } from './manualClock.ts'

export const agentId = randomUUID()

export const entryOf = (runId: string): Entry => ({
  id: randomUUID(),
  seq: 1,
  type: 'text',
  role: 'assistant',
  parts: [
    { type: 'text', text: 'all of it' },
    { type: 'answer', runId },
  ],
  text: 'all of it',
  sender: { kind: 'agent', id: agentId },
  clientId: runId,
  parentId: null,
  createdAt: new Date(0).toISOString(),
})

export type Told = Ack<CommandOutput<'run.read'>>

export function begin(read: () => Told | Promise<Told> = () => ({ ok: true, value: { run: null } })) {
  const clock = new ManualClock()
  const asked: number[] = []
  const connection = { ready: true }
  const answer = new AnswerOnItsWay({
    runtime: new Runtime(clock, () => 1, defaultSettings),
    ready: () => connection.ready,
    read: async () => {
      asked.push(clock.now())
      return read()
    },
    changed: () => undefined,
  })
  return { clock, asked, connection, answer }
}

export const runOf = (values: Partial<Run> = {}): Run => ({
  ...{ runId: randomUUID(), agentId, epoch: 1, state: 'writing' },
  ...values,
})

interface ServerRun extends Run {
  text: string
}

type Act =
  | { readonly do: 'begin' | 'search' | 'move' | 'regenerate' }
  | { readonly do: 'write'; readonly text: string }
  | { readonly do: 'end'; readonly state: 'done' | 'stopped' | 'failed' }
  | { readonly do: 'hear' | 'hearAgain' | 'lose'; readonly which: number }
  | { readonly do: 'wait'; readonly milliseconds: number }
  | { readonly do: 'reconnect' }

const which = fc.nat(1_000)
export const act: fc.Arbitrary<Act> = fc.oneof(
  { weight: 5, arbitrary: fc.record({ do: fc.constantFrom('begin', 'search', 'move', 'regenerate') }) },
  {
    weight: 8,
    // Few letters: pieces that look alike are the hard ones to place.
    arbitrary: fc.record({ do: fc.constant('write' as const), text: fc.stringMatching(/^[ab]{1,4}$/) }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      do: fc.constant('end' as const),
      state: fc.constantFrom('done', 'stopped', 'failed'),
    }),
  },
  // The first that is under way: the usual order.
  { weight: 10, arbitrary: fc.constant({ do: 'hear' as const, which: 0 }) },
  { weight: 8, arbitrary: fc.record({ do: fc.constantFrom('hear', 'hearAgain', 'lose'), which }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant('wait' as const), milliseconds: fc.nat(3_000) }) },
  fc.constant({ do: 'reconnect' as const }),
)

/** A server with its runs, a client, and all that is on its way between them. */
export class Scene {
  readonly runs = new Map<string, ServerRun>()
  live: ServerRun | undefined
  epoch = 1
  heardEpoch = 0
  readonly applied = new Set<string>()
  readonly underWay: (() => void)[] = []
  readonly client = begin(() => this.#answer())

  async act(step: Act): Promise<void> {
    const { answer, clock } = this.client
    if (step.do === 'begin' && !this.live) this.#begin()
    else if (step.do === 'regenerate') {
      this.#end('superseded')
      this.#begin()
    } else if (step.do === 'search') this.#become('searching')
    else if (step.do === 'write') this.#write(step.text)
    else if (step.do === 'end') this.#end(step.state)
    else if (step.do === 'move') this.#move()
    else if (step.do === 'hear' || step.do === 'lose') {
      const [event] = this.underWay.splice(step.which % (this.underWay.length || 1), 1)
      if (step.do === 'hear') event?.()
    } else if (step.do === 'hearAgain') this.underWay[step.which % (this.underWay.length || 1)]?.()
    else if (step.do === 'wait') await clock.pass(step.milliseconds)
    else if (step.do === 'reconnect') {
      answer.disconnected()
      answer.opened(true)
    }
  }

  check(): void {
    const { shown } = this.client.answer
    if (!shown) return
    const run = this.runs.get(shown.runId)
    expect(run?.text.startsWith(shown.text), `"${shown.text}" of "${run?.text}"`).toBe(true)
    expect(run?.epoch).toBeGreaterThanOrEqual(this.heardEpoch)
    expect(this.applied.has(shown.runId)).toBe(false)
  }

  write(text: string): void {
    this.#write(text)
  }

  #begin(): void {
    const run: ServerRun = { ...runOf({ epoch: this.epoch, state: 'searching' }), text: '' }
    this.runs.set(run.runId, run)
    this.live = run
    this.#tell()
  }

  #become(state: Run['state']): void {
    if (!this.live) return
    this.live.state = state
    this.#tell()
  }

  #write(text: string): void {
    if (!this.live) return
    if (this.live.state !== 'writing') this.#become('writing')
    const { runId, epoch, text: before } = this.live
    this.live.text += text
    this.underWay.push(() => this.client.answer.wrote({ runId, epoch, offset: before.length, text }))
  }

  #end(state: 'done' | 'stopped' | 'failed' | 'superseded'): void {
    const run = this.live
    if (!run) return
    this.#become(state)
    this.live = undefined
    if (state !== 'done') return
    this.underWay.push(() => {
      this.client.answer.applied([entryOf(run.runId)])
      this.applied.add(run.runId)
    })
  }

  #move(): void {
    this.live = undefined
    const epoch = ++this.epoch
    this.underWay.push(() => {
      this.client.answer.raise(epoch)
      this.heardEpoch = Math.max(this.heardEpoch, epoch)
    })
  }

  #tell(): void {
    if (!this.live) return
    const { text: _, ...run } = this.live
    this.underWay.push(() => this.client.answer.ran(run))
  }

  /** Read now, and heard when its turn comes; lost, the client gives it up. */
  #answer(): Promise<Told> {
    const told = this.#read()
    return new Promise(resolve => {
      this.underWay.push(() => resolve(told))
      this.client.clock.after(defaultSettings.ackTimeoutMs, () =>
        resolve({ ok: false, error: failure('unavailable', true) }),
      )
    })
  }

  #read(): Told {
    if (!this.live) return { ok: true, value: { run: null } }
    const { text, ...run } = this.live
    const { runId, epoch } = run
    const follow = () => this.client.answer.wrote({ runId, epoch, offset: 0, text })
    // After the answer, as a rule.
    queueMicrotask(() => this.underWay.push(follow))
    return { ok: true, value: { run } }
  }

  /** Nothing is lost any more, and nothing is under way in the end. */
  async settle(): Promise<void> {
    for (let round = 0; round < 30; round++) {
      for (const event of this.underWay.splice(0)) {
        event()
        this.check()
      }
      await this.client.clock.pass(800)
      this.check()
    }
  }
}

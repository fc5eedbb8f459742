import type { Ack, CommandOutput, ConversationState, Entry, Events, Mark } from '../protocol/index.ts'
import { AnswerOnItsWay } from './answer.ts'
import { Marks } from './marks.ts'
import type { Runtime } from './runtime.ts'
import { OthersTyping } from './typing.ts'
import { type ConversationSnapshot, type Sender, sameSender } from './view.ts'

interface ToldPorts {
  readonly runtime: Runtime
  ready(): boolean
  self(): Sender | undefined
  readRun(): Promise<Ack<CommandOutput<'run.read'>>>
  /** How far this reader is, as the server knows it. */
  ownMark(mark: Mark): void
  changed(): void
}

export const toldEvents = ['mark', 'online', 'typing', 'conversation', 'owner', 'run', 'delta'] as const
type ToldEvent = (typeof toldEvents)[number]

type Ownership = Pick<ConversationState, 'owner' | 'assignedMemberId' | 'epoch'>

/** What the server says of a conversation beside its log: its state, who is there and how far, and the answer on its way. */
export class Told {
  readonly #ports: ToldPorts
  #marks = new Marks()
  readonly #typing: OthersTyping
  readonly #answer: AnswerOnItsWay
  #state: ConversationState | null = null
  #ownership: Ownership | undefined
  #online = false

  constructor(ports: ToldPorts) {
    const { runtime, ready, changed } = ports
    this.#ports = ports
    this.#typing = new OthersTyping(runtime, changed)
    this.#answer = new AnswerOnItsWay({ runtime, ready, changed, read: () => ports.readRun() })
  }

  /** Without a state it has not been seen; nobody has a conversation at epoch 0, so what is said then is refused. */
  get epoch(): number {
    return this.#state?.epoch ?? 0
  }

  get view(): Pick<ConversationSnapshot, 'conversation' | 'answer' | 'marks' | 'typing' | 'online'> {
    return {
      conversation: this.#state,
      answer: this.#answer.shown,
      marks: this.#marks.all,
      typing: this.#typing.senders,
      online: this.#online,
    }
  }

  opened({ conversation, marks, online }: CommandOutput<'conversation.open'>): void {
    this.#take(conversation)
    this.#online = online
    for (const mark of marks) this.receive.mark(mark)
    this.#answer.opened(this.#state?.owner === 'ai')
  }

  disconnected(): void {
    this.#typing.clear()
    this.#answer.disconnected()
  }

  /** What was said before counts no more: neither marks nor who answers go back otherwise. */
  startAnew(): void {
    this.#marks = new Marks()
    this.#ownership = undefined
    this.#answer.startAnew()
  }

  applied(entries: readonly Entry[]): void {
    for (const { sender } of entries) this.#typing.ended(sender)
    this.#answer.applied(entries)
  }

  readonly receive: {
    readonly [Name in ToldEvent]: (payload: Name extends 'mark' ? Mark : Events[Name]) => void
  } = {
    mark: mark => {
      this.#marks.raise(mark)
      if (sameSender(mark.reader, this.#ports.self())) this.#ports.ownMark(mark)
      this.#ports.changed()
    },
    online: ({ online }) => {
      this.#online = online
      this.#ports.changed()
    },
    typing: typing => {
      if (!sameSender(typing.sender, this.#ports.self())) this.#typing.heard(typing)
    },
    conversation: state => this.#take(state),
    owner: owner => this.moved(owner),
    run: run => this.#answer.ran(run),
    delta: delta => this.#answer.wrote(delta),
  }

  /**
   * That somebody else answers is heard of earlier than the rest of the state, and a state that was read before may come after it: who
   * answers never goes back to a lower epoch (L7).
   */
  #take(state: ConversationState): void {
    this.moved(state)
    this.#state = { ...state, ...this.#ownership }
    this.#ports.changed()
  }

  moved({ owner, assignedMemberId, epoch }: Ownership): void {
    if (this.#ownership && epoch < this.#ownership.epoch) return
    this.#ownership = { owner, assignedMemberId, epoch }
    if (this.#state) this.#state = { ...this.#state, ...this.#ownership }
    this.#answer.raise(epoch)
    this.#ports.changed()
  }
}

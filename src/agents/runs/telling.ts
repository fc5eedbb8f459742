import { type Gateway, rooms } from '../../gateway/index.ts'
import { audiences, type Events, type Run } from '../../protocol/index.ts'

/** Which answer to what. */
export interface Told extends Omit<Run, 'state'> {
  readonly tenantId: string
  readonly conversationId: string
}

/** Between two pieces of one answer: at most about thirty a second (L6). */
const frameMs = 35
/** Between two times at which all of it is told: everybody gets it, however many ask. */
const wholeMs = 250

/**
 * Shows an answer while it is written to everyone who has the conversation open (L6). The first piece leaves at once, later ones are
 * joined. Nothing here waits, and all of it may be lost: the finished answer stands in the log.
 */
export class Telling {
  readonly #gateway: Pick<Gateway, 'publish'>
  readonly #told: Told
  readonly #now: () => number
  #text = ''
  /** So much of it has been told. */
  #sent = 0
  #sentAt = Number.NEGATIVE_INFINITY
  #timer: NodeJS.Timeout | undefined
  #wholeAt = Number.NEGATIVE_INFINITY
  #wholeTimer: NodeJS.Timeout | undefined
  #state: Run['state'] = 'searching'
  readonly #begunAt: number
  #firstAt: number | undefined

  constructor(gateway: Pick<Gateway, 'publish'>, told: Told, now: () => number = () => performance.now()) {
    this.#gateway = gateway
    this.#told = told
    this.#now = now
    this.#begunAt = now()
    this.#tellState()
  }

  get text(): string {
    return this.#text
  }

  /** How long it took until there was something to read. */
  get firstMs(): number | undefined {
    return this.#firstAt === undefined ? undefined : Math.round(this.#firstAt - this.#begunAt)
  }

  get run(): Run {
    const { runId, agentId, epoch } = this.#told
    return { runId, agentId, epoch, state: this.#state }
  }

  state(state: Run['state']): void {
    if (state === this.#state) return
    this.#state = state
    this.#tellState()
  }

  push(text: string): void {
    this.state('writing')
    this.#firstAt ??= this.#now()
    this.#text += text
    if (this.#timer) return
    const wait = this.#sentAt + frameMs - this.#now()
    if (wait <= 0) this.flush()
    else this.#timer = setTimeout(() => this.flush(), wait)
  }

  /** What was written so far does not count: it begins anew. */
  restart(): void {
    if (this.#text === '') return
    this.#text = ''
    this.#sent = 0
    this.#tell(0)
  }

  flush(): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    if (this.#sent < this.#text.length) this.#tell(this.#sent)
  }

  /** All there is so far, for those who missed something. */
  whole(): void {
    if (this.#wholeTimer) return
    const wait = this.#wholeAt + wholeMs - this.#now()
    if (wait <= 0) this.#tellWhole()
    else this.#wholeTimer = setTimeout(() => this.#tellWhole(), wait)
  }

  #tellWhole(): void {
    clearTimeout(this.#wholeTimer)
    this.#wholeTimer = undefined
    this.#wholeAt = this.#now()
    this.#tellState()
    clearTimeout(this.#timer)
    this.#timer = undefined
    this.#tell(0)
  }

  end(state: Run['state']): void {
    clearTimeout(this.#timer)
    this.#timer = undefined
    clearTimeout(this.#wholeTimer)
    this.#wholeTimer = undefined
    this.state(state)
  }

  #tell(offset: number): void {
    const { conversationId, runId, epoch } = this.#told
    this.#sentAt = this.#now()
    this.#sent = this.#text.length
    this.#publish('delta', { conversationId, runId, epoch, offset, text: this.#text.slice(offset) })
  }

  #tellState(): void {
    const { conversationId } = this.#told
    this.#publish('run', { conversationId, ...this.run })
  }

  #publish<Name extends 'run' | 'delta'>(event: Name, payload: Events[Name]): void {
    const room = rooms.conversation(this.#told.tenantId, this.#told.conversationId)
    for (const audience of audiences)
      this.#gateway.publish(audience, room, event, payload, { ephemeral: true })
  }
}

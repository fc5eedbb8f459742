import type { Ack, CommandInput, CommandName, CommandOutput, Events } from '../protocol/index.ts'
import type { Requests } from './logSync.ts'
import type { Runtime } from './runtime.ts'

interface RequestPorts {
  readonly runtime: Runtime
  readonly requests: Requests
  withId<Value>(run: (id: string) => Promise<Ack<Value>>): Promise<Ack<Value>>
  newClientId(): string
  /** The one that the person has before them: who decides by what is no more is refused (L7). */
  epoch(): number
  /** That it has moved, which may be known from the acknowledgement alone (L7). */
  moved(ownership: Omit<Events['owner'], 'conversationId'>): void
  selfId(): string | null
}

type MoveName = 'conversation.claim' | 'conversation.handBack' | 'conversation.resolve'

interface Seen {
  readonly clientId: string
  readonly epoch: number
}

type Asked<Name extends CommandName> = Promise<Ack<CommandOutput<Name>>>

/** What a person wants of a conversation at this moment: unlike what is written, it does not wait for a connection for long. */
export class PersonsRequests {
  readonly #ports: RequestPorts

  constructor(ports: RequestPorts) {
    this.#ports = ports
  }

  // Whether an answer ends, or another one begins, is seen: who wants it still asks again.
  stop(): Asked<'run.stop'> {
    return this.#ask('run.stop', {})
  }

  regenerate(): Asked<'run.regenerate'> {
    return this.#ask('run.regenerate', {})
  }

  callPerson(reason?: string): Asked<'conversation.escalate'> {
    const why = reason === undefined ? {} : { reason }
    return this.#once(({ clientId }) => this.#ask('conversation.escalate', { clientId, ...why }))
  }

  claim(): Asked<'conversation.claim'> {
    const owner = { owner: 'member', assignedMemberId: this.#ports.selfId() } as const
    return this.#move('conversation.claim', {}, owner)
  }

  handBack(to: 'ai' | 'queue'): Asked<'conversation.handBack'> {
    return this.#move('conversation.handBack', { to }, { owner: to, assignedMemberId: null })
  }

  resolve(): Asked<'conversation.resolve'> {
    return this.#move('conversation.resolve', {}, { owner: 'ai', assignedMemberId: null })
  }

  async #move<Name extends MoveName>(
    command: Name,
    input: Omit<CommandInput<Name>, 'conversationId' | keyof Seen>,
    owner: Pick<Events['owner'], 'owner' | 'assignedMemberId'>,
  ): Asked<Name> {
    const answer = await this.#once(seen =>
      this.#ask(command, { ...seen, ...input } as unknown as Omit<CommandInput<Name>, 'conversationId'>),
    )
    if (answer.ok) this.#ports.moved({ ...owner, epoch: answer.value.epoch })
    return answer
  }

  #ask<Name extends CommandName>(
    command: Name,
    input: Omit<CommandInput<Name>, 'conversationId'>,
  ): Asked<Name> {
    const { withId, requests } = this.#ports
    return withId(conversationId =>
      requests.request(command, { ...input, conversationId } as CommandInput<Name>),
    )
  }

  /** What may have been carried out without an answer is sent again as it was, under the same client id, and so is done once (L2). */
  async #once<Value>(send: (seen: Seen) => Promise<Ack<Value>>): Promise<Ack<Value>> {
    const { runtime, newClientId, epoch } = this.#ports
    const seen = { clientId: newClientId(), epoch: epoch() }
    const until = runtime.now() + runtime.settings.requestPatienceMs
    for (let attempt = 0; ; attempt++) {
      const answer = await send(seen)
      if (answer.ok || !answer.error.retryable) return answer
      const delay = runtime.retryDelay(attempt, answer.error)
      if (runtime.now() + delay > until) return answer
      await runtime.sleep(delay)
    }
  }
}

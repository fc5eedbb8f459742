import type { Socket } from 'socket.io-client'
import type { SocketPort } from '../../src/client/index.ts'
import type { Ack } from '../../src/protocol/index.ts'
import type { Acked, History, Named, Refused, Seen, Sent, Sightings } from './history.ts'

export interface Person {
  readonly audience: 'visitor' | 'member'
  readonly senderId: string
}

/** A command that a client gave to its socket, with the name it must keep when it is repeated. */
export interface Written extends Named {
  readonly command: string
  readonly input: { readonly conversationId: string; readonly clientId: string }
}

export const writing = new Set(['message.send', 'message.edit', 'message.delete'])

/** Takes down what passes between clients and gateways, where it passes: at their sockets. */
export class Recorder {
  readonly sent: Sent[] = []
  readonly acked: Acked[] = []
  readonly refused: Refused[] = []
  readonly #sightings = new Map<string, Sighted>()
  /** What each client has given to its socket at least once. */
  readonly written = new Map<string, Written[]>()

  /** By its id, the first that was heard of each entry. */
  readonly #seen = new Map<string, Seen>()

  get visitorsSaw(): Sightings[] {
    return [...this.#sightings].map(([client, seen]) => ({ client, ...seen }))
  }

  /** Until now: what is read of the database after this has to hold all of it. */
  taken(): Pick<History, 'sent' | 'acked' | 'refused' | 'seen' | 'visitorsSaw'> {
    return {
      sent: [...this.sent],
      acked: [...this.acked],
      refused: [...this.refused],
      seen: [...this.#seen.values()],
      visitorsSaw: structuredClone(this.visitorsSaw),
    }
  }

  /** The socket as the client has it, with everything that passes noted. */
  port(client: string, person: Person, socket: Socket): SocketPort {
    if (person.audience === 'visitor') {
      const seen = this.#sightings.get(client) ?? { words: new Set(), positions: new Map() }
      this.#sightings.set(client, seen)
      socket.onAny((_event: string, payload: unknown) => notice(payload, seen, undefined))
    }
    socket.onAny((_event: string, payload: unknown) => this.#toldOf(client, payload, undefined))
    return {
      get connected() {
        return socket.connected
      },
      get auth() {
        return socket.auth
      },
      set auth(value) {
        socket.auth = value
      },
      connect: () => socket.connect(),
      disconnect: () => socket.disconnect(),
      on: (event, listener) => socket.on(event, listener as never),
      off: (event, listener) => socket.off(event, listener as never),
      emit: (event, input, acknowledge) => {
        if (writing.has(event)) this.#wrote(client, person, event, input as Written['input'])
        return socket.emit(event, input, (answer: Ack<unknown>) => {
          this.answered(client, person, event, input, answer)
          acknowledge(answer as never)
        })
      },
    }
  }

  #wrote(client: string, { senderId }: Person, command: string, input: Written['input']): void {
    const list = this.written.get(client) ?? []
    this.written.set(client, list)
    const { conversationId, clientId } = input
    if (list.some(known => known.clientId === clientId)) return
    list.push({ command, input, conversationId, clientId, senderId })
  }

  /** A person wrote this; the client may send it much later. */
  said(
    client: string,
    { senderId }: Person,
    conversationId: string,
    clientId: string,
    deed: Sent['deed'] = 'say',
  ): void {
    this.sent.push({ client, conversationId, clientId, senderId, deed })
  }

  /** Entries come in events, in the answer to opening and in pages, everywhere under one name. */
  #toldOf(client: string, payload: unknown, asked: string | undefined): void {
    if (typeof payload !== 'object' || payload === null) return
    const { entries, conversationId, conversation } = payload as {
      entries?: unknown
      conversationId?: string
      conversation?: { id?: string }
    }
    if (!Array.isArray(entries)) return
    const about = conversationId ?? conversation?.id ?? asked ?? ''
    for (const { id } of entries as { id: string }[])
      if (!this.#seen.has(id)) this.#seen.set(id, { client, conversationId: about, id })
  }

  answered(client: string, person: Person, event: string, input: unknown, answer: Ack<unknown>): void {
    const seen = this.#sightings.get(client)
    if (seen && answer.ok) notice(answer.value, seen, (input as { conversationId?: string }).conversationId)
    if (answer.ok) this.#toldOf(client, answer.value, (input as { conversationId?: string }).conversationId)
    if (!writing.has(event)) return
    const { conversationId, clientId } = input as Written['input']
    const name = { conversationId, clientId, senderId: person.senderId }
    if (answer.ok) {
      const { id, seq } = answer.value as { id: string; seq: number }
      this.acked.push({ ...name, id, seq, audience: person.audience })
    } else if (!answer.error.retryable) this.refused.push({ ...name, code: answer.error.code })
  }
}

interface Sighted {
  readonly words: Set<string>
  readonly positions: Map<string, Map<number, number>>
}

const positionFields = new Set(['head', 'seq', 'read', 'delivered', 'publicSeq'])

/** Every text and position in what a client was told, wherever in it. `conversationId`: which one it is about, as far as is known. */
function notice(value: unknown, seen: Sighted, conversationId: string | undefined): void {
  if (typeof value === 'string') seen.words.add(value)
  if (typeof value !== 'object' || value === null) return
  const named = value as {
    conversationId?: string
    conversation?: { id: string }
    id?: string
    kind?: string
  }
  const about =
    named.conversationId ?? named.conversation?.id ?? (named.kind === 'chat' ? named.id : undefined)
  const within = about ?? conversationId
  for (const [key, part] of Object.entries(value)) {
    if (typeof part === 'number' && positionFields.has(key) && within !== undefined) {
      const known = seen.positions.get(within) ?? new Map<number, number>()
      seen.positions.set(within, known)
      if (!known.has(part)) known.set(part, Date.now())
    } else notice(part, seen, within)
  }
}

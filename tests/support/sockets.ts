import { io, type Socket } from 'socket.io-client'
import { newId } from '../../src/kernel/index.ts'
import {
  type Ack,
  type Audience,
  type CommandInput,
  type CommandName,
  type CommandOutput,
  type EventName,
  type Events,
  events,
  type Failure,
  protocolVersion,
} from '../../src/protocol/index.ts'
import type { Person, Workspace } from './people.ts'

/** A plain Socket.IO client with types: what any client in any language can do, and no more. */
export interface TestSocket {
  readonly socket: Socket
  /** The value of the acknowledgement, or the failure thrown as an error with a `failure`. */
  ask<Name extends CommandName>(name: Name, input: CommandInput<Name>): Promise<CommandOutput<Name>>
  /** The acknowledgement as it came. */
  answer(name: string, input: unknown): Promise<Ack<unknown>>
  /** Everything received so far of one event; each was checked against the protocol. */
  received<Name extends EventName>(event: Name): Events[Name][]
  /** The next time an event comes that fits. */
  next<Name extends EventName>(
    event: Name,
    fits?: (payload: Events[Name]) => boolean,
    withinMs?: number,
  ): Promise<Events[Name]>
  close(): void
}

export class CommandRefused extends Error {
  readonly failure: Failure
  constructor(failure: Failure) {
    super(`${failure.code}: ${failure.message}`)
    this.failure = failure
  }
}

export class ConnectionRefused extends Error {
  readonly failure: Failure | undefined
  constructor(error: Error & { data?: Failure }) {
    super(error.message)
    this.failure = error.data
  }
}

export interface ConnectOptions {
  readonly url: string
  readonly audience: Audience
  readonly auth: Record<string, unknown>
  readonly query?: Record<string, string>
  readonly headers?: Record<string, string>
  readonly transports?: ('websocket' | 'polling')[]
  readonly reconnection?: boolean
}

export async function connectSocket(options: ConnectOptions): Promise<TestSocket> {
  const {
    url,
    audience,
    auth,
    query = {},
    headers = {},
    transports = ['websocket'],
    reconnection = false,
  } = options
  const socket = io(`${url}/${audience}`, {
    ...{ query, transports, reconnection },
    auth: { version: protocolVersion.current, ...auth },
    extraHeaders: headers,
    forceNew: true,
  })
  const log: [EventName, unknown][] = []
  const waiting = new Set<() => void>()
  socket.onAny((name: string, payload: unknown) => {
    // Also in tests that look at something else: nothing may be sent that the protocol does not describe.
    const schema = events[name as EventName]
    if (!schema) throw new Error(`the protocol has no event ${name}`)
    log.push([name as EventName, schema.parse(payload)])
    for (const look of waiting) look()
  })
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', () => resolve())
    socket.once('connect_error', error => {
      socket.close()
      reject(new ConnectionRefused(error))
    })
    // Not a refusal in words: turned away before there was anyone to talk to.
    socket.once('disconnect', reason => {
      socket.close()
      reject(new Error(`closed before it was let in: ${reason}`))
    })
  })
  const received = <Name extends EventName>(event: Name) =>
    log.flatMap(([name, payload]) => (name === event ? [payload as Events[Name]] : []))
  const answer = (name: string, input: unknown): Promise<Ack<unknown>> =>
    socket.timeout(15_000).emitWithAck(name, input)
  return {
    socket,
    answer,
    received,
    ask: async (name, input) => {
      const ack = await answer(name, input)
      if (!ack.ok) throw new CommandRefused(ack.error)
      return ack.value as never
    },
    next: (event, fits = () => true, withinMs = 10_000) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const found = received(event).find(fits)
          if (!found) return
          waiting.delete(look)
          clearTimeout(timer)
          resolve(found)
        }
        const timer = setTimeout(() => {
          waiting.delete(look)
          reject(
            new Error(
              `not within ${withinMs} ms: ${event} that fits; there were ${JSON.stringify(received(event)).slice(0, 2_000)}`,
            ),
          )
        }, withinMs)
        waiting.add(look)
        look()
      }),
    close: () => void socket.close(),
  }
}

export interface Visit {
  readonly token: string
  readonly resume: string
  readonly contactId: string
  readonly widgetKey: string
}

/** A widget that any page may embed, as far as programs are concerned: they send no Origin. */
export async function newWidget(
  workspace: Workspace,
  agentId?: string,
): Promise<{ id: string; publicKey: string }> {
  const { status, body } = await workspace.owner.call<{ id: string; publicKey: string }>(
    'post',
    '/api/v1/widgets',
    {
      name: `Widget ${newId()}`,
      allowedDomains: ['shop.example'],
      ...(agentId && { agentId }),
    },
  )
  if (status !== 201) throw new Error(`the widget was not made: ${status}`)
  return body
}

export async function visit(url: string, widgetKey: string, resume?: string): Promise<Visit> {
  const response = await fetch(`${url}/api/v1/visitor/sessions`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ widget: widgetKey, ...(resume === undefined ? {} : { resume }) }),
  })
  if (response.status !== 201) throw new Error(`no visit: ${response.status} ${await response.text()}`)
  return { ...((await response.json()) as Omit<Visit, 'widgetKey'>), widgetKey }
}

export const connectVisitor = (
  url: string,
  { token, widgetKey }: Visit,
  more: Partial<ConnectOptions> = {},
) => connectSocket({ url, audience: 'visitor', auth: { token }, query: { widget: widgetKey }, ...more })

export const connectMember = (
  url: string,
  person: Pick<Person, 'token'>,
  more: Partial<ConnectOptions> = {},
) => connectSocket({ url, audience: 'member', auth: { token: person.token }, ...more })

export const text = (value: string) => [{ type: 'text' as const, text: value }]

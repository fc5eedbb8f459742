import { io, type Socket } from 'socket.io-client'
import {
  type Client,
  type ClientParts,
  type Conversation,
  createClient,
  type Message,
} from '../../src/client/index.ts'
import type { ClientToServer, ServerToClient } from '../../src/protocol/index.ts'
import type { ClientPeer } from './clientPeer.ts'
import { eventually } from './eventually.ts'

/** Short waits, so that faults do not make tests long; the defaults are tested where time is the subject. */
export const quick = {
  ackTimeoutMs: 250,
  connectTimeoutMs: 500,
  backoffBaseMs: 20,
  backoffCapMs: 200,
  stableAfterMs: 100,
  echoGraceMs: 100,
  markIntervalMs: 50,
} as const

const open: Client<'visitor'>[] = []

/** A visitor's client on a real socket. */
export function visitorOf(peer: ClientPeer, parts: Partial<ClientParts<'visitor'>> = {}): Client<'visitor'> {
  const socket: Socket<ServerToClient, ClientToServer<'visitor'>> = io(peer.url, {
    autoConnect: false,
    reconnection: false,
    forceNew: true,
    transports: ['websocket'],
  })
  const client = createClient<'visitor'>({
    socket,
    auth: async () => ({ token: 'first' }),
    renew: async () => ({ token: 'renewed' }),
    ...parts,
    options: { ...quick, ...parts.options },
  })
  open.push(client)
  return client
}

export function closeClients(): void {
  for (const client of open.splice(0)) client.close()
}

export const status = (client: Client<'visitor'>, wanted: Client<'visitor'>['state']['status']) =>
  eventually(`the client is ${wanted}`, () => client.state.status === wanted)

export const live = (conversation: Conversation) =>
  eventually('the conversation is live', () => conversation.getSnapshot().live)

export const messages = (conversation: Conversation): readonly Message[] =>
  conversation.getSnapshot().messages

export const texts = (conversation: Conversation): string[] => messages(conversation).map(({ text }) => text)

export const deliveries = (conversation: Conversation) =>
  messages(conversation).map(({ text, delivery }) => `${text} ${delivery}`)

import { randomBytes } from 'node:crypto'
import type { Audience, EventName } from '../../../src/protocol/index.ts'
import type { TestParley } from '../../support/parley.ts'
import type { Workspace } from '../../support/people.ts'
import { quickMember, quickWorkspace } from '../../support/quickPeople.ts'
import {
  connectMember,
  connectSocket,
  connectVisitor,
  newWidget,
  type TestSocket,
  text,
  type Visit,
  visit,
} from '../../support/sockets.ts'
import { memberFile } from '../../support/uploads.ts'
import type { Target } from './commands.ts'
import { makerFor } from './world.ts'

/** Someone with a connection, and everything that ever came over it. */
export interface Participant extends TestSocket {
  readonly who: string
  readonly audience: Audience
  readonly credential: string
  readonly heard: [EventName, unknown][]
}

/** A workspace with someone of every kind connected, and one conversation of the first visitor. */
export interface Crowd {
  readonly workspace: Workspace
  /** Stands in all texts of this workspace. */
  readonly mark: string
  readonly widgetKey: string
  readonly visit: Visit
  readonly conversationId: string
  readonly owner: Participant
  readonly key: Participant
  readonly visitor: Participant
  readonly guest: Participant
  /** May speak, each with a message of theirs in the conversation. */
  readonly insiders: readonly { readonly person: Participant; readonly target: Target }[]
}

export function listening(
  who: string,
  audience: Audience,
  credential: string,
  socket: TestSocket,
): Participant {
  const heard: Participant['heard'] = []
  socket.socket.onAny((name: EventName, payload: unknown) => heard.push([name, payload]))
  return { ...socket, who, audience, credential, heard }
}

export async function connectKey(
  parley: TestParley,
  { tenantId }: { readonly tenantId: string },
  permissions: readonly string[],
  who = 'a key',
): Promise<Participant> {
  const { key } = await makerFor(parley, { tenantId, mark: who }).key(permissions)
  return listening(who, 'member', key, await connectMember(parley.url, { token: key }))
}

export async function connectRole(
  parley: TestParley,
  workspace: Workspace,
  role: 'member' | 'support_agent',
): Promise<Participant> {
  const person = await quickMember(parley, workspace, role)
  return listening(role, 'member', person.token, await connectMember(parley.url, person))
}

export async function newVisitor(
  parley: TestParley,
  widgetKey: string,
  who: string,
): Promise<Participant & { readonly visit: Visit }> {
  const begun = await visit(parley.url, widgetKey)
  const socket = await connectVisitor(parley.url, begun)
  return { ...listening(who, 'visitor', begun.token, socket), visit: begun }
}

export async function newGuest(
  parley: TestParley,
  { owner }: Workspace,
  conversationId: string,
  who: string,
): Promise<Participant> {
  const path = `/api/v1/conversations/${conversationId}/tickets`
  const { status, body } = await owner.call<{ ticket: string }>('post', path, { name: who })
  if (status !== 201) throw new Error(`no ticket: ${status} ${JSON.stringify(body)}`)
  const socket = await connectSocket({
    url: parley.url,
    audience: 'participant',
    auth: { ticket: body.ticket },
  })
  return listening(who, 'participant', body.ticket, socket)
}

export async function newCrowd(parley: TestParley, name: string): Promise<Crowd> {
  const workspace = await quickWorkspace(parley)
  const mark = `${name}-${randomBytes(6).toString('hex')}`
  const widgetKey = (await newWidget(workspace)).publicKey
  const visitor = await newVisitor(parley, widgetKey, `${name}'s visitor`)
  const opened = await visitor.ask('conversation.open', { clientId: 'first' })
  const conversationId = opened.conversation.id
  const owner = listening(
    `${name}'s owner`,
    'member',
    workspace.owner.token,
    await connectMember(parley.url, workspace.owner),
  )
  const key = await connectKey(
    parley,
    workspace,
    ['conversations:read', 'conversations:write', 'knowledge:read'],
    `${name}'s key`,
  )
  const guest = await newGuest(parley, workspace, conversationId, `${name}'s guest`)
  const fileId = await memberFile(workspace, conversationId)
  const insiders = []
  for (const person of [owner, key, visitor, guest]) {
    await person.ask('conversation.open', { conversationId })
    // The owner shows the file to all of them.
    const shown = person === owner ? [{ type: 'file' as const, fileId }] : []
    const parts = [...text(`${mark} ${person.who}`), ...shown]
    const message = { conversationId, clientId: 'own', parts }
    const { id: messageId } = await person.ask('message.send', message)
    insiders.push({ person, target: { conversationId, messageId, fileId, credential: person.credential } })
  }
  return {
    ...{ workspace, mark, widgetKey, visit: visitor.visit, conversationId },
    ...{ owner, key, visitor, guest, insiders },
  }
}

/** What of a workspace must be heard by nobody else: it stands in every event and answer about it. */
export const secretsOf = ({ mark, conversationId, workspace, visit: { contactId } }: Crowd): string[] => [
  ...[mark, conversationId, contactId, workspace.tenantId],
]

export const tells = (value: unknown, secrets: readonly string[]): string[] => {
  const text = JSON.stringify(value) ?? ''
  return secrets.filter(secret => text.includes(secret))
}

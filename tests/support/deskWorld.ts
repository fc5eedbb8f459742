import { newId, newTenantToken } from '../../src/kernel/index.ts'
import type { Events } from '../../src/protocol/index.ts'
import type { TestParley } from './parley.ts'
import type { Person, Workspace } from './people.ts'
import { quickMember, quickWorkspace } from './quickPeople.ts'
import {
  type ConnectOptions,
  connectMember,
  connectVisitor,
  newWidget,
  type TestSocket,
  text,
  visit,
} from './sockets.ts'

export interface Colleague extends TestSocket {
  readonly memberId: string
  readonly person: Person
}

export interface Talk {
  readonly conversationId: string
  readonly contactId: string
  readonly visitor: TestSocket
  /** Asks for a person, and returns the epoch from then on. */
  escalate(clientId?: string): Promise<number>
}

export interface EscalationView {
  readonly id: string
  readonly status: string
  readonly reason: string
  readonly detail: string
  readonly epoch: number
  readonly assignedMemberId: string | null
  readonly resolvedAt: string | null
  readonly contactId: string | null
  readonly brief: {
    readonly summary: string
    readonly asked: string
    readonly tried: string[]
    readonly contact: object
  }
}

/** People at their desks and visitors who want something of them. */
export async function newDesk(parley: Pick<TestParley, 'url' | 'owner'>) {
  const workspace: Workspace = await quickWorkspace(parley)
  const widget = await newWidget(workspace)
  const open = new Set<TestSocket>()
  const kept = <Connected extends TestSocket>(socket: Connected): Connected => {
    open.add(socket)
    return socket
  }

  async function colleague(url = parley.url): Promise<Colleague> {
    const person = await quickMember(parley, workspace, 'support_agent')
    const socket = await connectMember(url, person)
    return kept({ ...socket, memberId: person.memberId, person })
  }

  let quiet: Promise<string> | undefined
  /** An agent has it that takes the first message for answered: it is with AI, and AI says nothing. */
  async function withQuietAgent(conversationId: string): Promise<void> {
    quiet ??= newAgent(workspace)
    await parley.owner.query('update conversations set agent_id = $2, answered_seq = 1 where id = $1', [
      conversationId,
      await quiet,
    ])
  }

  const withoutAgent = async (conversationId: string): Promise<void> =>
    void (await parley.owner.query('update conversations set agent_id = null where id = $1', [
      conversationId,
    ]))

  async function talk(url = parley.url, more: Partial<ConnectOptions> = {}): Promise<Talk> {
    const visiting = await visit(url, widget.publicKey)
    const visitor = kept(await connectVisitor(url, visiting, more))
    const conversationId = (await visitor.ask('conversation.open', { clientId: 'main' })).conversation.id
    await withQuietAgent(conversationId)
    const first = { conversationId, clientId: 'first', parts: text('Where is my parcel?') }
    await visitor.ask('message.send', first)
    const escalate = async (clientId = newId()) => {
      const before = visitor.received('owner').length
      await visitor.ask('conversation.escalate', { conversationId, clientId, reason: 'It is urgent.' })
      return visitor.received('owner').slice(before)[0]?.epoch ?? 0
    }
    return { conversationId, contactId: visiting.contactId, visitor, escalate }
  }

  async function row(conversationId: string) {
    const { rows } = await parley.owner.query(
      `select owner, epoch, status, assigned_member_id as "assignedMemberId", seq::int, asked_seq::int as "askedSeq",
         answered_seq::int as "answeredSeq", resolved_at is not null as resolved from conversations where id = $1`,
      [conversationId],
    )
    return rows[0] as Record<string, unknown>
  }

  const escalationsOf = async (conversationId: string): Promise<EscalationView[]> => {
    const path = `/api/v1/escalations?conversationId=${conversationId}`
    return (await workspace.owner.call<{ items: EscalationView[] }>('get', path)).body.items
  }

  /** An agent that answers this conversation while nobody else does; the row alone. */
  async function answeredByAgent(conversationId: string): Promise<string> {
    const id = await newAgent(workspace)
    await parley.owner.query('update conversations set agent_id = $2 where id = $1', [conversationId, id])
    return id
  }

  async function key(permissions: readonly string[]): Promise<string> {
    const { token, hash } = newTenantToken('parley', workspace.tenantId)
    await parley.owner.query(
      'insert into api_keys (tenant_id, id, name, permissions, hash, prefix) values ($1, $2, $3, $4, $5, $6)',
      [workspace.tenantId, newId(), 'A program', permissions, hash, token.slice(0, 13)],
    )
    return token
  }

  return {
    ...{ workspace, widget, kept, colleague, talk, row, escalationsOf, answeredByAgent, withoutAgent, key },
    close: () => {
      for (const socket of open) socket.close()
    },
  }
}

export type Desk = Awaited<ReturnType<typeof newDesk>>

/** Published and active; answers with what is built in. */
export async function newAgent({ owner }: Workspace): Promise<string> {
  const { body } = await owner.call<{ id: string }>('post', '/api/v1/agents', { name: `Agent ${newId()}` })
  await owner.call('post', `/api/v1/agents/${body.id}/publish`, {})
  return body.id
}

/** The moves of a conversation that a socket was told of. */
export const ownersAt = (socket: TestSocket, conversationId: string): Events['owner'][] =>
  socket.received('owner').filter(event => event.conversationId === conversationId)

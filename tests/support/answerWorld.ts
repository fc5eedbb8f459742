import { newId } from '../../src/kernel/index.ts'
import type { Entry, Events } from '../../src/protocol/index.ts'
import type { DatabaseKind } from './databases.ts'
import { eventually } from './eventually.ts'
import { startParley, type TestParley } from './parley.ts'
import { insertPassage } from './passages.ts'
import type { Workspace } from './people.ts'
import { quickWorkspace } from './quickPeople.ts'
import { connectVisitor, newWidget, type TestSocket, text, visit } from './sockets.ts'

/** What the company of these tests knows. */
export const facts = {
  returns: 'You can return an item within 30 days after delivery. Damaged items travel back at our cost.',
  shipping: 'Parcels to Norway take four to six working days. Shipping is free from 80 euros.',
  care: 'Oiled oak is wiped with a damp cloth and oiled again once a year.',
}

export interface Asker extends TestSocket {
  readonly conversationId: string
  readonly contactId: string
  /** All that came, in order. */
  readonly deltas: Events['delta'][]
  readonly runs: Events['run'][]
  readonly owners: Events['owner'][]
  readonly entries: Entry[]
  say(words: string, clientId?: string): Promise<{ id: string; seq: number }>
  /** The next entry of the agent after those that it has already given. */
  answered(count?: number): Promise<Entry>
}

export interface AnswerWorld {
  readonly parley: TestParley
  readonly workspace: Workspace
  readonly agentId: string
  readonly widgetKey: string
  /** By name, the chunks of the facts. */
  readonly chunks: Readonly<Record<keyof typeof facts, string>>
  newAsker(): Promise<Asker>
  /** Another agent of the same workspace, with its own widget. */
  newAgent(definition: Record<string, unknown>): Promise<{ agentId: string; widgetKey: string }>
  askerOf(widgetKey: string): Promise<Asker>
  remove(): Promise<void>
}

export const openAnswerWorld = async (
  kind: DatabaseKind,
  environment: Readonly<Record<string, string>> = {},
): Promise<AnswerWorld> => furnishAnswerWorld(await startParley(kind, environment))

/** The same in a program that runs already. */
export async function furnishAnswerWorld(parley: TestParley): Promise<AnswerWorld> {
  const workspace = await quickWorkspace(parley)
  const chunks = {} as Record<keyof typeof facts, string>
  for (const name of Object.keys(facts) as (keyof typeof facts)[])
    chunks[name] = await insertPassage(parley.owner, workspace.tenantId, { title: name, text: facts[name] })
  const newAgent: AnswerWorld['newAgent'] = async definition => {
    const { body } = await workspace.owner.call<{ id: string }>('post', '/api/v1/agents', {
      ...{ name: `Agent ${newId()}`, instructions: 'You answer for a furniture shop.' },
      ...definition,
    })
    const published = await workspace.owner.call('post', `/api/v1/agents/${body.id}/publish`, { note: '' })
    if (published.status >= 300) throw new Error(`not published: ${JSON.stringify(published.body)}`)
    const widget = await newWidget(workspace)
    await workspace.owner.call('patch', `/api/v1/widgets/${widget.id}`, { agentId: body.id })
    return { agentId: body.id, widgetKey: widget.publicKey }
  }
  const { agentId, widgetKey } = await newAgent({})
  const askerOf = (key: string) => connectAsker(parley, key)
  return {
    ...{ parley, workspace, agentId, widgetKey, chunks, newAgent, askerOf },
    newAsker: () => askerOf(widgetKey),
    remove: () => parley.remove(),
  }
}

/** A visitor in a conversation, who keeps all that comes. */
export async function connectAsker(parley: Pick<TestParley, 'url'>, widgetKey: string): Promise<Asker> {
  const begun = await visit(parley.url, widgetKey)
  const socket = await connectVisitor(parley.url, begun)
  const heard = {
    deltas: [] as Events['delta'][],
    runs: [] as Events['run'][],
    owners: [] as Events['owner'][],
    entries: [] as Entry[],
  }
  socket.socket.on('delta', delta => heard.deltas.push(delta))
  socket.socket.on('run', run => heard.runs.push(run))
  socket.socket.on('owner', owner => heard.owners.push(owner))
  socket.socket.on('entries', ({ entries }) => heard.entries.push(...entries))
  const { conversation } = await socket.ask('conversation.open', { clientId: newId() })
  const answers = () => heard.entries.filter(({ sender, type }) => sender.kind === 'agent' && type === 'text')
  return {
    ...socket,
    ...heard,
    ...{ conversationId: conversation.id, contactId: begun.contactId },
    say: (words, clientId = newId()) =>
      socket.ask('message.send', { conversationId: conversation.id, clientId, parts: text(words) }),
    answered: async (count = 1) => {
      await eventually(`answer ${count}`, () => answers().length >= count, 20_000)
      return answers()[count - 1] as Entry
    },
  }
}

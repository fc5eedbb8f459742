import { io, type Socket } from 'socket.io-client'
import { type Client, type Conversation, createClient } from '../../src/client/index.ts'
import type { EventName } from '../../src/protocol/index.ts'
import { type AnswerWorld, furnishAnswerWorld } from './answerWorld.ts'
import { busIsUp, type Cluster, type ClusterPlan, startCluster } from './cluster.ts'
import { eventually } from './eventually.ts'
import { startWire, type Wire } from './networkPath.ts'
import {
  type Script,
  type ScriptedModel,
  type ScriptedRequest,
  startScriptedModel,
} from './services/scriptedModel.ts'
import { connectMember, connectVisitor, type TestSocket, type Visit, visit } from './sockets.ts'

/** Answered from the documents without being put in other words first: each run asks the model once. */
export const question = 'How long can I return an item?'

/** Nodes whose agents ask a model that does as it is told. */
export interface AnswerCluster extends Cluster {
  readonly world: AnswerWorld
  readonly scripted: ScriptedModel
  /** What becomes of the next runs, one after the other; any other is answered at once. */
  answers(...scripts: Script[]): void
  /** What the runs asked of the model since then, in order. */
  asked(): ScriptedRequest[]
  visit(): Promise<Visit>
  visitor(which: number, visiting: Visit): Promise<Witness>
  member(which: number, conversationId: string): Promise<Witness>
  /** The answers that stand in the log. */
  stored(conversationId: string): Promise<{ text: string; client_id: string; type: string }[]>
  /** The attempts, in the order they began. */
  runs(conversationId: string): Promise<{ id: string; state: string; finished_at: Date | null }[]>
}

/** Someone who keeps all that comes, in the order it came. */
export interface Witness extends TestSocket {
  readonly events: { readonly name: EventName; readonly payload: Record<string, unknown> }[]
}

const witness = (socket: TestSocket): Witness => {
  const events: Witness['events'] = []
  socket.socket.onAny((name: EventName, payload: Record<string, unknown>) => events.push({ name, payload }))
  return { ...socket, events }
}

export async function startAnswerCluster(plan: Omit<ClusterPlan, 'nodes'> = {}): Promise<AnswerCluster> {
  const scripted = await startScriptedModel()
  const waiting: Script[] = []
  scripted.always(
    'chat',
    ({ body }) => (body.stream ? waiting.shift() : undefined) ?? { text: 'In short: yes.' },
  )
  const model = { OPENAI_BASE_URL: scripted.url, OPENAI_MODEL: 'scripted' }
  const cluster = await startCluster({ ...plan, nodes: 2, environment: { ...model, ...plan.environment } })
  const world = await furnishAnswerWorld(cluster.parley(0))
  await Promise.all([0, 1].map(which => busIsUp(cluster, which)))
  const urlOf = (which: number) => cluster.nodes[which]?.url ?? ''
  const rows = async <Row>(sql: string, conversationId: string): Promise<Row[]> =>
    (await cluster.database.owner.query(sql, [conversationId])).rows as Row[]
  return {
    ...{ ...cluster, world, scripted },
    answers(...scripts) {
      scripted.requests.length = 0
      waiting.splice(0, waiting.length, ...scripts)
    },
    asked: () => scripted.requests.filter(({ body }) => body.stream),
    visit: () => visit(urlOf(0), world.widgetKey),
    visitor: async (which, visiting) => witness(await connectVisitor(urlOf(which), visiting)),
    async member(which, conversationId) {
      const member = witness(await connectMember(urlOf(which), world.workspace.owner))
      await member.ask('conversation.open', { conversationId })
      return member
    },
    stored: conversationId =>
      rows(
        `select text, client_id, type from messages where conversation_id = $1 and role = 'assistant' order by seq`,
        conversationId,
      ),
    runs: conversationId =>
      rows(
        'select id, state, finished_at from agent_runs where conversation_id = $1 order by created_at, attempt',
        conversationId,
      ),
    async stop() {
      await cluster.stop()
      await scripted.stop()
    },
  }
}

export interface RoamingVisitor {
  readonly client: Client<'visitor'>
  readonly conversation: Conversation
  /** The answers that are shown as messages. */
  answers(): string[]
  /** Where it comes back when its connection breaks. */
  movesTo(which: number): void
  close(): Promise<void>
}

/** A visitor behind a balancer that knows where to. */
export async function roamingVisitor(cluster: AnswerCluster, first: number): Promise<RoamingVisitor> {
  let at = first
  const wire: Wire = await startWire(() => ({ host: '127.0.0.1', port: cluster.nodes[at]?.port ?? 0 }))
  const visiting = await visit(cluster.nodes[first]?.url ?? '', cluster.world.widgetKey)
  const socket: Socket = io(`http://127.0.0.1:${wire.port}/visitor`, {
    ...{ autoConnect: false, reconnection: false, forceNew: true },
    ...{ transports: ['websocket'], query: { widget: cluster.world.widgetKey } },
  })
  const credential = async () => ({ token: visiting.token })
  const client: Client<'visitor'> = createClient({ socket, auth: credential, renew: credential })
  await client.connect()
  const conversation = client.startConversation('first')
  await eventually('the conversation is open', () => conversation.getSnapshot().live, 20_000)
  return {
    ...{ client, conversation },
    answers: () =>
      conversation
        .getSnapshot()
        .messages.filter(({ sender, type }) => sender?.kind === 'agent' && type === 'text')
        .map(({ text }) => text),
    movesTo: which => {
      at = which
    },
    async close() {
      client.close()
      await wire[Symbol.asyncDispose]()
    },
  }
}

/** So many words, all of them different. */
export const words = (count: number, name = 'word'): string =>
  Array.from({ length: count }, (_, at) => `${name}${at + 1}`).join(' ')

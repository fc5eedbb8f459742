export type { Answer } from './answer.ts'
export {
  type Beginning,
  type Client,
  type ClientEvents,
  type ClientParts,
  type Counters,
  createClient,
} from './client.ts'
export type { ConnectionState } from './connection.ts'
export type { Conversation } from './conversation.ts'
export { foldView } from './fold.ts'
export {
  type ClientStore,
  type Clock,
  type Credential,
  memoryStore,
  type Settings,
  type SocketPort,
} from './ports.ts'
export { LogReplica } from './replica.ts'
export type { ConversationSnapshot, Delivery, Message, Sender } from './view.ts'

export { type Bus, type BusClients, connectBus } from './bus.ts'
export { type Command, command, type Session } from './command.ts'
export type { Admission, Doors, Knock, Over } from './handshake.ts'
export type { GatewayLimits } from './limits.ts'
export {
  memoryBoard,
  type PresenceBoard,
  type PresenceStatus,
  peopleAtOnce,
  redisBoard,
} from './presenceBoard.ts'
export { conversationOf, isKnowledge, rooms, tenantOfInbox } from './rooms.ts'
export { createGateway, type Gateway } from './server.ts'
export type { SocketSession } from './session.ts'
export { TokenBuckets } from './tokenBucket.ts'

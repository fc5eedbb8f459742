export { requireEntry, type Sender, senderOf, speakerIn } from './access.ts'
export { readBrief, readBriefs } from './brief.ts'
export type { Draft } from './draft.ts'
export { askAgain, type Due, markAnswered } from './dueStore.ts'
export { endTickets, forgetOldTickets } from './endTickets.ts'
export { isCited, readSaid, type Said, sendersIn } from './entriesStore.ts'
export * from './files/index.ts'
export { chatRoutes } from './http.ts'
export { createLiveChat, type LiveChat } from './live.ts'
export type { ConversationLog } from './log.ts'
export { type LockedConversation, lockAlone, lockConversations, type StoredEntry } from './logStore.ts'
export { moveConversation } from './moveConversation.ts'
export { returnToQueue } from './returnToQueue.ts'
export { seedDemoConversations } from './seedDemoConversations.ts'
export { placeFor, sendMessage } from './sendMessage.ts'
export { readConversation } from './store.ts'
export { letGo, takeOver } from './takeOver.ts'
export { createTickets, type Tickets } from './tickets.ts'
export { readToolCalls } from './toolCallStore.ts'
export {
  readTranscript,
  readTranscriptFrom,
  type Spoken,
  spokenFrom,
  type TranscriptRow,
  transcriptText,
} from './transcriptStore.ts'

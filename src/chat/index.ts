export { chatRoutes } from './http.ts'
export { createLiveChat, type LiveChat } from './live.ts'
export { seedDemoConversations } from './seedDemoConversations.ts'
export { createTickets, type Tickets } from './tickets.ts'

export * from './files/index.ts'
export { chatRoutes } from './http.ts'
export { seedDemoConversations } from './seedDemoConversations.ts'

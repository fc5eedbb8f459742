export { contactOf } from './contactOf.ts'
export { contactRoutes } from './http.ts'
export { seedDemoContacts } from './seedDemoContacts.ts'

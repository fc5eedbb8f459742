export { complianceRoutes } from './http.ts'
export { recordAudit } from './recordAudit.ts'

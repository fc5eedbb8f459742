export type { Doorkeeper, RequestHeaders } from './call.ts'
export { demoPage } from './demoPage.ts'
export * from './fields.ts'
export { healthRoutes } from './health.ts'
export { forgetOldKeys, isDone, once } from './idempotency.ts'
export { createLimits, type FailureLimit, type Limits } from './limits.ts'
export { describeApi } from './openapi.ts'
export { cursorId, type PageRequest, pageOf, pageQuery, toPage } from './page.ts'
export { docsPages, startPages } from './pages.ts'
export { sendProblem } from './problems.ts'
export {
  type Method,
  outsideRoute,
  personRoute,
  publicRoute,
  publicUploadRoute,
  type Repeat,
  Replayed,
  type Route,
  tenantRoute,
  uploadRoute,
} from './route.ts'
export { isFromOurPage, originOf, refuseForeignPages } from './serve.ts'
export { CannotListen, createHttp, type Door, openDoor } from './server.ts'
export { type Installation, type Part, statusRoute } from './status.ts'
export type { Upload } from './upload.ts'
export { widgetFiles } from './widgetFiles.ts'

export { widgetRoutes } from './http.ts'
export { seedDemoWidget } from './seedDemoWidget.ts'
export { visitorRoutes } from './visitorRoutes.ts'
export { createVisitors, type Visitors } from './visitors.ts'

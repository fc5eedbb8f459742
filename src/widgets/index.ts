export { widgetRoutes } from './http.ts'
export { seedDemoWidget } from './seedDemoWidget.ts'

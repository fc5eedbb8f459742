import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** All metrics of one process. Built once by main and handed to whoever measures something. */
export interface Metrics {
  readonly registry: Registry
  readonly httpRequests: Counter<'method' | 'route' | 'status'>
  readonly httpDuration: Histogram<'method' | 'route'>
  readonly transactions: Counter<'role' | 'result'>
  readonly jobs: Counter<'job' | 'result'>
  readonly databaseUp: Gauge
}

export function createMetrics(): Metrics {
  const registry = new Registry()
  collectDefaultMetrics({ register: registry, prefix: 'parley_' })
  const registers = [registry]
  return {
    registry,
    httpRequests: new Counter({
      name: 'parley_http_requests_total',
      help: 'HTTP requests by route and status',
      labelNames: ['method', 'route', 'status'],
      registers,
    }),
    httpDuration: new Histogram({
      name: 'parley_http_request_seconds',
      help: 'Time to answer an HTTP request',
      labelNames: ['method', 'route'],
      buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5],
      registers,
    }),
    transactions: new Counter({
      name: 'parley_transactions_total',
      help: 'Database transactions by role and result',
      labelNames: ['role', 'result'],
      registers,
    }),
    jobs: new Counter({
      name: 'parley_jobs_total',
      help: 'Background jobs by name and result',
      labelNames: ['job', 'result'],
      registers,
    }),
    databaseUp: new Gauge({ name: 'parley_database_up', help: '1 while the database answers', registers }),
  }
}

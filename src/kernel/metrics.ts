import { Counter, collectDefaultMetrics, Gauge, Histogram, Registry } from 'prom-client'

/** All metrics of one process. Built once by main and handed to whoever measures something. */
export interface Metrics {
  readonly registry: Registry
  readonly httpRequests: Counter<'method' | 'route' | 'status'>
  readonly httpDuration: Histogram<'method' | 'route'>
  readonly transactions: Counter<'role' | 'result'>
  readonly jobs: Counter<'job' | 'result'>
  readonly databaseUp: Gauge
  readonly connections: Gauge<'audience'>
  readonly commands: Counter<'command' | 'result'>
  readonly commandDuration: Histogram<'command'>
  readonly commitDuration: Histogram<'result'>
  readonly groupSize: Histogram
  readonly fanoutDuration: Histogram
  readonly gapsHealed: Counter<'audience'>
  readonly slowConsumers: Counter
  readonly uncheckedCredentials: Counter<'of'>
  readonly notPublished: Counter
  readonly unreadable: Counter
  readonly runs: Counter<'outcome'>
  readonly busUp: Gauge
  readonly busLag: Histogram
  readonly retrievals: Histogram<'method'>
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
    retrievals: new Histogram({
      name: 'parley_retrieval_seconds',
      help: 'Time to find passages for a question, by how its vector was searched',
      labelNames: ['method'],
      buckets: latencies,
      registers,
    }),
    databaseUp: new Gauge({ name: 'parley_database_up', help: '1 while the database answers', registers }),
    ...gatewayMetrics(registers),
    ...busMetrics(registers),
  }
}

const latencies = [0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5]

const gatewayMetrics = (registers: Registry[]) => ({
  connections: new Gauge({
    name: 'parley_connections',
    help: 'Open socket connections by audience',
    labelNames: ['audience'] as const,
    registers,
  }),
  commands: new Counter({
    name: 'parley_commands_total',
    help: 'Socket commands by name and result: ok or a code of the error table',
    labelNames: ['command', 'result'] as const,
    registers,
  }),
  commandDuration: new Histogram({
    name: 'parley_command_seconds',
    help: 'Time from a command to its acknowledgement',
    labelNames: ['command'] as const,
    buckets: latencies,
    registers,
  }),
  commitDuration: new Histogram({
    name: 'parley_log_commit_seconds',
    help: 'Time to commit one group of log entries, by result: ok or failed',
    labelNames: ['result'] as const,
    buckets: latencies,
    registers,
  }),
  groupSize: new Histogram({
    name: 'parley_log_group_entries',
    help: 'Entries committed together',
    buckets: [1, 2, 5, 10, 20, 50, 100, 200],
    registers,
  }),
  fanoutDuration: new Histogram({
    name: 'parley_fanout_seconds',
    help: 'Time from a commit until its entries were handed to the sockets of this node',
    buckets: latencies,
    registers,
  }),
  gapsHealed: new Counter({
    name: 'parley_gaps_healed_total',
    help: 'Times a client that was behind has read what its connection had not read before up to the end of the log, in however many pages',
    labelNames: ['audience'] as const,
    registers,
  }),
  slowConsumers: new Counter({
    name: 'parley_slow_consumers_total',
    help: 'Connections ended because they did not take what was sent',
    registers,
  }),
  uncheckedCredentials: new Counter({
    name: 'parley_credentials_unchecked_total',
    help: 'Times the credentials of a workspace that is connected could not be checked, by whose they are',
    labelNames: ['of'] as const,
    registers,
  }),
  runs: new Counter({
    name: 'parley_runs_total',
    help: 'Answers of agents by how they ended',
    labelNames: ['outcome'] as const,
    registers,
  }),
})

const busMetrics = (registers: Registry[]) => ({
  unreadable: new Counter({
    name: 'parley_bus_unreadable_total',
    help: 'Publications from the bus between nodes that could not be read',
    registers,
  }),
  notPublished: new Counter({
    name: 'parley_bus_not_published_total',
    help: 'Publications that the bus between nodes did not take',
    registers,
  }),
  busUp: new Gauge({ name: 'parley_bus_up', help: '1 while the bus between nodes works', registers }),
  busLag: new Histogram({
    name: 'parley_bus_lag_seconds',
    help: 'Time a message takes through the bus',
    buckets: latencies,
    registers,
  }),
})

import type { Config } from './config.ts'
import type { Installation, Part } from './http/index.ts'

/** What the start page says about this installation. */
export const describeInstallation = (config: Config): Installation => ({
  parts: describeParts(config),
  accounts: { signUp: config.accounts.signUp, providers: Object.keys(config.accounts.oauth) },
  demoLogin: config.seedDemo,
  doors: [],
})

const describeParts = (config: Config): Part[] => [
  config.database.url
    ? { name: 'Database', state: 'connected', detail: 'PostgreSQL' }
    : { name: 'Database', state: 'built in', detail: 'Embedded PostgreSQL with pgvector, one process' },
  config.redisUrl
    ? { name: 'Between nodes', state: 'connected', detail: config.redisCluster ? 'Redis Cluster' : 'Redis' }
    : { name: 'Between nodes', state: 'built in', detail: 'In memory, one node' },
  config.mail.smtpUrl
    ? { name: 'Mail', state: 'connected', detail: 'SMTP' }
    : { name: 'Mail', state: 'built in', detail: 'Written to the outbox folder; links appear in the log' },
  config.files.s3
    ? { name: 'Files', state: 'connected', detail: 'S3-compatible store' }
    : { name: 'Files', state: 'built in', detail: 'In the data folder' },
  {
    name: 'Sign-in with',
    state: 'configured',
    detail: ['password', ...Object.keys(config.accounts.oauth)].join(', '),
  },
]

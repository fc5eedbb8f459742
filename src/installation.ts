import type { Config } from './config.ts'
import type { Installation, Part } from './http/index.ts'

/** What the start page says about this installation. */
export const describeInstallation = (config: Config): Installation => ({
  parts: describeParts(config),
  accounts: { signUp: config.accounts.signUp, providers: Object.keys(config.accounts.oauth) },
  demoLogin: config.seedDemo,
  doors: config.seedDemo ? ['demo'] : [],
})

const describeParts = (config: Config): Part[] => [
  config.database.url
    ? { name: 'Database', state: 'connected', detail: 'PostgreSQL' }
    : { name: 'Database', state: 'built in', detail: 'Embedded PostgreSQL with pgvector, one process' },
  config.redis
    ? { name: 'Between nodes', state: 'connected', detail: config.redis.cluster ? 'Redis Cluster' : 'Redis' }
    : { name: 'Between nodes', state: 'built in', detail: 'In memory, one node' },
  config.mail.smtpUrl
    ? { name: 'Mail', state: 'connected', detail: 'SMTP' }
    : { name: 'Mail', state: 'built in', detail: 'Written to the outbox folder; links appear in the log' },
  config.files.s3
    ? { name: 'Files', state: 'connected', detail: 'S3-compatible store' }
    : { name: 'Files', state: 'built in', detail: 'In the data folder' },
  config.models.openai
    ? {
        name: 'Answers',
        state: 'configured',
        detail: `${config.models.openai.model}, ${config.models.openai.baseUrl ? 'OpenAI-compatible service' : 'OpenAI'}`,
      }
    : { name: 'Answers', state: 'built in', detail: 'Quotes the documents; no language model' },
  config.models.openai?.embeddingModel
    ? { name: 'Search', state: 'configured', detail: config.models.openai.embeddingModel }
    : { name: 'Search', state: 'built in', detail: 'By words, their forms and a few synonyms' },
  config.models.rerank
    ? { name: 'Ranking', state: 'configured', detail: config.models.rerank.model }
    : { name: 'Ranking', state: 'not configured', detail: 'The order of the search stands' },
  {
    name: 'Sign-in with',
    state: 'configured',
    detail: ['password', ...Object.keys(config.accounts.oauth)].join(', '),
  },
]

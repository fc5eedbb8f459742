import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import type { z } from 'zod'
import { plainWords, Secret } from './kernel/index.ts'
import { type Setting, settings } from './settings.ts'

/** This file is the only reader of the environment; a fault in any setting stops the start, and all faults are named at once. */

type Name = keyof typeof settings
type Values = { readonly [Key in Name]: z.output<(typeof settings)[Key]['schema']> }
export type Environment = Readonly<Record<string, string | undefined>>

export interface OAuthClient {
  readonly clientId: string
  readonly clientSecret: Secret
}

const oauthProviders = ['google', 'github', 'microsoft'] as const
export type OAuthProvider = (typeof oauthProviders)[number]

export type Config = ReturnType<typeof assemble> & {
  readonly startedByNpm: boolean
  /** Names in the file .env that mean nothing here; likely misspelt. */
  readonly unknownSettings: readonly string[]
}

export class ConfigError extends Error {
  readonly faults: readonly string[]
  constructor(faults: readonly string[]) {
    super(
      `The configuration has ${faults.length === 1 ? 'a fault' : `${faults.length} faults`}:\n${faults.map(fault => `  ${fault}`).join('\n')}`,
    )
    this.name = 'ConfigError'
    this.faults = faults
  }
}

/** Reads the environment; a file `.env` in the working folder counts where the environment itself says nothing. */
export function loadConfig(): Config {
  if (!existsSync('.env')) return parseConfig(process.env)
  process.loadEnvFile('.env')
  const named = Object.keys(parseEnv(readFileSync('.env', 'utf8')))
  return { ...parseConfig(process.env), unknownSettings: named.filter(name => !(name in settings)) }
}

export function parseConfig(environment: Environment): Config {
  const faults: string[] = []
  const values: Partial<Record<Name, unknown>> = {}
  const given = (name: Name) => environment[name]?.trim() || undefined
  for (const [name, setting] of Object.entries(settings) as [Name, Setting][]) {
    const parsed = setting.schema.safeParse(given(name), { error: plainWords })
    if (parsed.success) values[name] = parsed.data
    // Only the rule is repeated, never the value: it may be a secret in the wrong place.
    else faults.push(...parsed.error.issues.map(issue => `${name}: ${issue.message}`))
  }
  if (given('DATABASE_URL') && !given('PARLEY_SECRET')) {
    faults.push('PARLEY_SECRET: is required with DATABASE_URL, the same on every node')
  }
  const redisUrls = values.REDIS_URL as readonly unknown[] | undefined
  if (redisUrls && redisUrls.length > 1 && values.REDIS_CLUSTER === false)
    faults.push('REDIS_URL: must be one address, except with REDIS_CLUSTER')
  for (const provider of oauthProviders) {
    const [idName, secretName] = oauthNames(provider)
    if (Boolean(given(idName)) !== Boolean(given(secretName))) {
      faults.push(
        `${given(idName) ? secretName : idName}: is required with ${given(idName) ? idName : secretName}`,
      )
    }
  }
  const missing = s3Names.filter(name => !given(name))
  if (missing.length < s3Names.length)
    faults.push(...missing.map(name => `${name}: is required with the other S3 settings`))
  faults.push(...modelFaults(given))
  if (faults.length > 0) throw new ConfigError(faults)
  return {
    ...assemble(values as Values),
    startedByNpm: environment.npm_lifecycle_event === 'start',
    unknownSettings: [],
  }
}

const s3Names = [
  'S3_ENDPOINT',
  'S3_BUCKET',
  'S3_REGION',
  'S3_ACCESS_KEY_ID',
  'S3_SECRET_ACCESS_KEY',
] as const satisfies Name[]

/** All of it or nothing: the settings have been checked by then. */
function s3Of(values: Values) {
  const { S3_ENDPOINT: endpoint, S3_BUCKET: bucket, S3_REGION: region } = values
  const { S3_ACCESS_KEY_ID: accessKeyId, S3_SECRET_ACCESS_KEY: secretAccessKey } = values
  if (!endpoint || !bucket || !region || !accessKeyId || !secretAccessKey) return undefined
  return { endpoint, bucket, region, accessKeyId, secretAccessKey }
}

/** What only a compatible service can know has no default. */
function modelFaults(given: (name: Name) => string | undefined): string[] {
  const faults: string[] = []
  if (given('OPENAI_BASE_URL') && !given('OPENAI_MODEL'))
    faults.push('OPENAI_MODEL: is required with OPENAI_BASE_URL')
  const models = ['OPENAI_MODEL', 'OPENAI_CHEAP_MODEL', 'OPENAI_EMBEDDING_MODEL'] as const
  if (!given('OPENAI_BASE_URL') && !given('OPENAI_API_KEY'))
    for (const name of models)
      if (given(name)) faults.push(`${name}: needs OPENAI_API_KEY or OPENAI_BASE_URL`)
  if (given('RERANK_URL') && !given('RERANK_MODEL')) faults.push('RERANK_MODEL: is required with RERANK_URL')
  for (const name of ['RERANK_API_KEY', 'RERANK_MODEL'] as const)
    if (given(name) && !given('RERANK_URL')) faults.push(`RERANK_URL: is required with ${name}`)
  return [...new Set(faults)]
}

/** Undefined: the built-in answerer and embedder. */
function openaiOf(values: Values) {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL: baseUrl } = values
  if (!apiKey && !baseUrl) return undefined
  const own = baseUrl === undefined
  const model = values.OPENAI_MODEL ?? 'gpt-4.1'
  const cheapModel = values.OPENAI_CHEAP_MODEL ?? (own && !values.OPENAI_MODEL ? 'gpt-4.1-mini' : model)
  const embeddingModel = values.OPENAI_EMBEDDING_MODEL ?? (own ? 'text-embedding-3-small' : undefined)
  return { apiKey, baseUrl, model, cheapModel, embeddingModel }
}

function rerankOf(values: Values) {
  const { RERANK_URL: url, RERANK_API_KEY: apiKey, RERANK_MODEL: model } = values
  return url && model ? { url, apiKey, model } : undefined
}

function oauthNames(provider: OAuthProvider): [Name, Name] {
  const upper = provider.toUpperCase() as Uppercase<OAuthProvider>
  return [`${upper}_CLIENT_ID`, `${upper}_CLIENT_SECRET`]
}

const mib = 1024 * 1024

function assemble(values: Values) {
  const dataFolder = resolve(values.PARLEY_DATA)
  const publicUrl = values.PUBLIC_URL?.replace(/\/+$/, '')
  const oauth: Partial<Record<OAuthProvider, OAuthClient>> = {}
  for (const provider of oauthProviders) {
    const [idName, secretName] = oauthNames(provider)
    const clientId = values[idName]
    const clientSecret = values[secretName]
    if (typeof clientId === 'string' && clientSecret instanceof Secret)
      oauth[provider] = { clientId, clientSecret }
  }
  return {
    http: {
      port: values.PORT,
      host: values.HOST,
      publicUrl,
      drainSeconds: values.DRAIN_SECONDS,
      trustProxy: values.TRUST_PROXY,
      requestsPerMinute: values.REQUESTS_PER_MINUTE,
      signInsPerMinute: values.SIGN_INS_PER_MINUTE,
      metricsToken: values.METRICS_TOKEN,
    },
    dataFolder,
    secret: values.PARLEY_SECRET,
    database: { url: values.DATABASE_URL, poolSize: values.DATABASE_POOL_SIZE },
    redis: values.REDIS_URL && { urls: values.REDIS_URL, cluster: values.REDIS_CLUSTER },
    gateway: {
      commandsPerSecond: values.COMMANDS_PER_SECOND,
      tenantCommandsPerSecond: values.TENANT_COMMANDS_PER_SECOND,
      connectionsPerAddress: values.CONNECTIONS_PER_ADDRESS,
    },
    files: {
      limits: {
        file: values.MAX_FILE_MIB * mib,
        strangers: values.VISITOR_FILES_MIB * mib,
        tenant: values.TENANT_FILES_MIB * mib,
      },
      s3: s3Of(values),
    },
    knowledge: {
      limits: {
        file: values.KNOWLEDGE_FILE_MIB * mib,
        pages: values.KNOWLEDGE_PAGES,
        tenant: values.TENANT_FILES_MIB * mib,
      },
      githubUrl: values.GITHUB_API_URL.replace(/\/+$/, ''),
    },
    models: { openai: openaiOf(values), rerank: rerankOf(values), prices: values.MODEL_PRICES },
    outgoingAllowed: values.OUTGOING_ALLOWED,
    mcpCommands: values.MCP_COMMANDS,
    mail: { smtpUrl: values.SMTP_URL, from: values.MAIL_FROM },
    accounts: { signUp: values.SIGN_UP, masterAdminEmails: values.MASTER_ADMIN_EMAILS, oauth },
    seedDemo: values.SEED_DEMO ?? values.DATABASE_URL === undefined,
    logLevel: values.LOG_LEVEL,
  } as const
}

/** The text of .env.example; a test compares the file with it. */
export function describeSettings(): string {
  const entries = (Object.entries(settings) as [Name, Setting][]).map(
    ([name, { about, example }]) => `# ${about}\n#${name}=${example ?? ''}\n`,
  )
  return `# Every setting of Parley. All are optional; written by \`npm run env:example\`.\n\n${entries.join('\n')}`
}

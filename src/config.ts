import { existsSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { parseEnv } from 'node:util'
import { z } from 'zod'
import { plainWords, Secret } from './kernel/index.ts'

/**
 * Every setting of the program, in the order of .env.example. This file is the only reader of the environment; a fault in
 * any setting stops the start, and all faults are named at once.
 */

const secret = (inner: z.ZodType<string, string> = z.string()) => inner.transform(value => new Secret(value))
const whole = (min: number, max: number) =>
  z.string().regex(/^\d+$/, 'must be a whole number').transform(Number).pipe(z.number().min(min).max(max))
const flag = z.enum(['true', 'false']).transform(value => value === 'true')
const webAddress = z
  .string()
  .refine(
    text => /^https?:\/\/[^\s/?#]+\/*$/.test(text) && URL.canParse(text),
    'must be an http:// or https:// address without path or query',
  )
const address = (scheme: RegExp, example: string) =>
  z.url({ protocol: scheme, error: `must be an address such as ${example}` })

interface Setting {
  readonly schema: z.ZodType<unknown, string | undefined>
  readonly about: string
  readonly example?: string
}

const settings = {
  PORT: {
    schema: whole(0, 65_535).default(3000),
    about: 'Port to listen on; 0 for any free one.',
    example: '3000',
  },
  HOST: {
    schema: z
      .string()
      .regex(/^[\w.:-]+$/, 'must be an address or a host name')
      .default('127.0.0.1'),
    about: 'Address to listen on; 0.0.0.0 to be reachable from other machines.',
    example: '127.0.0.1',
  },
  PUBLIC_URL: {
    schema: webAddress.optional(),
    about: 'Where people reach this server; links in mails start with it. Default: http://localhost:PORT.',
    example: 'https://chat.example.com',
  },
  DRAIN_SECONDS: {
    schema: whole(0, 600).default(0),
    about:
      'How long /readyz says no before a stopping node closes its port; behind a balancer longer than its checks take.',
    example: '0',
  },
  TRUST_PROXY: {
    schema: whole(0, 10).default(0),
    about: 'How many proxies stand in front; their X-Forwarded-For is believed.',
    example: '0',
  },
  PARLEY_DATA: {
    schema: z.string().default('.parley'),
    about: 'Folder for everything the server keeps itself: embedded database, files, outbox.',
    example: '.parley',
  },
  PARLEY_SECRET: {
    schema: secret(z.string().min(32, 'must have at least 32 characters')).optional(),
    about:
      'Signs sessions and encrypts stored credentials; the same on every node. Required with DATABASE_URL.',
  },
  DATABASE_URL: {
    schema: secret(address(/^postgres(ql)?$/, 'postgresql://user:password@host:5432/parley')).optional(),
    about: 'PostgreSQL 15 or newer with pgvector 0.8 or newer. Unset: an embedded database in PARLEY_DATA.',
  },
  DATABASE_POOL_SIZE: {
    schema: whole(2, 200).default(10),
    about: 'Connections of this node to PostgreSQL.',
    example: '10',
  },
  REDIS_URL: {
    schema: secret(address(/^rediss?$/, 'redis://host:6379')).optional(),
    about: 'Redis 7 or newer, shared by all nodes. Unset: one node, in memory.',
  },
  SMTP_URL: {
    schema: secret(address(/^smtps?$/, 'smtp://user:password@host:587')).optional(),
    about: 'Mail server. Unset: mails are written to PARLEY_DATA/outbox and their links to the log.',
  },
  MAIL_FROM: {
    schema: z
      .string()
      .regex(/^[^\r\n]*[^\s@<>]+@[^\s@<>]+>?$/, 'must be an address such as Parley <parley@example.com>')
      .default('Parley <parley@localhost>'),
    about: 'Sender of all mails.',
    example: 'Parley <parley@example.com>',
  },
  MAX_FILE_MIB: {
    schema: whole(1, 1_024).default(20),
    about: 'The largest file that is taken into a conversation, in MiB.',
    example: '20',
  },
  S3_ENDPOINT: {
    schema: webAddress.optional(),
    about:
      'S3-compatible store for files; needs the other S3 settings too. Unset: files lie in PARLEY_DATA/files.',
    example: 'https://s3.eu-central-1.amazonaws.com',
  },
  S3_BUCKET: {
    schema: z
      .string()
      .regex(/^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$/, 'must be the name of a bucket')
      .optional(),
    about: 'An existing bucket, for files alone.',
  },
  S3_REGION: {
    schema: z
      .string()
      .regex(/^[\w-]{1,64}$/, 'must be the name of a region')
      .optional(),
    about: 'Region of the bucket; services without regions take us-east-1.',
  },
  S3_ACCESS_KEY_ID: {
    schema: z.string().optional(),
    about: 'Key that may read, write, list and delete in the bucket.',
  },
  S3_SECRET_ACCESS_KEY: { schema: secret().optional(), about: 'Secret of that key.' },
  SIGN_UP: { schema: flag.default(true), about: 'Whether strangers may create accounts.', example: 'true' },
  MASTER_ADMIN_EMAILS: {
    schema: z
      .string()
      .default('')
      .transform(list =>
        list
          .split(',')
          .map(entry => entry.trim().toLowerCase())
          .filter(Boolean),
      )
      .pipe(z.array(z.email({ error: 'must be a list of e-mail addresses' }))),
    about: 'Comma-separated addresses that administer the whole installation once verified.',
  },
  GOOGLE_CLIENT_ID: { schema: z.string().optional(), about: 'Sign in with Google.' },
  GOOGLE_CLIENT_SECRET: { schema: secret().optional(), about: 'Sign in with Google.' },
  GITHUB_CLIENT_ID: { schema: z.string().optional(), about: 'Sign in with GitHub.' },
  GITHUB_CLIENT_SECRET: { schema: secret().optional(), about: 'Sign in with GitHub.' },
  MICROSOFT_CLIENT_ID: { schema: z.string().optional(), about: 'Sign in with Microsoft.' },
  MICROSOFT_CLIENT_SECRET: { schema: secret().optional(), about: 'Sign in with Microsoft.' },
  SEED_DEMO: {
    schema: flag.optional(),
    about: 'Whether to create the demo workspace. Default: only with the embedded database.',
  },
  REQUESTS_PER_MINUTE: {
    schema: whole(1, 1_000_000).default(600),
    about: 'HTTP requests per minute from one address.',
    example: '600',
  },
  SIGN_INS_PER_MINUTE: {
    schema: whole(1, 1_000_000).default(20),
    about: 'Attempts to sign in, sign up or reset per minute from one address.',
    example: '20',
  },
  METRICS_TOKEN: {
    schema: secret(z.string().min(16, 'must have at least 16 characters')).optional(),
    about: 'Bearer token for /metrics. Unset: /metrics answers this machine only.',
  },
  LOG_LEVEL: {
    schema: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'trace']).default('info'),
    about: 'How much is logged.',
    example: 'info',
  },
} as const satisfies Record<string, Setting>

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

function oauthNames(provider: OAuthProvider): [Name, Name] {
  const upper = provider.toUpperCase() as Uppercase<OAuthProvider>
  return [`${upper}_CLIENT_ID`, `${upper}_CLIENT_SECRET`]
}

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
    redisUrl: values.REDIS_URL,
    files: { maxBytes: values.MAX_FILE_MIB * 1024 * 1024, s3: s3Of(values) },
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

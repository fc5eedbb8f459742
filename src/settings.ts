import { z } from 'zod'
import { parseAllowList } from './providers/allowList.ts'
import { mcpCommands } from './providers/mcpCommands.ts'
import {
  address,
  flag,
  json,
  listOf,
  modelName,
  prices,
  secret,
  serviceAddress,
  webAddress,
  whole,
} from './settingTypes.ts'

/** Every setting of the program, in the order of .env.example. */

export interface Setting {
  readonly schema: z.ZodType<unknown, string | undefined>
  readonly about: string
  readonly example?: string
}

export const settings = {
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
    schema: whole(3, 200).default(10),
    about: 'Connections of this node to PostgreSQL, at least 3.',
    example: '10',
  },
  REDIS_URL: {
    schema: z
      .string()
      // A comma alone may be part of a password.
      .transform(list => list.split(/,(?=rediss?:\/\/)/))
      .pipe(z.array(secret(address(/^rediss?$/, 'redis://host:6379'))))
      .optional(),
    about:
      'Redis 7 or newer, shared by all nodes; of a cluster one node or several, comma-separated. Unset: one node, in memory.',
  },
  REDIS_CLUSTER: {
    schema: flag.default(false),
    about: 'Whether REDIS_URL names nodes of a Redis Cluster.',
    example: 'false',
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
  VISITOR_FILES_MIB: {
    schema: whole(1, 1_048_576).default(100),
    about:
      'What visitors and guests together may put into one conversation, and each of them into all, in MiB.',
    example: '100',
  },
  TENANT_FILES_MIB: {
    schema: whole(1, 1_073_741_824).default(10_240),
    about: 'What the files of one workspace may take up, in MiB.',
    example: '10240',
  },
  KNOWLEDGE_FILE_MIB: {
    schema: whole(1, 50).default(20),
    about: 'The largest document or page that is read as knowledge, in MiB.',
    example: '20',
  },
  KNOWLEDGE_PAGES: {
    schema: whole(1, 100_000).default(1_000),
    about: 'The most pages or files that are read of one site or repository.',
    example: '1000',
  },
  GITHUB_API_URL: {
    schema: serviceAddress.default('https://api.github.com'),
    about: 'API from which repositories are read; of an enterprise server its own. Default: api.github.com.',
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
  OPENAI_API_KEY: {
    schema: secret().optional(),
    about:
      'Key of OpenAI or of a compatible service. Unset, with OPENAI_BASE_URL unset too: answers and search are built in.',
  },
  OPENAI_BASE_URL: {
    schema: serviceAddress.optional(),
    about: 'Address of a compatible service, which may do without a key. Unset: OpenAI itself.',
    example: 'http://localhost:11434/v1',
  },
  OPENAI_MODEL: {
    schema: modelName.optional(),
    about: 'Model that answers. Default at OpenAI: gpt-4.1; required with OPENAI_BASE_URL.',
    example: 'gpt-4.1',
  },
  OPENAI_CHEAP_MODEL: {
    schema: modelName.optional(),
    about:
      'Model for small tasks such as rewriting a question. Default: OPENAI_MODEL, or gpt-4.1-mini where that is not set either.',
    example: 'gpt-4.1-mini',
  },
  OPENAI_EMBEDDING_MODEL: {
    schema: modelName.optional(),
    about:
      'Model for search by meaning. Default at OpenAI: text-embedding-3-small; unset with OPENAI_BASE_URL: built in.',
    example: 'text-embedding-3-small',
  },
  MODEL_PRICES: {
    schema: prices.prefault('{}'),
    about:
      'Prices in US dollars, as JSON: model to input, output and embedding per million tokens, rerank per thousand requests.',
    example: '{"gpt-4.1": {"input": 2, "output": 8}, "text-embedding-3-small": {"embedding": 0.02}}',
  },
  RERANK_URL: {
    schema: serviceAddress.optional(),
    about: 'Whole address of a ranking service that speaks like Cohere or Jina; needs RERANK_MODEL.',
    example: 'https://api.cohere.com/v2/rerank',
  },
  RERANK_API_KEY: { schema: secret().optional(), about: 'Key of the ranking service, if it asks for one.' },
  RERANK_MODEL: {
    schema: modelName.optional(),
    about: 'Model of the ranking service.',
    example: 'rerank-v3.5',
  },
  OUTGOING_ALLOWED: {
    schema: z
      .string()
      .default('')
      .transform(listOf)
      .pipe(
        z
          .array(z.string())
          .refine(
            entries => parseAllowList(entries) !== undefined,
            'must be a list of host names, addresses and networks such as 10.0.0.0/8',
          ),
      ),
    about:
      'Comma-separated hosts (also *.example.com), addresses and networks that crawlers, webhooks and tools may reach though they are not public.',
    example: 'wiki.internal.example,10.1.0.0/16',
  },
  MCP_COMMANDS: {
    schema: json(mcpCommands, '{"files": {"run": ["mcp-files", "/srv"]}}').prefault('{}'),
    about:
      'Programs that workspaces may run as tool servers, as JSON: name to `run` (the command line), `arguments` (whether they may add some) and `environment` (variables they may set).',
    example: '{"files": {"run": ["mcp-files", "/srv/shared"]}}',
  },
  SIGN_UP: { schema: flag.default(true), about: 'Whether strangers may create accounts.', example: 'true' },
  MASTER_ADMIN_EMAILS: {
    schema: z
      .string()
      .default('')
      .transform(listOf)
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
  COMMANDS_PER_SECOND: {
    schema: whole(1, 1_000_000).default(30),
    about: 'Socket commands per second of one connection; three times as many at once.',
    example: '30',
  },
  TENANT_COMMANDS_PER_SECOND: {
    schema: whole(1, 10_000_000).default(5_000),
    about: 'Socket commands per second of one workspace on one node.',
    example: '5000',
  },
  CONNECTIONS_PER_ADDRESS: {
    schema: whole(1, 1_000_000).default(500),
    about: 'Open socket connections of one address on one node.',
    example: '500',
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

import { Client } from 'pg'

export interface Inspection {
  version: string
  superuser: boolean
  /** The version a `create extension vector` would give, where it is available. */
  pgvector?: string
  /** Only a superuser is told where the server's own files are. */
  binaryFolder?: string
  sharedFolder?: string
}

interface Row {
  version: string
  superuser: boolean
  pgvector: string | null
}

interface Folders {
  bin: string | null
  share: string | null
}

const connectMs = 3_000
const queryMs = 5_000

const facts = `select split_part(current_setting('server_version'), ' ', 1) as version,
  (select rolsuper from pg_roles where rolname = current_user) as superuser,
  (select default_version from pg_available_extensions where name = 'vector') as pgvector`

const folders = `select (select setting from pg_config where name = 'BINDIR') as bin,
  (select setting from pg_config where name = 'SHAREDIR') as share`

export async function inspect(url: string): Promise<Inspection> {
  const client = new Client({
    connectionString: url,
    connectionTimeoutMillis: connectMs,
    query_timeout: queryMs,
  })
  client.on('error', () => undefined) // A server going away here also rejects the query, which tells why.
  try {
    await client.connect()
    const row = (await client.query<Row>(facts)).rows[0]
    if (row === undefined) throw new Error('the server told nothing of itself')
    const where = row.superuser ? (await client.query<Folders>(folders)).rows[0] : undefined
    return {
      version: row.version,
      superuser: row.superuser,
      ...(row.pgvector === null ? {} : { pgvector: row.pgvector }),
      ...(where?.bin ? { binaryFolder: where.bin } : {}),
      ...(where?.share ? { sharedFolder: where.share } : {}),
    }
  } finally {
    await client.end().catch(() => undefined)
  }
}

import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { Cluster, Redis } from 'ioredis'
import * as chat from './chat/index.ts'
import { complianceRoutes, recordAudit } from './compliance/index.ts'
import { type Config, ConfigError, loadConfig } from './config.ts'
import { contactRoutes, seedDemoContacts } from './contacts/index.ts'
import { DataFolderUnusable, keptSecret, openDataFolder } from './dataFolder.ts'
import { FolderInUse, lockFolder, startEmbedded } from './db/embedded/index.ts'
import * as database from './db/index.ts'
import * as gateways from './gateway/index.ts'
import * as http from './http/index.ts'
import {
  createLog,
  createMetrics,
  createVault,
  type Log,
  type Metrics,
  newId,
  ParleyError,
  version,
} from './kernel/index.ts'
import { createMailer } from './providers/mail.ts'
import * as tenancy from './tenancy/index.ts'
import * as widgets from './widgets/index.ts'

type Stops = (() => Promise<void> | void)[]

export interface Running {
  /** On this machine. */
  readonly url: string
  /** Where people reach it. */
  readonly publicUrl: string
  readonly demo: tenancy.DemoLogin | undefined
  stop(): Promise<void>
}

/** The whole program. What is started here is stopped in the opposite order, also when a later part fails to start. */
export async function start(config: Config, log: Log): Promise<Running> {
  const stops: Stops = []
  const stop = () => stopAll(stops)
  try {
    // Stores
    await openDataFolder(config.dataFolder)
    const vault = createVault(config.secret ?? (await keptSecret(config.dataFolder, 'secret', 32)))
    if (!config.database.url) stops.push(lockData(config))
    const door = await http.openDoor(config.http, log)
    stops.push(() => door.close(0))
    const url = `http://localhost:${door.port}`
    const publicUrl = config.http.publicUrl ?? url
    const connection = await openDatabase(config, log, stops)
    const pool = database.createPool({ connection, max: poolSize(config), statementTimeoutMs: 10_000 }, log)
    stops.push(() => pool.end())
    await prepare(connection, log)

    // What everything shares
    const metrics = createMetrics()
    const jobs = database.createJobs({ pool, log, metrics })
    const db = database.createDatabase({ pool, log, metrics, jobs })
    const redis = connectRedis(config, log, stops)
    const mailer = createMailer({ ...config.mail, outbox: join(config.dataFolder, 'outbox'), log })

    // Rooms
    const identityHandle = database.createIdentityHandle(pool)
    const settings = { publicUrl, ...config.accounts }
    const accounts = tenancy.createAccounts({ db, identityHandle, vault, log, settings })
    const doorkeeper = tenancy.createDoorkeeper({ db, accounts })
    db.during(recordAudit)
    await jobs.start([tenancy.sendMailHandler(vault, mailer), tenancy.sweepTenants(db, [http.forgetOldKeys])])
    stops.push(() => jobs.stop())
    const demo = config.seedDemo ? await seedDemo(config, db) : undefined

    // Gateway
    const publicOrigin = new URL(publicUrl).origin
    const bus = connectBus(config, { log, metrics }, stops)
    const visitors = widgets.createVisitors({ db, vault, publicOrigin })
    const tickets = chat.createTickets({ db, vault })
    const doors = openDoors({ db, doorkeeper, visitors, tickets })
    const gateway = gateways.createGateway({
      ...{ bus, doors, log, metrics, publicOrigin },
      limits: config.gateway,
      trustProxy: config.http.trustProxy,
    })
    const live = chat.createLiveChat({
      ...{ db, gateway, log, metrics },
      board: redis ? gateways.redisBoard(redis, newId()) : gateways.memoryBoard(),
      bus,
    })
    db.after((_scope, event) => {
      if (event.type === 'changed' && standings.has(event.resourceType)) gateway.recheck()
    })

    // HTTP
    let draining = false
    const limits = http.createLimits(config.http, redis, log)
    const routes = [
      http.statusRoute(describeInstallation(config)),
      ...tenancy.accountRoutes({ accounts, db, ...settings, passwords: limits.passwords }),
      ...tenancy.personRoutes({ db, vault }),
      ...tenancy.tenancyRoutes({ vault, publicUrl }),
      ...contactRoutes(),
      ...widgets.widgetRoutes(),
      ...widgets.visitorRoutes(visitors),
      ...chat.chatRoutes(tickets),
      ...complianceRoutes({ db }),
    ]
    const app = http.createHttp({
      ...{ db, doorkeeper, vault, log, metrics, routes },
      publicOrigin,
      trustProxy: config.http.trustProxy,
      limits,
      before: [
        http.healthRoutes({ db, metrics, metricsToken: config.http.metricsToken, draining: () => draining }),
      ],
      after: [
        http.docsPages(http.describeApi(routes, { version, url: publicUrl })),
        http.startPages(doorkeeper),
      ],
    })
    gateway.open(door.server, live.commands)
    door.serve(app)
    stops.push(async () => {
      draining = true
      const { drainSeconds } = config.http
      await pause(drainSeconds * 1_000)
      await gateway.drain(drainSeconds * 500)
      live.stop()
      await gateway.close()
      await door.close(10_000)
    })
    return { url, publicUrl, demo, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

/** In the opposite order; what cannot be stopped must not keep the rest from being stopped. */
async function stopAll(stops: Stops): Promise<void> {
  const faults: unknown[] = []
  for (const undo of stops.splice(0).reverse()) {
    try {
      await undo()
    } catch (fault) {
      faults.push(fault)
    }
  }
  if (faults.length > 0) throw new AggregateError(faults, 'not everything could be stopped')
}

type Connection = database.PoolSettings['connection']

/** Before anything else is taken: of two programs on one folder the second one must not get anywhere. */
function lockData(config: Config): () => void {
  const lock = lockFolder(config.dataFolder, 'parley')
  return () => lock.release()
}

async function openDatabase(config: Config, log: Log, stops: Stops): Promise<Connection> {
  if (config.database.url) return { url: config.database.url.reveal() }
  const embedded = await startEmbedded({ folder: join(config.dataFolder, 'db'), log }).catch(error => {
    throw error instanceof FolderInUse ? error : new DataFolderUnusable(error.message, { cause: error })
  })
  stops.push(() => embedded.stop())
  return embedded.connection
}

/** On the embedded database all transactions are serial, so more connections than these only wait in another place. */
const poolSize = (config: Config): number => (config.database.url ? config.database.poolSize : 6)

/** Brings the database up to date on a connection of its own: a migration may take as long as it needs. */
async function prepare(connection: Connection, log: Log): Promise<void> {
  const pool = database.createPool({ connection, max: 1, statementTimeoutMs: 0 }, log)
  try {
    await database.untilReachable(pool, log, 60_000)
    await database.migrate(pool)
    await database.assertServingRoles(pool)
  } finally {
    await pool.end()
  }
}

function connectRedis(config: Config, log: Log, stops: Stops): Redis | Cluster | undefined {
  if (!config.redisUrl) return undefined
  // Without its offline queue: a command during an outage fails at once instead of stalling whoever waits for it. One that hangs
  // does so as soon as no working Redis would still answer; everyone who asks it goes on without.
  const options = { enableOfflineQueue: false, maxRetriesPerRequest: 1, commandTimeout: 300 }
  const url = config.redisUrl.reveal()
  const redis = config.redisCluster
    ? new Cluster([url], { redisOptions: options, enableOfflineQueue: false })
    : new Redis(url, options)
  redis.on('error', error => log.warn({ reason: error.message }, 'redis'))
  stops.push(() => redis.disconnect())
  return redis
}

function connectBus(
  config: Config,
  parts: { log: Log; metrics: Metrics },
  stops: Stops,
): gateways.Bus | undefined {
  if (!config.redisUrl) return undefined
  const bus = gateways.connectBus({ url: config.redisUrl.reveal(), cluster: config.redisCluster }, parts)
  stops.push(() => bus.close())
  return bus
}

/** A change of one of these may end what a connected member or key may do. */
const standings = new Set(['member', 'role', 'api_key', 'tenant'])

/** Who comes in by which namespace, and by what. */
const openDoors = (parts: {
  readonly db: database.Database
  readonly doorkeeper: http.Doorkeeper
  readonly visitors: widgets.Visitors
  readonly tickets: chat.Tickets
}): gateways.Doors => ({
  allowsPage: parts.visitors.allowsPage,
  visitor: parts.visitors.admit,
  member: tenancy.createMemberDoor(parts.doorkeeper),
  participant: parts.tickets.admit,
  renew: async (audience, scope, credential) => {
    if (audience === 'visitor') return parts.visitors.renew(scope, credential)
    // What lets members in is looked at again and again, and has no time of its own.
    return audience === 'participant' ? parts.tickets.renew(scope, credential) : null
  },
  revoked: scopes => tenancy.outdatedScopes(parts.db, scopes),
})

/** Returns the login where it is known: on a shared database it is that of the node that made the workspace. */
async function seedDemo(config: Config, db: database.Database): Promise<tenancy.DemoLogin | undefined> {
  const password = await keptSecret(config.dataFolder, 'demo-password', 9)
  const ownMachine = !config.database.url
  const login = { email: 'demo@parley.example', password: password.reveal(), masterAdmin: ownMachine }
  const seeding = tenancy.seedDemoTenant(db, login, async (scope, tx) => {
    const contactIds = await seedDemoContacts(scope, tx)
    const widgetId = await widgets.seedDemoWidget(scope, tx)
    await chat.seedDemoConversations(scope, tx, { contactIds, widgetId })
  })
  const made = await seeding.catch(error => {
    // A node that starts at the same moment was faster, and makes the same.
    if (error instanceof ParleyError && error.code === 'conflict') return false
    throw error
  })
  return made || ownMachine ? login : undefined
}

/** What the start page says about this installation. */
const describeInstallation = (config: Config): http.Installation => ({
  parts: describeParts(config),
  accounts: { signUp: config.accounts.signUp, providers: Object.keys(config.accounts.oauth) },
  demoLogin: config.seedDemo,
  doors: [],
})

const describeParts = (config: Config): http.Part[] => [
  config.database.url
    ? { name: 'Database', state: 'connected', detail: 'PostgreSQL' }
    : { name: 'Database', state: 'built in', detail: 'Embedded PostgreSQL with pgvector, one process' },
  config.redisUrl
    ? { name: 'Between nodes', state: 'connected', detail: 'Redis' }
    : { name: 'Between nodes', state: 'built in', detail: 'In memory, one node' },
  config.mail.smtpUrl
    ? { name: 'Mail', state: 'connected', detail: 'SMTP' }
    : { name: 'Mail', state: 'built in', detail: 'Written to the outbox folder; links appear in the log' },
  {
    name: 'Sign-in with',
    state: 'configured',
    detail: ['password', ...Object.keys(config.accounts.oauth)].join(', '),
  },
]

function greet(running: Running, log: Log): void {
  const lines = [
    `Parley ${version} is running.`,
    '',
    `  Start page   ${running.publicUrl}/`,
    `  API          ${running.publicUrl}/api/docs`,
    ...(running.demo ? [`  Demo login   ${running.demo.email}  ${running.demo.password}`] : []),
  ]
  process.stdout.write(`\n${lines.join('\n')}\n\n`)
  log.info({ url: running.publicUrl, version }, 'serving')
}

/** Faults a person can mend are one plain sentence; anything else keeps its stack. */
function explain(error: unknown): string {
  const plain = [ConfigError, DataFolderUnusable, FolderInUse, database.DatabaseUnfit, http.CannotListen]
  if (error instanceof Error && plain.some(kind => error instanceof kind)) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

/** npm passes a signal on to its shell only, which ends and leaves us behind; so its end is our signal. */
function watchParent(gone: () => void): void {
  const parent = process.ppid
  const watch = setInterval(() => {
    if (process.ppid === parent) return
    clearInterval(watch)
    gone()
  }, 200)
  watch.unref()
}

async function run(): Promise<void> {
  const config = loadConfig()
  const log = createLog({ level: config.logLevel })
  for (const name of config.unknownSettings)
    log.warn({ name }, 'the file .env sets what is no setting of Parley')
  let running: Running | undefined
  let stopping = false
  const onSignal = (signal: NodeJS.Signals) => {
    if (stopping) process.exit(1)
    stopping = true
    log.info({ signal }, 'stopping')
    // Nothing has been served yet, and the embedded database puts itself in order when its parent is gone.
    if (!running) process.exit(0)
    running.stop().then(
      () => process.exit(0),
      error => {
        log.error({ err: error }, 'could not stop cleanly')
        process.exit(1)
      },
    )
  }
  // From the beginning: in a container nobody else ends a process that waits for its database.
  process.on('SIGTERM', onSignal).on('SIGINT', onSignal)
  if (config.startedByNpm) watchParent(() => onSignal('SIGTERM'))
  running = await start(config, log)
  greet(running, log)
}

if (process.argv[1] === import.meta.filename) {
  run().catch(error => {
    process.stderr.write(`${explain(error)}\n`)
    process.exit(1)
  })
}

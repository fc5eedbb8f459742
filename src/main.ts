import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import * as agents from './agents/index.ts'
import { openAnswering } from './answering.ts'
import * as chat from './chat/index.ts'
import { complianceRoutes, recordAudit } from './compliance/index.ts'
import { type Config, ConfigError, loadConfig } from './config.ts'
import {
  connectBus,
  connectRedis,
  lockData,
  openDatabase,
  openFileStore,
  type Stops,
  stopAll,
} from './connections.ts'
import { forgetFormerContacts } from './contacts/index.ts'
import { DataFolderUnusable, keptSecret, openDataFolder } from './dataFolder.ts'
import { FolderInUse } from './db/embedded/index.ts'
import * as database from './db/index.ts'
import { demoShopWidget, seedDemo } from './demo.ts'
import * as desk from './desk/index.ts'
import { gatewayDoors, recheckAfterChanges } from './doors.ts'
import * as gateways from './gateway/index.ts'
import * as http from './http/index.ts'
import { describeInstallation } from './installation.ts'
import { createLog, createMetrics, createVault, type Log, newId, version } from './kernel/index.ts'
import { createMailer } from './providers/mail.ts'
import { createThumbnailer } from './providers/thumbnails.ts'
import * as tenancy from './tenancy/index.ts'
import * as usage from './usage/index.ts'
import { openVisiting } from './visiting.ts'

export interface Running {
  /** On this machine. */
  readonly url: string
  /** Where people reach it. */
  readonly publicUrl: string
  readonly demo: tenancy.DemoLogin | undefined
  /** The page of a made-up shop with the demo widget. */
  readonly demoShop?: string | undefined
  stop(): Promise<void>
}

/** The whole program. What is started here is stopped in the opposite order, also when a later part fails to start. */
export async function start(config: Config, log: Log): Promise<Running> {
  const stops: Stops = []
  try {
    const core = await openCore(config, log, stops)
    const rooms = await openRooms(config, core, stops)
    serve(config, core, rooms, stops)
    const { url, publicUrl } = core
    const demoShop = config.seedDemo ? `${publicUrl}/demo` : undefined
    return { url, publicUrl, demo: rooms.demo, demoShop, stop: () => stopAll(stops) }
  } catch (error) {
    await stopAll(stops)
    throw error
  }
}

type Core = Awaited<ReturnType<typeof openCore>>
type Rooms = Awaited<ReturnType<typeof openRooms>>

/** What everything shares. */
async function openCore(config: Config, log: Log, stops: Stops) {
  await openDataFolder(config.dataFolder)
  const vault = createVault(config.secret ?? (await keptSecret(config.dataFolder, 'secret', 32)))
  lockData(config, stops)
  const door = await http.openDoor(config.http, log)
  stops.push(() => door.close(0))
  const url = `http://localhost:${door.port}`
  const publicUrl = config.http.publicUrl ?? url
  const pool = await openDatabase(config, log, stops)
  const metrics = createMetrics()
  const jobs = database.createJobs({ pool, log, metrics })
  const db = database.createDatabase({ pool, log, metrics, jobs })
  const redis = connectRedis(config, log, stops)
  const bus = connectBus(config, { log, metrics }, stops)
  const publicOrigin = new URL(publicUrl).origin
  const limits = http.createLimits(config.http, redis, log)
  const widget = await http.widgetFiles(log)
  return {
    log,
    vault,
    door,
    url,
    publicUrl,
    publicOrigin,
    pool,
    metrics,
    jobs,
    db,
    redis,
    bus,
    limits,
    widget,
  }
}

/** Every room with what it needs, and the gateway they speak through. */
async function openRooms(config: Config, core: Core, stops: Stops) {
  const { db, vault, log, metrics, publicUrl, publicOrigin, redis, bus, jobs } = core
  const mailer = createMailer({ ...config.mail, outbox: join(config.dataFolder, 'outbox'), log })
  const identityHandle = database.createIdentityHandle(core.pool)
  const settings = { publicUrl, ...config.accounts }
  const accounts = tenancy.createAccounts({ db, identityHandle, vault, log, settings })
  const doorkeeper = tenancy.createDoorkeeper({ db, accounts })
  listen(core)
  const files = {
    ...{ db, vault, log, limits: config.files.limits },
    store: await openFileStore(config),
    links: chat.createFileLinks({ vault, publicUrl }),
    offers: chat.createUploadOffers({ vault, publicUrl }),
    thumbnails: createThumbnailer(),
    underWay: chat.countUploads(),
  }
  const answering = openAnswering(config, { ...core, store: files.store }, stops)
  const forget = [http.forgetOldKeys, forgetFormerContacts, chat.forgetOldTickets, desk.forgetOldMails]
  const chores = [...forget, chat.queueFileSweep, usage.addUpCosts]
  const nightly = tenancy.sweepTenants(db, [...chores, ...answering.chores])
  const { configured, chores: startChores } = answering.atStart
  const atStart = tenancy.sweepTenantsAtStart(db, configured, startChores)
  const mails = [tenancy.sendMailHandler(vault, mailer), desk.sendTranscriptHandler({ db, vault, mailer })]
  const ownJobs = [...mails, nightly, atStart]
  await jobs.start([...ownJobs, ...chat.fileJobs(files), ...answering.jobs])
  stops.push(() => jobs.stop())
  const demo = config.seedDemo ? await seedDemo(config, db, answering.agentParts) : undefined

  const visiting = openVisiting(config, core)
  const tickets = chat.createTickets({ db, vault })
  const doors = gatewayDoors({ db, doorkeeper, visitors: visiting.visitors, tickets, log, metrics })
  const { trustProxy } = config.http
  const gateway = gateways.createGateway({
    ...{ bus, doors, log, metrics, publicOrigin, trustProxy },
    limits: config.gateway,
  })
  recheckAfterChanges(db, gateway)
  const board = redis ? gateways.redisBoard(redis, newId()) : gateways.memoryBoard()
  const live = chat.createLiveChat({ db, gateway, log, metrics, board, bus })
  const answers = answering.begin(gateway, live.log, bus)
  const routes = [
    http.statusRoute(describeInstallation(config)),
    ...tenancy.accountRoutes({ accounts, db, ...settings, passwords: core.limits.passwords }),
    ...tenancy.personRoutes({ db, vault }),
    ...tenancy.tenancyRoutes({ vault, publicUrl }),
    ...usage.usageRoutes(),
    ...visiting.routes,
    ...chat.chatRoutes(tickets),
    ...chat.fileRoutes(files),
    ...desk.deskRoutes(),
    ...answering.routes,
    ...complianceRoutes({ db }),
  ]
  const commands = [
    ...visiting.commands,
    ...live.commands,
    ...chat.fileCommands(files),
    ...desk.deskCommands({ db, vault, log: live.log, staffed: live.staffed }),
    ...answering.commands,
    ...answers.commands,
  ]
  return { doorkeeper, demo, gateway, live, answers, commands, routes }
}

/** What one room says and another hears: upwards, within the transaction that it happens in or after its commit. */
function listen({ db, vault, log }: Core): void {
  const ofWords = [agents.letGoOfWords, desk.letGoOfWords]
  const ofContacts = [agents.inheritMemories, desk.inheritMails]
  const ofConversations = [chat.takeOver, ...ofContacts, chat.letGo, desk.recordMovement]
  const ofMembers = [chat.returnToQueue, chat.endTickets]
  for (const listener of [recordAudit, ...ofWords, ...ofConversations, ...ofMembers, usage.mailAlerts(vault)])
    db.during(listener)
  db.after(usage.logAlerts(log))
}

/** Begins to answer, and leaves in order: say no to new callers, give connections back, finish what runs. */
function serve(
  config: Config,
  core: Core,
  { doorkeeper, gateway, live, answers, commands, routes }: Rooms,
  stops: Stops,
): void {
  const { db, vault, log, metrics, limits, door, publicUrl, publicOrigin, widget } = core
  const { drainSeconds, metricsToken, trustProxy } = config.http
  let draining = false
  const app = http.createHttp({
    ...{ db, doorkeeper, vault, log, metrics, limits, routes, publicOrigin, trustProxy },
    before: [http.healthRoutes({ db, metrics, metricsToken, draining: () => draining }), widget],
    after: [
      http.docsPages(http.describeApi(routes, { version, url: publicUrl })),
      http.demoPage(config.seedDemo ? () => demoShopWidget(db) : undefined),
      http.startPages(doorkeeper),
    ],
  })
  gateway.open(door.server, commands)
  door.serve(app)
  stops.push(async () => {
    draining = true
    // First a balancer has to see that nothing new belongs here: what is given back earlier would be sent here again.
    await pause(drainSeconds * 700)
    await gateway.drain(drainSeconds * 300)
    await answers.stop()
    live.stop()
    await gateway.close()
    await door.close(10_000)
  })
}

function greet(running: Running, log: Log): void {
  const lines = [
    `Parley ${version} is running.`,
    '',
    `  Start page   ${running.publicUrl}/`,
    `  API          ${running.publicUrl}/api/docs`,
    ...(running.demoShop ? [`  Demo shop    ${running.demoShop}`] : []),
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
  // The first start prepares a database, which takes a while.
  process.stdout.write(`Parley ${version} is starting …\n`)
  running = await start(config, log)
  greet(running, log)
}

if (process.argv[1] === import.meta.filename) {
  run().catch(error => {
    process.stderr.write(`${explain(error)}\n`)
    process.exit(1)
  })
}

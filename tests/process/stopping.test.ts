import { once } from 'node:events'
import { Agent, get } from 'node:http'
import { connect, type Socket } from 'node:net'
import { describe, expect, test, vi } from 'vitest'
import { lockFolder } from '../../src/db/embedded/index.ts'
import { isAlive } from '../support/embeddedDatabase.ts'
import { eventually } from '../support/eventually.ts'
import {
  databasePid,
  demoOwner,
  everything,
  type Program,
  startProgram,
  unlimited,
  type Workplace,
  workplace,
} from '../support/processes.ts'

vi.setConfig({ testTimeout: 60_000 })

/** What a clean stop leaves behind: nothing that runs, nothing that is held. */
function expectNothingLeft(at: Workplace, database: number | undefined): void {
  expect(database).toBeGreaterThan(0)
  expect(isAlive(database ?? 0)).toBe(false)
  for (const [folder, name] of [
    [at.data, 'parley'],
    [`${at.data}/db`, 'database'],
  ] as const) {
    lockFolder(folder, name).release()
  }
}

async function timed<Result>(work: Promise<Result>): Promise<{ result: Result; ms: number }> {
  const began = performance.now()
  const result = await work
  return { result, ms: performance.now() - began }
}

/** A request whose body is still on its way: in flight for as long as the test likes. */
async function slowRequest(url: string, authorization: string) {
  const { hostname, port } = new URL(url)
  const socket: Socket = connect(Number(port), hostname === 'localhost' ? '127.0.0.1' : hostname)
  let received = ''
  socket.setEncoding('utf8').on('data', (text: string) => {
    received += text
  })
  const closed = new Promise<void>(resolve => socket.on('error', () => undefined).once('close', resolve))
  // A stop that begins before the connection stands would only refuse it.
  await once(socket, 'connect')
  const body = JSON.stringify({ name: 'Late but in time' })
  const head = [
    'POST /api/v1/contacts HTTP/1.1',
    'Host: localhost',
    `Authorization: ${authorization}`,
    'Content-Type: application/json',
    `Content-Length: ${body.length}`,
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${body.slice(0, 5)}`)
  return { finish: () => void socket.write(body.slice(5)), received: () => received, closed, socket }
}

/** What was sent before on another connection has been read once a later request is answered. */
async function untilTaken(owner: Awaited<ReturnType<typeof demoOwner>>): Promise<void> {
  const { body } = await owner.call<{ items: unknown[] }>('get', '/api/v1/contacts?limit=1')
  expect(body.items).toHaveLength(1)
}

/** A connection that has had an answer and is kept for the next. */
async function keptConnection(url: string): Promise<Agent> {
  const agent = new Agent({ keepAlive: true })
  const [response] = await once(get(`${url}/healthz`, { agent }), 'response')
  response.resume()
  await once(response, 'end')
  return agent
}

const hasBegun = (program: Program) =>
  eventually('it has been told', () => /"stopping"/.test(program.stdout()))

describe('a stop is clean', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    test(`${signal}, with a kept connection: exit code 0 soon, the database gone, the folder free`, async () => {
      await using at = await workplace({ prepared: true })
      await using program = startProgram(at)
      const { url } = await program.serving()
      const agent = await keptConnection(url)
      const database = databasePid(at)
      program.signal(signal)
      const { result, ms } = await timed(program.ended)
      expect(result).toEqual({ code: 0, signal: null })
      expect(ms).toBeLessThan(5_000)
      expect(program.stderr()).toBe('')
      expectNothingLeft(at, database)
      agent.destroy()
    })
  }

  test('Ctrl-C, which reaches the database process as well: just as clean, and nothing is lost', async () => {
    await using at = await workplace({ prepared: true })
    let id: string | undefined
    {
      await using program = startProgram(at)
      const owner = await demoOwner(program)
      const made = await owner.call<{ id: string }>('post', '/api/v1/contacts', { name: 'Last words' })
      expect(made.status).toBe(201)
      id = made.body.id
      const database = databasePid(at)
      program.signalGroup('SIGINT')
      const { result, ms } = await timed(program.ended)
      expect(result).toEqual({ code: 0, signal: null })
      expect(ms).toBeLessThan(5_000)
      expect(program.stdout()).not.toMatch(/"level":"(warn|error|fatal)"/)
      expectNothingLeft(at, database)
    }
    await using again = startProgram(at)
    const contacts = await everything<{ id: string }>(await demoOwner(again), '/api/v1/contacts')
    expect(contacts.map(contact => contact.id)).toContain(id)
  })

  test('a request in flight is answered, its connection closed, and no new one taken', async () => {
    await using at = await workplace({ prepared: true })
    await using program = startProgram(at, { environment: unlimited })
    const owner = await demoOwner(program)
    const slow = await slowRequest(owner.url, owner.authorization)
    await untilTaken(owner)
    program.signal('SIGTERM')
    await hasBegun(program)
    const isRefused = () =>
      fetch(`${owner.url}/healthz`, { headers: { connection: 'close' } }).then(
        () => false,
        () => true,
      )
    // It says that it stops before it closes its door.
    await eventually('nobody new is let in', isRefused)
    expect(program.exit()).toBeUndefined()
    slow.finish()
    const { result, ms } = await timed(program.ended)
    expect(slow.received()).toMatch(/^HTTP\/1\.1 201 /)
    expect(slow.received()).toContain('Late but in time')
    expect(result).toEqual({ code: 0, signal: null })
    // Kept connections have to go once their request is answered, not at the deadline.
    expect(ms).toBeLessThan(5_000)
    await slow.closed
  })

  test('a request that never ends is cut off; a second signal does not even wait for that', async () => {
    await using at = await workplace({ prepared: true })
    await using program = startProgram(at)
    const owner = await demoOwner(program)
    const database = databasePid(at) ?? 0
    const slow = await slowRequest(owner.url, owner.authorization)
    await untilTaken(owner)
    program.signal('SIGTERM')
    await hasBegun(program)
    program.signal('SIGTERM')
    const { result, ms } = await timed(program.ended)
    expect(result).toEqual({ code: 1, signal: null })
    expect(ms).toBeLessThan(1_000)
    expect(slow.received()).toBe('')
    // Even then the database writes its checkpoint and leaves by itself.
    await eventually('the database has left', () => !isAlive(database), 5_000)
    expectNothingLeft(at, database)
  })

  test('a signal during the start ends it at once, and the next start finds the folder in order', async () => {
    await using at = await workplace()
    {
      await using early = startProgram(at)
      await eventually('the database is being made', () => databasePid(at) !== undefined)
      early.signal('SIGTERM')
      const { result, ms } = await timed(early.ended)
      expect(result).toEqual({ code: 0, signal: null })
      expect(ms).toBeLessThan(3_000)
      expect(early.stderr()).toBe('')
    }
    await using again = startProgram(at)
    const owner = await demoOwner(again)
    expect((await everything(owner, '/api/v1/contacts')).length).toBeGreaterThan(0)
  })
})

import { chmodSync, existsSync, mkdirSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { lockFolder } from '../../src/db/embedded/index.ts'
import {
  demoOwner,
  everything,
  nodeCommand,
  type ProgramOptions,
  startProgram,
  type Workplace,
  workplace,
} from '../support/processes.ts'

vi.setConfig({ testTimeout: 60_000 })

const root = process.getuid?.() === 0

/** Starts what must not start, and gives what it said about that. */
async function refusal(at: Workplace, options: ProgramOptions = {}): Promise<string> {
  await using program = startProgram(at, options)
  const exit = await program.ended
  const said = program.stderr()
  expect(exit, said + program.stdout()).toEqual({ code: 1, signal: null })
  expect(said).not.toMatch(/^\s+at /m)
  expect(program.stdout()).not.toContain('Start page')
  return said
}

const oneLine = (text: string) => expect(text).toMatch(/^[^\n]+\n$/)

describe('what cannot work is refused in plain words', () => {
  test('a second process on the same folder, while the first goes on', async () => {
    await using at = await workplace({ prepared: true })
    await using first = startProgram(at)
    const owner = await demoOwner(first)
    const began = performance.now()
    const said = await refusal(at)
    expect(performance.now() - began).toBeLessThan(20_000)
    oneLine(said)
    expect(said).toContain(`The folder ${at.data} is in use by process ${first.pid}.`)
    expect((await everything(owner, '/api/v1/contacts')).length).toBeGreaterThan(0)
    expect(first.exit()).toBeUndefined()
  })

  test('a port that is taken; the database it had started is stopped again', async () => {
    await using at = await workplace({ prepared: true })
    const server = createServer().listen(0, '127.0.0.1')
    await new Promise(resolve => server.once('listening', resolve))
    const { port } = server.address() as AddressInfo
    try {
      const said = await refusal(at, { environment: { PORT: String(port) } })
      oneLine(said)
      expect(said).toContain(`Port ${port} is already in use`)
      expect(existsSync(join(at.data, 'db', 'database.pid'))).toBe(false)
      lockFolder(join(at.data, 'db'), 'database').release()
    } finally {
      server.close()
    }
  })

  test('an address that is not of this machine', async () => {
    await using at = await workplace({ prepared: true })
    const said = await refusal(at, { environment: { HOST: '192.0.2.1' } })
    oneLine(said)
    expect(said).toContain('192.0.2.1')
    expect(said).toContain('HOST')
  })

  test('a data folder that is a file, or below one', async () => {
    await using at = await workplace()
    writeFileSync(at.data, 'not a folder')
    for (const path of [at.data, join(at.data, 'below')]) {
      const said = await refusal(at, { environment: { PARLEY_DATA: path } })
      oneLine(said)
      expect(said).toContain(`The data folder ${path} cannot be used`)
      expect(said).toContain('PARLEY_DATA')
    }
  })

  test('a data folder that may not be written to', async () => {
    await using at = await workplace()
    mkdirSync(at.data)
    chmodSync(at.data, 0o555)
    chmodSync(at.root, 0o755)
    // Rights do not bind root, who therefore becomes nobody for this.
    const nobody = ['setpriv', '--reuid=65534', '--regid=65534', '--clear-groups', '--']
    for (const path of [at.data, join(at.data, 'new')]) {
      const said = await refusal(at, {
        command: [...(root ? nobody : []), ...nodeCommand],
        environment: { PARLEY_DATA: path },
      })
      oneLine(said)
      expect(said).toContain(`The data folder ${path} cannot be used`)
    }
    chmodSync(at.data, 0o755)
  })

  test('a database folder that is no database', async () => {
    await using at = await workplace({ prepared: true })
    writeFileSync(join(at.data, 'db', 'data', 'global', 'pg_control'), Buffer.alloc(8192, 1))
    const said = await refusal(at)
    oneLine(said)
    expect(said).toContain(`The database in ${join(at.data, 'db', 'data')} cannot be opened`)
  })

  test('a secret that is empty or cut short: signing with it would be signing with nothing', async () => {
    await using at = await workplace()
    mkdirSync(at.data, { mode: 0o700 })
    for (const content of ['', '\n', 'short']) {
      writeFileSync(join(at.data, 'secret'), content)
      const said = await refusal(at)
      oneLine(said)
      expect(said).toContain(join(at.data, 'secret'))
      if (content.trim()) expect(said).not.toContain(content.trim())
    }
  })

  test('faults of the configuration: all at once, and never a value that could be secret', async () => {
    await using at = await workplace()
    const said = await refusal(at, {
      environment: {
        PORT: 'eighty',
        LOG_LEVEL: 'loud',
        PARLEY_SECRET: 'hunter2-short',
        DATABASE_URL: 'mysql://root:hunter2@db/parley',
        METRICS_TOKEN: 'hunter2',
        SIGN_UP: 'perhaps',
        GITHUB_CLIENT_ID: 'given-alone',
      },
    })
    const named = [...said.matchAll(/^ {2}([A-Z_]+): /gm)].map(([, name]) => name).sort()
    expect(named).toEqual([
      'DATABASE_URL',
      'GITHUB_CLIENT_SECRET',
      'LOG_LEVEL',
      'METRICS_TOKEN',
      'PARLEY_SECRET',
      'PORT',
      'SIGN_UP',
    ])
    expect(said).not.toContain('hunter2')
    expect(existsSync(at.data)).toBe(false)
  })

  test('DATABASE_URL without PARLEY_SECRET', async () => {
    await using at = await workplace()
    const said = await refusal(at, { environment: { DATABASE_URL: 'postgresql://u:hunter2@127.0.0.1:1/db' } })
    expect(said).toContain('PARLEY_SECRET: is required with DATABASE_URL')
    expect(said).not.toContain('hunter2')
  })
})

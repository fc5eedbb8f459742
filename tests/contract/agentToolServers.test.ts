import pino from 'pino'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { listServerTools } from '../../src/agents/listServerTools.ts'
import { updateServer } from '../../src/agents/mcpServers.ts'
import { toolNameOf } from '../../src/agents/tools/mcpTools.ts'
import { createToolbox } from '../../src/agents/tools/toolbox.ts'
import { createMcp } from '../../src/providers/createMcp.ts'
import { type AgentWorld, commands, openAgents } from '../support/agentWorld.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { mcpOverHttp } from '../support/mcpOverHttp.ts'
import { closeServers, outgoing, serving } from '../support/outgoing.ts'

vi.setConfig({ testTimeout: 90_000, hookTimeout: 120_000 })

const secret = 'sk-very-secret-0815'
const transports = ['stdio', 'sse', 'streamable-http'] as const

function isRunning(pid: number): boolean {
  try {
    return process.kill(pid, 0)
  } catch {
    return false
  }
}

describe.each(databaseKinds)('K5: tool servers on %s', kind => {
  let world: AgentWorld
  beforeAll(async () => {
    world = await openAgents(kind)
  })
  afterEach(closeServers)
  afterAll(() => world?.drop())

  /** Where a real server is, and how it lets in. */
  async function placeOf(transport: (typeof transports)[number]) {
    if (transport === 'stdio') return { transport, command: 'tools', environment: { TOOLS_TOKEN: secret } }
    const { url } = await mcpOverHttp(transport)
    return { transport, url, headers: { authorization: `Bearer ${secret}` } }
  }
  const using = (id: string, tools: string[] | 'all' = 'all') => ({
    tools: [],
    allowedMcpServers: { [id]: { tools } },
  })

  test.each(transports)(
    'K5: the tools of a server over %s, as it names them and as models take them',
    async transport => {
      const id = await world.newServer({
        ...{ ...(await placeOf(transport)), name: `Mein Server ${transport}` },
        instructions: 'Use it for sums.',
        toolInstructions: { add: 'Small numbers only.', gone: 'There is none.' },
      })
      const opened = await world.open(using(id))
      try {
        const name = toolNameOf(`Mein Server ${transport}`, 'add')
        expect(name).toMatch(/^Mein_Server_[a-z-]+__add$/)
        for (const tool of opened.tools) expect(tool.name).toMatch(/^[a-zA-Z0-9_-]{1,64}$/)
        expect(opened.tools).toHaveLength(6)
        expect(opened.instructions).toBe(
          `Mein Server ${transport}: Use it for sums.\n\n${name}: Small numbers only.`,
        )
        expect((await opened.ask(name, { a: 1, b: 2 })).text).toBe('3')
        const odd = opened.tools.find(tool => tool.name.includes('look_up'))
        expect((await opened.ask(odd?.name ?? '', {})).text).toBe('found\n\n[image]')
        const server = name.replace(/add$/, '')
        expect((await opened.ask(`${server}fail`, {})).text).toBe('The tool reports a failure: out of order')
        expect((await opened.ask(name, { a: 'one' })).text).toMatch(/failure|failed/)
        expect((await opened.ask(name, 'no object')).text).toMatch(/^The arguments do not fit/)
        expect((await opened.ask(`${server}hang`, {})).text).toMatch(
          /^This failed: The server did not answer within/,
        )
        expect((await opened.ask(name, { a: 2, b: 2 })).text).toBe('4')
      } finally {
        await opened.close()
      }
      expect((await opened.ask(toolNameOf(`Mein Server ${transport}`, 'add'), { a: 1, b: 1 })).text).toMatch(
        /^This failed/,
      )
      expect(JSON.stringify([opened, world.logged])).not.toContain(secret)
    },
  )

  test.each(transports)('K5: a flood over %s ends the call, not the run', async transport => {
    const id = await world.newServer(await placeOf(transport))
    const opened = await world.open(using(id, ['flood']))
    expect(opened.tools).toHaveLength(1)
    expect((await opened.ask(opened.tools[0]?.name ?? '', {})).text).toMatch(/^This failed/)
    await opened.close()
  })

  test('K5: an agent has the tools it may use and no others', async () => {
    const id = await world.newServer(await placeOf('streamable-http'))
    const some = await world.open(using(id, ['add', 'unknown']))
    expect(some.tools.map(({ name }) => name.split('__')[1])).toEqual(['add'])
    expect((await world.open(using(id, []))).tools).toEqual([])
    expect((await world.open({ tools: [] })).tools).toEqual([])
    await world.db.scoped(world.scope, tx =>
      updateServer(world.scope, tx, world.parts(), id, { active: false }),
    )
    expect(await world.open(using(id))).toMatchObject({ tools: [], instructions: '' })
    await some.close()
  })

  test('K5: names that become alike stay apart', async () => {
    const place = await placeOf('streamable-http')
    const [one, other] = [
      await world.newServer({ ...place, name: 'Tools (a)', toolInstructions: { add: 'The first.' } }),
      await world.newServer({ ...place, name: 'Tools [a]', toolInstructions: { add: 'The second.' } }),
    ]
    const allowed = { [one]: { tools: ['add'] }, [other]: { tools: ['add'] } }
    const opened = await world.open({ tools: [], allowedMcpServers: allowed })
    expect(opened.tools.map(({ name }) => name)).toEqual(['Tools_a__add', 'Tools_a__add_2'])
    expect(opened.instructions).toBe('Tools_a__add: The first.\n\nTools_a__add_2: The second.')
    await opened.close()
  })

  test('S5: a program gets what it is given and nothing of ours', async () => {
    process.env.PARLEY_TEST_SECRET = secret
    const id = await world.newServer({ ...(await placeOf('stdio')), args: ['--deep'] })
    const opened = await world.open(using(id, ['environment']))
    const { text } = await opened.ask(opened.tools[0]?.name ?? '', {})
    delete process.env.PARLEY_TEST_SECRET
    const { environment, args, pid } = JSON.parse(text)
    expect(isRunning(pid)).toBe(true)
    await opened.close()
    await eventually('the program ends with the run', () => !isRunning(pid))
    expect(args).toEqual(['--deep'])
    // It has it, and its echo is kept from the model.
    expect(environment.TOOLS_TOKEN).toBe('[secret]')
    const inherited = Object.keys(environment).filter(name => name !== 'TOOLS_TOKEN')
    for (const name of inherited) expect(['HOME', 'LOGNAME', 'PATH', 'SHELL', 'TERM', 'USER']).toContain(name)
    expect(environment.HOME).not.toBe(process.env.HOME)
  })

  test.each([
    [{ transport: 'stdio' as const, command: 'sh', args: ['-c', 'true'] }, 'command'],
    [{ transport: 'stdio' as const, command: '__proto__' }, 'command'],
    [{ transport: 'stdio' as const, command: 'plain', args: ['--unsafe'] }, 'command'],
    [
      { transport: 'stdio' as const, command: 'tools', environment: { NODE_OPTIONS: '--require=/tmp/x' } },
      'command',
    ],
    [{ transport: 'stdio' as const }, 'command'],
    [{ transport: 'sse' as const, url: 'http://10.0.0.1/sse' }, 'url'],
    [{ transport: 'streamable-http' as const, url: 'file:///etc/passwd' }, 'url'],
    [{ transport: 'streamable-http' as const }, 'url'],
  ])('S5: what the operator or the network does not allow is not saved: %j', async (input, path) => {
    await expect(world.newServer(input)).rejects.toMatchObject({
      code: 'invalid_request',
      faults: [{ path }],
    })
  })

  test('S5: neither a name nor a redirect leads to what is private', async () => {
    const { url, port } = await serving((_request, response) =>
      response.writeHead(307, { location: 'http://169.254.169.254/mcp' }).end(),
    )
    for (const transport of ['sse', 'streamable-http'] as const) {
      const to = await world.mcp.connect({ transport, url, headers: {} }).catch(error => error)
      expect(to).toMatchObject({ name: 'McpError' })
      const resolving = async () => [{ address: '127.0.0.1', family: 4 }]
      const strict = createMcp({ outgoing: outgoing([], resolving), commands })
      const target = { transport, url: 'http://tools.example/mcp', headers: {} }
      await expect(strict.connect(target)).rejects.toThrow('This address is not public.')
      await expect(strict.connect({ ...target, url: `http://127.0.0.1:${port}` })).rejects.toThrow(
        'not public',
      )
    }
  })

  test('K5: a server that hangs, is missing or talks nonsense costs a bounded time; the others are there', async () => {
    const silent = await serving(() => undefined)
    const nonsense = await serving((_request, response) => response.writeHead(200).end('<html>'))
    const good = await world.newServer({ ...(await placeOf('streamable-http')), name: 'Good' })
    const bad = [
      await world.newServer({ transport: 'stdio', command: 'mute', name: 'Mute' }),
      await world.newServer({ transport: 'stdio', command: 'missing', name: 'Missing' }),
      await world.newServer({ transport: 'streamable-http', url: silent.url, name: 'Silent' }),
      await world.newServer({ transport: 'sse', url: silent.url, name: 'Silent too' }),
      await world.newServer({ transport: 'sse', url: nonsense.url, name: 'Nonsense' }),
      await world.newServer({ transport: 'streamable-http', url: nonsense.url, name: 'Nonsense too' }),
    ]
    const allowed = Object.fromEntries([good, ...bad].map(id => [id, { tools: ['add'] }]))
    const began = performance.now()
    const opened = await world.open({ tools: [], allowedMcpServers: allowed })
    expect(performance.now() - began).toBeLessThan(30_000)
    expect(opened.tools.map(({ name }) => name)).toEqual(['Good__add'])
    expect(opened.instructions.match(/are not available right now/g)).toHaveLength(6)
    expect(opened.instructions).toContain(
      'The tools of Silent are not available right now: The server did not answer',
    )
    expect((await opened.ask('Good__add', { a: 1, b: 1 })).text).toBe('2')
    await opened.close()
  })

  test('K5: a server that could not be asked is not waited for again, until a while has passed or it was changed', async () => {
    let requests = 0
    const silent = await serving(() => void requests++)
    const id = await world.newServer({ transport: 'streamable-http', url: silent.url, name: 'Dead' })
    const { definition } = await world.newAgent(using(id))
    const toolbox = createToolbox({
      ...world.parts(),
      log: pino({ level: 'silent' }),
      find: async () => ({ passages: [], judgement: 'none', recorded: Promise.resolve() }),
    })
    const missing = async () => {
      const opened = await toolbox.toolsFor(world.context, definition)
      expect(opened.instructions).toContain(
        'The tools of Dead are not available right now: The server did not',
      )
      await opened.close()
      return requests
    }
    const first = await missing()
    expect(first).toBeGreaterThan(0)
    expect(await missing()).toBe(first)
    await world.db.scoped(world.scope, tx =>
      updateServer(world.scope, tx, world.parts(), id, { instructions: 'For sums.', url: silent.url }),
    )
    expect(await missing()).toBeGreaterThan(first)
  })

  test('K5: connections end with the run', async () => {
    const { url, sessions } = await mcpOverHttp('streamable-http')
    const opened = await world.open(using(await world.newServer({ transport: 'streamable-http', url })))
    expect(sessions()).toBe(1)
    await opened.close()
    await eventually('the session ends', () => sessions() === 0)
    const sse = await mcpOverHttp('sse')
    const other = await world.open(using(await world.newServer({ transport: 'sse', url: sse.url })))
    expect(sse.sessions()).toBe(1)
    await other.close()
    await eventually('the stream ends', () => sse.sessions() === 0)
  })

  test('K5: an aborted run waits for no server', async () => {
    const silent = await serving(() => undefined)
    const id = await world.newServer({ transport: 'streamable-http', url: silent.url })
    const controller = new AbortController()
    const opening = world.open(using(id), { signal: controller.signal })
    setTimeout(() => controller.abort(new Error('stopped')), 300)
    await expect(opening).rejects.toThrow('stopped')
  })

  test('K5: whoever sets a server up is told its tools, or why it cannot be asked', async () => {
    const { scope } = world
    const good = await world.newServer(await placeOf('streamable-http'))
    const listed = await listServerTools(scope, world.parts(), good)
    expect(listed).toMatchObject({ failure: null })
    expect(listed.tools.find(({ name }) => name === 'add')?.parameters).toMatchObject({
      required: ['a', 'b'],
    })
    const refusing = await serving((_request, response) => response.writeHead(401).end())
    const id = await world.newServer({ transport: 'streamable-http', url: refusing.url })
    expect(await listServerTools(scope, world.parts(), id)).toEqual({
      ...{ tools: [], failure: 'The server refused with status 401.' },
    })
  })

  test('S5: secrets are sealed, stay where they were meant for, and are in no trail', async () => {
    const { scope, db, owner } = world
    const { url } = await mcpOverHttp('streamable-http')
    const headers = { authorization: `Bearer ${secret}` }
    const id = await world.newServer({ transport: 'streamable-http', url, headers })
    const stored = async () =>
      (await owner.query('select sealed_secrets, url from mcp_servers where id = $1', [id])).rows[0]
    const update = (input: Parameters<typeof updateServer>[4]) =>
      db.scoped(scope, tx => updateServer(scope, tx, world.parts(), id, input))
    const { sealed_secrets: sealed } = await stored()
    expect(world.vault.open(sealed)).toContain(secret)
    await update({ instructions: 'New words.', url: `${url}/deeper` })
    expect(await stored()).toEqual({ sealed_secrets: sealed, url: `${url}/deeper` })
    await update({ url: 'https://elsewhere.example.com/mcp' })
    expect((await stored()).sealed_secrets).toBeNull()
    await update({ headers: { 'x-key': secret } })
    await update({ transport: 'stdio', command: 'plain' })
    expect((await stored()).sealed_secrets).toBeNull()
    const { rows } = await owner.query('select * from audit_logs where resource_id = $1 order by id', [id])
    expect(rows.map(({ action }) => action)).toEqual([
      'mcp_server.created',
      ...Array(4).fill('mcp_server.updated'),
    ])
    const all = await owner.query('select * from mcp_servers')
    expect(JSON.stringify([rows, all.rows])).not.toContain(secret)
    expect(JSON.stringify(rows)).not.toContain(sealed)
    expect(JSON.stringify(rows)).toContain('authorization')
  })
})

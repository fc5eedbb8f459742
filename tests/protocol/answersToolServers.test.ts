import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { eventually } from '../support/eventually.ts'
import { mcpOverHttp } from '../support/mcpOverHttp.ts'
import { endedRuns, type ModelWorld, openModelWorld } from '../support/modelWorld.ts'
import { closeServers } from '../support/outgoing.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const question = 'How long can I return an item?'

function isRunning(pid: string): boolean {
  try {
    return process.kill(Number(pid), 0)
  } catch {
    return false
  }
}

describe('K5: tool servers after an answer', () => {
  let world: ModelWorld
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), 'parley-stubborn-'))
    const program = join(import.meta.dirname, '../support/mcpStubbornServer.ts')
    const run = [process.execPath, '--disable-warning=ExperimentalWarning', program]
    world = await openModelWorld('PostgreSQL', {
      OUTGOING_ALLOWED: '127.0.0.1',
      MCP_COMMANDS: JSON.stringify({ stubborn: { run, arguments: true } }),
    })
  })
  beforeEach(() => world.model.reset())
  afterAll(async () => {
    await world?.remove()
    closeServers()
    await rm(folder, { recursive: true, force: true })
  })

  async function askerOfServer(place: object) {
    const { body } = await world.workspace.owner.call<{ id: string }>('post', '/api/v1/mcp-servers', {
      ...{ name: `Tools ${newId()}`, ...place },
    })
    const { widgetKey } = await world.newAgent({ allowedMcpServers: { [body.id]: { tools: 'all' } } })
    return world.askerOf(widgetKey)
  }

  test('K5: one that is slow to end does not keep the next question waiting', async () => {
    const asker = await askerOfServer({ transport: 'stdio', command: 'stubborn', args: [folder] })
    world.model.always('chat', { text: 'Within 30 days [1].' })
    await asker.say(question)
    await asker.answered(1)
    const [first = ''] = await readdir(folder)
    expect(isRunning(first)).toBe(true)
    const runId = asker.runs.at(-1)?.runId
    await asker.say(`And again: ${question}`)
    await eventually('the next run begins', () => asker.runs.at(-1)?.runId !== runId)
    expect(isRunning(first)).toBe(true)
    await asker.answered(2)
    await eventually('all of them end', async () => !(await readdir(folder)).some(isRunning), 20_000)
    asker.close()
  })

  test('K5: one is left, too, by a run whose answer cannot be stored', async () => {
    const { url, sessions } = await mcpOverHttp('streamable-http')
    const asker = await askerOfServer({ transport: 'streamable-http', url })
    const { owner } = world.parley
    await owner.query(`create function refuse_answer() returns trigger language plpgsql as $$
      begin raise exception 'no room for it'; end $$;
      create trigger refuse_answer before insert on messages for each row
      when (new.text = 'Too much to keep.') execute function refuse_answer()`)
    world.model.always('chat', { text: 'Too much to keep.' })
    await asker.say(question)
    await eventually('the model is asked', () => world.answering().length > 0)
    await eventually('the session ends', () => sessions() === 0)
    await owner.query('drop trigger refuse_answer on messages')
    expect((await asker.answered()).text).toBe('Too much to keep.')
    const [last, ...others] = await endedRuns(world, asker.conversationId)
    expect(last).toMatchObject({ state: 'done' })
    expect(others.length).toBeGreaterThan(0)
    await eventually('no session is left', () => sessions() === 0)
    asker.close()
  })
})

import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { expect, test, vi } from 'vitest'
import { eventually } from '../support/eventually.ts'
import { demoOwner, everything, startProgram, workplace } from '../support/processes.ts'

vi.setConfig({ testTimeout: 60_000 })

const example = join(import.meta.dirname, '..', '..', 'docs', 'examples', 'visitor.mjs')
const run = promisify(execFile)

test('the example client is answered by the program as it starts with nothing configured', async () => {
  await using at = await workplace()
  await using program = startProgram(at)
  const { url } = await program.serving()
  const owner = await demoOwner(program)
  const [widget] = await everything<{ publicKey: string }>(owner, '/api/v1/widgets')
  await eventually('the documents of the demo are read', async () => {
    const sources = await everything<{ status: string }>(owner, '/api/v1/knowledge/sources')
    return sources.length > 0 && sources.every(({ status }) => status === 'ready')
  })
  const words = 'How long can I return an item?'
  const { stdout } = await run(process.execPath, [example, url, widget?.publicKey ?? '', words], {
    timeout: 30_000,
  })
  const [said, answer] = stdout.split('\n')
  expect(said).toBe(`1 contact: ${words}`)
  expect(answer).toMatch(/^2 agent: .*30 days/)
  await expect(run(process.execPath, [example, url, 'no such key', words])).rejects.toThrow('unauthenticated')
})

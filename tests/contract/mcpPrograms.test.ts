import { expect, test, vi } from 'vitest'
import { createMcp } from '../../src/providers/createMcp.ts'
import { outgoing } from '../support/outgoing.ts'

vi.setConfig({ testTimeout: 60_000 })

const mute = { run: ['sh', '-c', 'cat > /dev/null'], arguments: false, environment: [] }

test('K5: a node runs so many programs at once and no more; whoever is refused may try again', async () => {
  const mcp = createMcp({ outgoing: outgoing(), commands: { mute }, limits: { connectMs: 500 } })
  const target = { transport: 'stdio', command: 'mute', args: [], environment: {} } as const
  const begin = () => mcp.connect(target).then(String, (error: Error) => error.message)
  const answers = await Promise.all(Array.from({ length: 35 }, begin))
  expect(answers.filter(answer => answer === 'Too many programs run right now.')).toHaveLength(3)
  expect(answers.filter(answer => answer.startsWith('The server did not answer'))).toHaveLength(32)
  expect(await begin()).toMatch(/^The server did not answer/)
})

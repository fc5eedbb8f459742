import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { asking, eventsOf, openaiAt, textOf } from '../support/models.ts'
import { startScriptedModel } from '../support/services/scriptedModel.ts'

test('scripts are used up in their order, then the rule, then a plain answer; requests are kept', async () => {
  await using server = await startScriptedModel()
  server.always('chat', ({ body }) => ({ text: `rule for ${body.model}` }))
  server.next('chat', { text: 'first' }, { text: 'second' })
  const texts: string[] = []
  for (let round = 0; round < 3; round += 1) texts.push(textOf(await eventsOf(openaiAt(server))))
  server.reset()
  texts.push(textOf(await eventsOf(openaiAt(server))))
  expect(texts).toEqual(['first', 'second', 'rule for scripted', 'This is a scripted answer.'])
  expect(server.requests).toMatchObject([{ endpoint: 'chat', aborted: false }])
})

test('a rate is kept, however many streams there are', async () => {
  await using server = await startScriptedModel()
  server.always('chat', { text: 'word '.repeat(30), rate: 60, firstAfterMs: 100 })
  const took = await Promise.all(
    Array.from({ length: 50 }, async () => {
      const began = performance.now()
      await eventsOf(openaiAt(server), asking())
      return performance.now() - began
    }),
  )
  // 30 words at 60 a second, after 100 ms; never faster, and later only for want of a processor.
  for (const time of took) expect(time).toBeGreaterThan(550)
  expect(server.openStreams).toBe(0)
})

test('it runs as a process of its own', async () => {
  const program = fileURLToPath(new URL('../support/services/scriptedModelProgram.ts', import.meta.url))
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', program, '--words', '7'])
  try {
    const [line] = await once(createInterface(child.stdout), 'line')
    const { url } = JSON.parse(line) as { url: string }
    const models = await (await fetch(`${url}/models`)).json()
    expect(models).toMatchObject({ data: [{ id: 'scripted' }] })
    const answer = await fetch(`${url}/chat/completions`, {
      method: 'POST',
      body: JSON.stringify({ model: 'm', messages: [], stream: true }),
    })
    expect((await answer.text()).match(/"content":" ?\w/g)).toHaveLength(7)
  } finally {
    child.kill('SIGTERM')
    if (child.exitCode === null) await once(child, 'exit')
  }
})

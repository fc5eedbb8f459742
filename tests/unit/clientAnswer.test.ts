import { randomUUID } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { defaultSettings } from '../../src/client/ports.ts'
import { act, agentId, begin, entryOf, runOf, Scene, type Told } from '../support/answerScene.ts'
import { failure } from '../support/clientPeer.ts'

describe('L6 L7 the answer on its way', () => {
  test('whatever is lost, repeated or out of order: the beginning of what a run wrote, none of an older epoch, none that is in the log', async () => {
    const seed = Date.now()
    console.log(`answers: seed ${seed}`)
    const steps = fc.array(act, { minLength: 5, maxLength: 80, size: 'max' })
    await fc.assert(
      fc.asyncProperty(steps, async acts => {
        const scene = new Scene()
        for (const step of acts) {
          await scene.act(step)
          scene.check()
        }
        await scene.settle()
        const { answer, asked } = scene.client
        if (!scene.live) expect(answer.shown).toBeUndefined()
        // Never heard of, it is not known; with its next word it is.
        scene.write('b')
        await scene.settle()
        expect(answer.shown?.text).toBe(scene.live?.text)
        expect(answer.shown?.runId).toBe(scene.live?.runId)
        for (const [at, time] of asked.entries())
          expect(time - (asked[at - 1] ?? -500)).toBeGreaterThanOrEqual(500)
      }),
      { seed, numRuns: 200 },
    )
  })

  test('pieces are joined, repeats change nothing, and what overlaps is joined once', () => {
    const { answer } = begin()
    const run = runOf()
    const { runId, epoch } = run
    answer.ran({ ...run, state: 'searching' })
    expect(answer.shown).toEqual({ runId, agentId, state: 'searching', text: '' })
    answer.ran(run)
    answer.wrote({ runId, epoch, offset: 0, text: 'Yes, ' })
    answer.wrote({ runId, epoch, offset: 5, text: 'we do' })
    answer.wrote({ runId, epoch, offset: 5, text: 'we' })
    answer.wrote({ runId, epoch, offset: 8, text: 'do. 🙂' })
    const { shown } = answer
    expect(shown).toEqual({ runId, agentId, state: 'writing', text: 'Yes, we do. 🙂' })
    answer.wrote({ runId, epoch, offset: 8, text: 'do. 🙂' })
    expect(answer.shown).toBe(shown)
    answer.wrote({ runId, epoch, offset: 0, text: 'No.' })
    expect(answer.shown?.text).toBe('No.')
  })

  test('a gap and a run that is not known are asked about, one question at a time and two a second', async () => {
    let settle: (told: Told) => void = () => undefined
    const { answer, asked, clock } = begin(
      () =>
        new Promise(resolve => {
          settle = resolve
        }),
    )
    const run = runOf()
    const { runId, epoch } = run
    for (let offset = 5; offset < 50; offset++) {
      answer.wrote({ runId, epoch, offset, text: 'x' })
      await clock.pass(40)
    }
    expect(asked).toEqual([0])
    expect(answer.shown).toBeUndefined()
    settle({ ok: true, value: { run } })
    await clock.pass(0)
    expect(answer.shown?.text).toBe('')
    // The text that follows may as well come first.
    answer.wrote({ runId, epoch, offset: 0, text: 'abc' })
    expect(answer.shown?.text).toBe('abc')
    answer.wrote({ runId, epoch, offset: 4, text: 'e' })
    await clock.pass(1_000)
    settle({ ok: true, value: { run } })
    expect(asked).toHaveLength(2)
  })

  test('a question that is refused for a moment is asked again, one that is refused for good is not', async () => {
    const answers: Told[] = [
      { ok: false, error: failure('rate_limited', true, 2) },
      { ok: false, error: failure('not_found', false) },
    ]
    const { answer, asked, clock } = begin(() => answers.shift() as Told)
    answer.opened(true)
    await clock.pass(20_000)
    expect(asked).toEqual([0, 2_750])
  })

  test('a question is asked as soon when the clock of the day was put back', async () => {
    const { answer, asked, clock } = begin()
    answer.opened(true)
    await clock.pass(1_000)
    clock.put(-3_600_000)
    answer.opened(true)
    await clock.pass(1_000)
    expect(asked).toEqual([0, 1_000])
  })

  test('two runs at once make it ask; that there is none does not end one that began after the question', async () => {
    const { answer, asked, clock } = begin()
    answer.ran(runOf())
    const second = runOf()
    answer.ran(second)
    await clock.pass(0)
    expect(asked).toEqual([0])
    expect(answer.shown?.state).toBe('done')
    answer.ask()
    await clock.pass(499)
    const late = runOf()
    const pass = clock.pass(1)
    answer.ran(late)
    await pass
    expect(asked).toEqual([0, 500])
    expect(answer.shown).toMatchObject({ runId: late.runId, state: 'writing' })
  })

  test('without AI nothing is asked, and nothing without a connection until there is one again', async () => {
    const { answer, asked, clock, connection } = begin()
    answer.opened(false)
    await clock.pass(10_000)
    expect(asked).toEqual([])
    answer.ran(runOf())
    connection.ready = false
    answer.disconnected()
    answer.ask()
    await clock.pass(60_000)
    expect(asked).toEqual([])
    connection.ready = true
    answer.opened(true)
    await clock.pass(0)
    expect(asked).toEqual([70_000])
  })

  test('what is done stays until its entry comes, for a moment at most; every other end is one at once', async () => {
    const { answer, clock } = begin()
    const done = runOf()
    answer.ran(done)
    answer.wrote({ ...done, offset: 0, text: 'so it is' })
    answer.ran({ ...done, state: 'done' })
    expect(answer.shown).toMatchObject({ text: 'so it is', state: 'done' })
    await clock.pass(defaultSettings.echoGraceMs - 1)
    expect(answer.shown).toBeDefined()
    await clock.pass(1)
    expect(answer.shown).toBeUndefined()
    for (const state of ['stopped', 'superseded', 'failed'] as const) {
      const run = runOf()
      answer.ran(run)
      expect(answer.shown?.runId).toBe(run.runId)
      answer.ran({ ...run, state })
      answer.ran(run)
      answer.wrote({ ...run, offset: 0, text: 'late' })
      expect(answer.shown).toBeUndefined()
    }
  })

  test('its entry ends it, also before anything else was heard of it; what a person says does not', () => {
    const { answer } = begin()
    const run = runOf()
    answer.ran(run)
    answer.applied([{ ...entryOf(run.runId), sender: { kind: 'contact', id: randomUUID() } }])
    expect(answer.shown?.runId).toBe(run.runId)
    answer.applied([entryOf(run.runId)])
    expect(answer.shown).toBeUndefined()
    const early = runOf()
    answer.applied([entryOf(early.runId)])
    answer.ran(early)
    expect(answer.shown).toBeUndefined()
  })

  test('L7 a newer epoch ends it at once, whoever tells of it, and nothing of an older one is shown after', () => {
    const { answer } = begin()
    const old = runOf({ epoch: 3 })
    answer.ran(old)
    answer.raise(2)
    expect(answer.shown?.runId).toBe(old.runId)
    answer.raise(4)
    expect(answer.shown).toBeUndefined()
    answer.ran({ ...old, runId: randomUUID() })
    answer.wrote({ ...old, offset: 0, text: 'late' })
    expect(answer.shown).toBeUndefined()
    const current = runOf({ epoch: 4 })
    answer.ran(current)
    answer.wrote({ runId: randomUUID(), epoch: 5, offset: 0, text: 'of a run that is not known' })
    expect(answer.shown).toBeUndefined()
  })

  test('an end that was lost is asked about after a silence', async () => {
    const { answer, asked, clock } = begin()
    const run = runOf()
    answer.ran(run)
    await clock.pass(4_000)
    answer.wrote({ ...run, offset: 0, text: 'slow' })
    await clock.pass(4_999)
    expect(asked).toEqual([])
    await clock.pass(1)
    expect(asked).toEqual([9_000])
    await clock.pass(defaultSettings.echoGraceMs)
    expect(answer.shown).toBeUndefined()
  })
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { CommandQueue } from '../../src/client/commandQueue.ts'
import { defaultSettings } from '../../src/client/ports.ts'
import { Runtime } from '../../src/client/runtime.ts'
import { ClientPeer, failure } from '../support/clientPeer.ts'
import { closeClients, live, status, visitorOf } from '../support/clientSide.ts'
import { eventually } from '../support/eventually.ts'
import { ManualClock } from '../support/manualClock.ts'

type Heard = { readonly command: string; readonly answer: (answer: unknown) => void }

/** A queue on a clock of its own, with all it gave to the socket. */
function begin() {
  const clock = new ManualClock()
  const heard: Heard[] = []
  const queue = new CommandQueue({
    runtime: new Runtime(clock, () => 0, defaultSettings),
    ready: () => true,
    emit: (command, _, acknowledge) => heard.push({ command, answer: acknowledge as Heard['answer'] }),
  })
  const ask = (command: 'conversation.open' | 'message.send' | 'run.read') =>
    queue.ask(command, {} as never, 1_000)
  const names = () => heard.map(({ command }) => command)
  return { clock, heard, queue, ask, names }
}

const fine = { ok: true, value: {} }
const refused = (retryAfter: number) => ({ ok: false, error: failure('rate_limited', true, retryAfter) })

describe('commands of one connection', () => {
  test('a few are without an answer at once, and what a person says goes before what waits', () => {
    const { heard, ask, names } = begin()
    for (let at = 0; at < 20; at++) void ask('run.read')
    for (let at = 0; at < 20; at++) void ask('conversation.open')
    void ask('message.send')
    expect(names()).toEqual(Array(8).fill('run.read'))
    heard[0]?.answer(fine)
    heard[1]?.answer(fine)
    heard[1]?.answer(fine)
    expect(names().slice(8)).toEqual(['message.send', 'conversation.open'])
  })

  test('a refusal stops all of them for as long as it names, then they go on with fewer at once', async () => {
    const { clock, heard, ask } = begin()
    for (let at = 0; at < 60; at++) void ask('conversation.open')
    for (const { answer } of heard.slice(0, 8)) answer(refused(0.5))
    void ask('message.send')
    await clock.pass(499)
    expect(heard).toHaveLength(8)
    await clock.pass(1)
    expect(heard.slice(8).map(({ command }) => command)).toEqual([
      'message.send',
      ...Array(3).fill('conversation.open'),
    ])
    for (let at = 8; at < 40; at++) heard[at]?.answer(fine)
    // Each that is taken lets it grow.
    expect(heard.length - 40).toBe(8)
  })

  test('one limit that lasts a minute does not keep the others for so long', async () => {
    const { clock, heard, ask } = begin()
    void ask('conversation.open')
    heard[0]?.answer(refused(60))
    void ask('message.send')
    await clock.pass(5_000)
    expect(heard).toHaveLength(2)
  })

  test('the time for an answer begins when it is sent, and the end of the connection answers all', async () => {
    const { clock, queue, ask } = begin()
    const answers: unknown[] = []
    for (let at = 0; at < 10; at++)
      void ask('conversation.open').then(answer => answers.push(!answer.ok && answer.error.message))
    await clock.pass(1_000)
    expect(answers).toEqual(Array(8).fill('No answer came in time.'))
    queue.end(failure('unavailable', true))
    await clock.pass(0)
    expect(answers.slice(8)).toEqual(['unavailable', 'unavailable'])
  })
})

describe('many conversations', () => {
  let peer: ClientPeer

  beforeEach(async () => {
    peer = await new ClientPeer().start()
  })

  afterEach(async () => {
    closeClients()
    await peer.stop()
  })

  test('L5 come to life under the limits of the gateway, without being taken for a flood, and what was written goes first', async () => {
    // As section 14 of the protocol has it, with a smaller burst.
    const limit = { perSecond: 30, burst: 40, refusals: 60 }
    let [tokens, last, refusals] = [limit.burst, performance.now(), 0]
    peer.faults.refuse = () => {
      const now = performance.now()
      tokens = Math.min(limit.burst, tokens + ((now - last) / 1_000) * limit.perSecond)
      last = now
      if (tokens >= 1) {
        tokens--
        return undefined
      }
      if (++refusals > limit.refusals) peer.dismiss({ code: 'rate_limited', retryable: true, retryAfter: 10 })
      return failure('rate_limited', true, Math.ceil(((1 - tokens) / limit.perSecond) * 10) / 10)
    }
    const client = visitorOf(peer, {
      options: { ackTimeoutMs: 8_000, backoffBaseMs: 250, backoffCapMs: 4_000 },
    })
    const logs = Array.from({ length: 120 }, () => peer.newLog())
    const conversations = logs.map(({ id }) => client.conversation(id))
    conversations.at(-1)?.send('waiting')
    await client.connect()
    await status(client, 'online')
    for (const conversation of conversations)
      await eventually('it is live', () => conversation.getSnapshot().live, 30_000)
    expect(peer.heard.findIndex(({ command }) => command === 'message.send')).toBeLessThan(20)
    expect(client.counters.reconnects).toBe(0)
    expect(refusals).toBeGreaterThan(0)
    await live(client.conversation(logs[0]?.id ?? ''))
  })
})

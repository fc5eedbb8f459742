import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { expect } from 'vitest'
import { eventually } from './eventually.ts'
import { callerWith } from './people.ts'
import { demoOwner, everything, type Program, startProgram, unlimited, workplace } from './processes.ts'
import { type RawSocket, rawSocket } from './rawSocket.ts'
import { connectMember, connectVisitor, type TestSocket, visit } from './sockets.ts'

/** A program in a process of its own, so that its memory and its end can be seen, with somebody who uses it properly meanwhile. */
export interface Victim extends AsyncDisposable {
  readonly url: string
  readonly program: Program
  readonly widgetKey: string
  /** Someone at work: their acknowledgements have to come while others misbehave. */
  readonly member: TestSocket
  readonly conversationId: string
  /** A raw connection that has come in as a visitor, and the conversation it has begun. */
  rawVisitor(): Promise<RawSocket & { readonly conversationId: string }>
  residentMegabytes(): Promise<number>
  /** Does the work while the member keeps asking; fails when an answer takes too long, or anything of the program broke. */
  unharmedBy<Result>(work: () => Promise<Result>): Promise<Result>
}

/** How long an answer may take while others do their worst: so long, and so many times what it takes while nobody does. */
const patience = { ms: 3_000, times: 20 }

export async function newVictim(environment: Record<string, string> = {}): Promise<Victim> {
  const at = await workplace({ prepared: true })
  const program = startProgram(at, { environment: { ...unlimited, ...environment } })
  const { authorization, url } = await demoOwner(program)
  const owner = callerWith({ url }, { authorization })
  const [widget] = await everything<{ publicKey: string }>(owner, '/api/v1/widgets')
  const widgetKey = widget?.publicKey ?? ''
  // What stands in a log here is what visitors have said.
  for (const { id } of await everything<{ id: string }>(owner, '/api/v1/agents'))
    await owner.call('patch', `/api/v1/agents/${id}`, { status: 'paused' })
  const member = await connectMember(url, { token: authorization.replace('Bearer ', '') })
  const visitor = await connectVisitor(url, await visit(url, widgetKey))
  const conversationId = (await visitor.ask('conversation.open', { clientId: 'first' })).conversation.id
  visitor.close()
  await member.ask('conversation.open', { conversationId })

  async function longestWait(over: () => boolean): Promise<number> {
    let longest = 0
    while (!over()) {
      const asked = performance.now()
      await member.ask('history.read', { conversationId, after: 0 })
      longest = Math.max(longest, performance.now() - asked)
      await new Promise(resolve => setTimeout(resolve, 50))
    }
    return longest
  }

  return {
    ...{ url, program, widgetKey, member, conversationId },
    async rawVisitor() {
      const { token } = await visit(url, widgetKey)
      const raw = await rawSocket(url, `&widget=${widgetKey}`)
      raw.say(`40/visitor,${JSON.stringify({ version: 1, token })}`)
      await raw.hears(text => text.includes('"welcome"'))
      raw.say('42/visitor,1["conversation.open",{"clientId":"first"}]')
      const answer = await raw.hears(text => text.startsWith('43/visitor,1['))
      const own = /"conversation":\{"id":"([^"]+)"/.exec(answer)?.[1] ?? ''
      return { ...raw, conversationId: own }
    },
    residentMegabytes: async () => {
      const { stdout } = await promisify(execFile)('ps', ['-o', 'rss=', '-p', String(program.pid)])
      return Number(stdout) / 1_024
    },
    async unharmedBy(work) {
      let asks = 0
      const calm = await longestWait(() => ++asks > 5)
      let done = false
      const [result, longest] = await Promise.all([
        work().finally(() => {
          done = true
        }),
        longestWait(() => done),
      ])
      const most = patience.ms + patience.times * calm
      expect(longest, 'the longest that somebody else waited, in ms').toBeLessThan(most)
      expectUnbroken(program)
      return result
    },
    async [Symbol.asyncDispose]() {
      member.close()
      await program[Symbol.asyncDispose]()
      await at[Symbol.asyncDispose]()
    },
  }
}

/** It runs, and has met nothing that it did not foresee. */
export function expectUnbroken(program: Program): void {
  expect(program.exit(), program.stderr()).toBeUndefined()
  expect(program.stderr()).toBe('')
  const bad = program
    .stdout()
    .split('\n')
    .filter(line => /"level":"(error|fatal)"|UnhandledPromise/.test(line))
  expect(bad).toEqual([])
}

/** Memory is given back when the collector gets to it, so this waits a little. */
export const settlesBelow = (victim: Victim, megabytes: number): Promise<void> =>
  eventually(
    `it needs less than ${Math.round(megabytes)} MB`,
    async () => (await victim.residentMegabytes()) < megabytes,
  )

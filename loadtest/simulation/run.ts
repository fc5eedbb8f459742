import { setTimeout as sleep } from 'node:timers/promises'
import { check } from './checker.ts'
import { type Crowd, follows, gather, type Participant } from './crowd.ts'
import type { History } from './history.ts'
import { seededRandom } from './random.ts'
import { Recorder } from './recorder.ts'
import { drawSchedule, type FaultKind, type Plan, type Step } from './schedule.ts'
import type { Violation } from './violations.ts'
import { type Ground, openWorld, type World } from './world.ts'

export interface SimulationPlan {
  readonly seed: number
  readonly durationMs: number
  readonly ground: Ground
  readonly nodes?: number
  readonly visitors?: number
  readonly members?: number
  readonly messagesPerSecond?: number
  readonly faultEveryMs: Plan['faultEveryMs']
  /** How long everybody may take to have everything, once all faults are over. */
  readonly settleMs?: number
  readonly root?: string | undefined
  readonly progress?: (line: string) => void
}

export interface Outcome {
  readonly history: History
  readonly violations: readonly Violation[]
  /** Who had not everything when patience ended, if anyone: of such a run it is not known what it would have come to. */
  readonly unsettled: string | undefined
  readonly faults: Readonly<Partial<Record<FaultKind, number>>>
  readonly settledAfterMs: number
}

/** A run that has not settled has shown nothing; on a machine that was busy another one may. */
export function assertSettled({ unsettled, settledAfterMs }: Outcome): void {
  if (unsettled !== undefined) throw new Error(`not within ${settledAfterMs} ms: ${unsettled}`)
}

/** Lets a crowd talk over gateways that are being broken, then waits until all is quiet, and judges what they are left with. */
export async function simulate(plan: SimulationPlan): Promise<Outcome> {
  const { nodes = 2, visitors = 4, members = 2, messagesPerSecond = 40 } = plan
  const world = await openWorld({ ...plan, nodes, visitors, members })
  const recorder = new Recorder()
  let crowd: Crowd | undefined
  try {
    crowd = await gather(world, recorder)
    const clients = crowd.participants.length
    const { durationMs, faultEveryMs } = plan
    const schedule = drawSchedule(
      { durationMs, clients, conversations: visitors, nodes, messagesPerSecond, faultEveryMs },
      seededRandom(plan.seed),
    )
    const faults = await carryOut(schedule, { world, crowd, recorder, progress: plan.progress })
    const began = performance.now()
    const unsettled = await settle(world, crowd, plan.settleMs ?? 60_000)
    const settledAfterMs = Math.round(performance.now() - began)
    const logs = unsettled === undefined ? await crowd.logs() : []
    const earlierLogs = crowd.earlierLogs()
    // The rows last: whatever was acknowledged or seen by now has to be among them.
    const seen = { unsettled, followed: crowd.followed, logs, earlierLogs, ...recorder.taken() }
    const history = { ...seen, ...(await world.rows()) }
    return { history, violations: check(history), unsettled, faults, settledAfterMs }
  } finally {
    await crowd?.close()
    await world.stop()
  }
}

interface Stage {
  readonly world: World
  readonly crowd: Crowd
  readonly recorder: Recorder
  readonly progress?: ((line: string) => void) | undefined
}

/** Every step at its time. What a fault began it ends itself, and all have ended when this resolves. */
async function carryOut(schedule: readonly Step[], stage: Stage): Promise<Outcome['faults']> {
  const began = performance.now()
  const faults: Partial<Record<FaultKind, number>> = {}
  const running = new Map<string, Promise<void>>()
  for (const step of schedule) {
    const wait = began + step.at - performance.now()
    if (wait > 0) await sleep(wait)
    const fault = faultOf(step, stage)
    if (!fault) {
      talk(step, stage)
      continue
    }
    // What is broken already is not broken again before it is mended.
    const what = subjectOf(step)
    if (running.has(what)) continue
    const kind = step.kind as FaultKind
    faults[kind] = (faults[kind] ?? 0) + 1
    stage.progress?.(`${(step.at / 1_000).toFixed(1)} s: ${JSON.stringify(step)}`)
    running.set(
      what,
      fault().finally(() => running.delete(what)),
    )
  }
  await Promise.all(running.values())
  return faults
}

function subjectOf(step: Step): string {
  if (step.kind === 'kill') return `node ${step.node}`
  if (step.kind === 'redis down' || step.kind === 'redis hangs') return 'redis'
  return 'client' in step ? `client ${step.client}` : step.kind
}

function talk(step: Step, { crowd, recorder }: Stage): void {
  const participant = 'client' in step ? crowd.participants[step.client] : undefined
  if (!participant) return
  const { name, person } = participant
  const written = recorder.written.get(name) ?? []
  const earlier = (part: number) => written[Math.floor(part * written.length)]
  switch (step.kind) {
    case 'say': {
      const conversation = conversationFor(participant, step.conversation, crowd)
      const note = step.note && person.audience === 'member'
      const text = `${note ? 'secret' : 'word'} ${recorder.sent.length} of ${name}`
      const parts = [{ type: 'text' as const, text }]
      const clientId = conversation.send(note ? { parts, note } : { parts })
      recorder.said(name, person, conversation.getSnapshot().id ?? '', clientId)
      return
    }
    case 'edit':
    case 'remove': {
      const target = earlier(step.which)
      const ack = recorder.acked.find(({ clientId }) => clientId === target?.clientId)
      if (!target || !ack || target.command !== 'message.send') return
      const conversation = conversationFor(
        participant,
        crowd.conversationIds.indexOf(target.conversationId),
        crowd,
      )
      const parts = [{ type: 'text' as const, text: `changed ${recorder.sent.length} of ${name}` }]
      const clientId = step.kind === 'edit' ? conversation.edit(ack.id, parts) : conversation.remove(ack.id)
      recorder.said(name, person, target.conversationId, clientId, 'change')
      return
    }
    case 'repeat': {
      const target = earlier(step.which)
      const other = crowd.participants.find(
        one => one !== participant && one.person.senderId === person.senderId,
      )
      if (target) (other ?? participant).repeat(target)
      return
    }
    case 'mark':
      conversationFor(participant, step.conversation, crowd).markRead()
      return
    case 'type':
      conversationFor(participant, step.conversation, crowd).setTyping(true)
      return
    default:
      throw new Error(`${step.kind} is no talk`)
  }
}

/** Visitors have but one conversation, whichever was drawn. */
function conversationFor(participant: Participant, which: number, { conversationIds }: Crowd) {
  const place = conversationIds.findIndex((_, at) => follows(participant, at))
  return participant.conversation(follows(participant, which) ? which : place)
}

/** What a step breaks and mends again; undefined when it breaks nothing. */
function faultOf(step: Step, { world, crowd }: Stage): (() => Promise<void>) | undefined {
  const { ground, nodes } = world
  switch (step.kind) {
    case 'cut':
    case 'freeze': {
      const wire = crowd.participants[step.client]?.wire
      return async () => {
        if (step.kind === 'cut') await wire?.cut()
        else wire?.freeze()
        await sleep(step.forMs)
        await wire?.restore()
      }
    }
    case 'reload':
      return async () => crowd.participants[step.client]?.reload()
    case 'kill':
      return async () => {
        const node = nodes[step.node]
        await node?.kill()
        await sleep(step.forMs)
        // A database that crashes in the same moment ends a node that is only just starting; then it is started again.
        for (let left = 3; node && !node.running; left--)
          await node.start().catch(error => {
            if (left === 0) throw error
          })
      }
    case 'redis down':
      return async () => {
        await ground.redis?.down()
        await sleep(step.forMs)
        await ground.redis?.up()
      }
    case 'redis hangs':
      return async () => {
        ground.redis?.signal('SIGSTOP')
        await sleep(step.forMs)
        ground.redis?.signal('SIGCONT')
      }
    case 'database crash':
      return async () => ground.crashDatabase?.()
    default:
      return undefined
  }
}

/** Until everybody has everything, twice in a row with nothing new in between; who has not is said in the end. */
async function settle(world: World, crowd: Crowd, withinMs: number): Promise<string | undefined> {
  for (const { wire } of crowd.participants) await wire.restore()
  const deadline = performance.now() + withinMs
  for (let before: string | undefined; ; ) {
    const heads = await world.heads()
    const behind = crowd.level(heads)
    const now = JSON.stringify([...heads.values()])
    if (behind === undefined && now === before) return undefined
    if (performance.now() > deadline) return behind ?? 'the logs still grow'
    before = behind === undefined ? now : undefined
    await sleep(200)
  }
}

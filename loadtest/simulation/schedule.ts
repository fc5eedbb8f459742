import type { Random } from './random.ts'

/** One thing that happens, so many milliseconds after the beginning. */
export type Step = { readonly at: number } & (
  | { readonly kind: 'say'; readonly client: number; readonly conversation: number; readonly note: boolean }
  /** Changes something that this client sent before. `which`: how far back, as a part of all of them. */
  | { readonly kind: 'edit' | 'remove'; readonly client: number; readonly which: number }
  /** The same again on another connection of the same person. */
  | { readonly kind: 'repeat'; readonly client: number; readonly which: number }
  | { readonly kind: 'mark' | 'type' | 'reload'; readonly client: number; readonly conversation: number }
  | { readonly kind: 'cut' | 'freeze'; readonly client: number; readonly forMs: number }
  | { readonly kind: 'kill'; readonly node: number; readonly forMs: number }
  | { readonly kind: 'redis down' | 'redis hangs'; readonly forMs: number }
  | { readonly kind: 'database crash' }
)

export type FaultKind = 'cut' | 'freeze' | 'reload' | 'kill' | 'redis down' | 'redis hangs' | 'database crash'

export interface Plan {
  readonly durationMs: number
  readonly clients: number
  readonly conversations: number
  readonly nodes: number
  readonly messagesPerSecond: number
  /** How long after one fault of a kind the next one follows, on average. */
  readonly faultEveryMs: Partial<Readonly<Record<FaultKind, number>>>
}

/** All that will happen, drawn beforehand: the same random numbers give the same run, as far as the machine lets it. */
export function drawSchedule(plan: Plan, random: Random): Step[] {
  const steps: Step[] = []
  for (let at = 0; at < plan.durationMs; at += gap(1_000 / plan.messagesPerSecond, random))
    steps.push({ at, ...drawTalk(plan, random) })
  for (const [kind, every] of Object.entries(plan.faultEveryMs) as [FaultKind, number][]) {
    // Not before there is something to lose.
    for (let at = 500 + gap(every, random) / 2; at < plan.durationMs; at += gap(every, random))
      steps.push({ at, ...drawFault(kind, plan, random) })
  }
  return steps.sort((one, other) => one.at - other.at)
}

/** Between half and one and a half of the average, so that a short run has its share too. */
const gap = (average: number, random: Random): number => average * (0.5 + random.next())

type Without<Kinds> = Kinds extends Step ? Omit<Kinds, 'at'> : never
type Drawn = Without<Step>

function drawTalk({ clients, conversations }: Plan, random: Random): Drawn {
  const client = random.below(clients)
  const conversation = random.below(conversations)
  const which = random.next()
  const dice = random.next()
  if (dice < 0.72) return { kind: 'say', client, conversation, note: random.chance(0.3) }
  if (dice < 0.8) return { kind: 'edit', client, which }
  if (dice < 0.85) return { kind: 'remove', client, which }
  if (dice < 0.93) return { kind: 'repeat', client, which }
  return { kind: dice < 0.97 ? 'mark' : 'type', client, conversation }
}

function drawFault(kind: FaultKind, { clients, conversations, nodes }: Plan, random: Random): Drawn {
  const client = random.below(clients)
  switch (kind) {
    case 'cut':
      return { kind, client, forMs: random.between(50, 1_500) }
    case 'freeze':
      return { kind, client, forMs: random.between(200, 2_500) }
    case 'reload':
      return { kind, client, conversation: random.below(conversations) }
    case 'kill':
      return { kind, node: random.below(nodes), forMs: random.between(100, 1_500) }
    case 'redis down':
    case 'redis hangs':
      return { kind, forMs: random.between(500, 3_000) }
    case 'database crash':
      return { kind }
  }
}

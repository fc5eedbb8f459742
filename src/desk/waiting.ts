import { readConversation, requireEntry } from '../chat/index.ts'
import type { Database } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import type { CommandOutput } from '../protocol/index.ts'
import { type Queue, readQueue } from './queueStore.ts'

export interface WaitingParts {
  readonly db: Database
  /** Whether anybody of the team is there. */
  readonly staffed: (tenantId: string) => Promise<boolean>
}

type Look = Queue & { readonly staffed: boolean }

/** For so long everybody who waits is told of one look at the queue: each reads all of it. */
const rememberedMs = 3_000

/** How visitors stand who wait for people. */
export function createWaiting({ db, staffed }: WaitingParts) {
  /** Of each workspace the last look, while it is not too long ago. */
  const looks = new Map<string, Promise<Look>>()

  async function read(scope: Scope): Promise<Look> {
    const queue = await db.scoped(scope, tx => readQueue(tx, scope))
    return { ...queue, staffed: await staffed(scope.tenantId) }
  }

  function look(scope: Scope): Promise<Look> {
    const { tenantId } = scope
    const looking = read(scope)
    looks.set(tenantId, looking)
    const forget = () => {
      if (looks.get(tenantId) === looking) looks.delete(tenantId)
    }
    looking.then(() => setTimeout(forget, rememberedMs).unref(), forget)
    return looking
  }

  /** Whoever waits and is not in it has come since. */
  async function lookFor(scope: Scope, conversationId: string, waits: boolean): Promise<Look> {
    for (let last = looks.get(scope.tenantId); last; ) {
      const seen = await last
      if (!waits || seen.places.has(conversationId)) return seen
      const next = looks.get(scope.tenantId)
      last = next === last ? undefined : next
    }
    return look(scope)
  }

  return async (scope: Scope, conversationId: string): Promise<CommandOutput<'queue.read'>> => {
    const { owner, status } = await db.scoped(scope, async tx => {
      const conversation = await readConversation(tx, scope, conversationId)
      requireEntry(scope, conversation)
      return conversation
    })
    const waits = owner === 'queue' && status !== 'archived'
    const { places, ...queue } = await lookFor(scope, conversationId, waits)
    return { position: (waits ? places.get(conversationId) : undefined) ?? null, ...queue }
  }
}

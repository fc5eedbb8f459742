import { placeFor, type StoredEntry } from '../chat/index.ts'
import { type Command, command } from '../gateway/index.ts'
import type { Scope } from '../kernel/index.ts'
import { callPeople, type DeskParts } from './callPeople.ts'
import type { Fenced } from './fence.ts'
import { mailTranscript } from './mailTranscript.ts'
import { rate, readRating } from './rate.ts'
import { claim, handBack, reply, resolve } from './takeOver.ts'
import { createWaiting } from './waiting.ts'

const write = 'conversations:write'

export const deskCommands = (parts: DeskParts): Command[] => [
  ...takingOverCommands(parts),
  ...visitorCommands(parts),
]

function takingOverCommands(parts: DeskParts): Command[] {
  /** Carried out, it has raised the epoch by one; that of a repeat was raised when it was new. */
  const moved = async (scope: Scope, fenced: Fenced, done: Promise<StoredEntry>) => ({
    ...placeFor(scope, await done),
    epoch: fenced.epoch + 1,
  })
  return [
    command('conversation.escalate', write, async ({ scope, input }) =>
      placeFor(scope, await callPeople(parts, scope, input)),
    ),
    command('conversation.claim', write, ({ scope, input }) =>
      moved(scope, input, claim(parts, scope, input)),
    ),
    command('conversation.reply', write, async ({ scope, input }) =>
      placeFor(scope, await reply(parts, scope, input)),
    ),
    command('conversation.handBack', write, ({ scope, input }) =>
      moved(scope, input, handBack(parts, scope, input)),
    ),
    command('conversation.resolve', write, ({ scope, input }) =>
      moved(scope, input, resolve(parts, scope, input)),
    ),
  ]
}

/** What visitors want of the desk, beside people. */
function visitorCommands(parts: DeskParts): Command[] {
  const { db, vault } = parts
  const waiting = createWaiting(parts)
  return [
    command('queue.read', undefined, ({ scope, input }) => waiting(scope, input.conversationId)),
    command('rating.set', undefined, async ({ scope, input }) => {
      await rate(parts, scope, input)
      return {}
    }),
    command('rating.read', undefined, ({ scope, input }) =>
      db.scoped(scope, tx => readRating(scope, tx, input.conversationId)),
    ),
    command('transcript.mail', undefined, async ({ scope, input }) => {
      await db.scoped(scope, tx => mailTranscript(scope, tx, vault, input))
      return {}
    }),
  ]
}

import { askAgain, readConversation, requireEntry } from '../../chat/index.ts'
import type { Database, Transaction } from '../../db/index.ts'
import { type Command, command } from '../../gateway/index.ts'
import { ParleyError, type Scope } from '../../kernel/index.ts'
import type { Attendance } from './attend.ts'
import { askRun, readLiveRun } from './runStore.ts'

interface RunCommandParts {
  readonly db: Database
  readonly attendance: Attendance
}

export function runCommands({ db, attendance }: RunCommandParts): Command[] {
  /** Whoever may enter a conversation may do this in it. */
  const inside = <Value>(
    scope: Scope,
    id: string,
    work: (tx: Transaction) => Promise<Value>,
  ): Promise<Value> =>
    db.scoped(scope, async tx => {
      requireEntry(scope, await readConversation(tx, scope, id))
      return work(tx)
    })
  return [
    command('run.read', 'conversations:read', async ({ scope, input: { conversationId } }) => {
      const hereIs = (run: { readonly runId: string }) => {
        const here = attendance.liveIn(conversationId)
        return here?.begun.runId === run.runId ? here : undefined
      }
      const run = await inside(scope, conversationId, async tx => {
        const found = await readLiveRun(tx, scope, conversationId)
        if (found && !hereIs(found)) await askRun(tx, scope, conversationId, { textWanted: true })
        return found
      })
      const here = run && hereIs(run)
      // Nobody has to wait for it, or to be asked for it, where it is here.
      here?.telling.whole()
      return { run: here?.telling.run ?? (run ? { ...run, state: 'writing' } : null) }
    }),
    command('run.stop', 'conversations:write', async ({ scope, input: { conversationId } }) => {
      const asked = await inside(scope, conversationId, tx =>
        askRun(tx, scope, conversationId, { stopRequested: true }),
      )
      const here = attendance.liveIn(conversationId)
      if (asked && here?.begun.runId === asked.runId) here.end('stopped')
      return {}
    }),
    command('run.regenerate', 'conversations:write', async ({ scope, input: { conversationId } }) => {
      const due = await inside(scope, conversationId, tx => askAgain(tx, scope, conversationId))
      if (!due) throw new ParleyError('conflict', 'There is no answer to give anew.')
      attendance.consider(scope.tenantId, conversationId)
      return {}
    }),
  ]
}

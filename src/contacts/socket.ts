import type { Database } from '../db/index.ts'
import { type Command, command } from '../gateway/index.ts'
import { visitorOf } from '../kernel/index.ts'
import { describeVisitor } from './describeVisitor.ts'
import { limitTelling } from './limitTelling.ts'

export function contactCommands({ db }: { readonly db: Database }): Command[] {
  const limit = limitTelling()
  return [
    command('visitor.describe', undefined, ({ scope, input }) => {
      const { contactId } = visitorOf(scope)
      limit(contactId)
      return db.scoped(scope, tx => describeVisitor(scope, tx, contactId, input))
    }),
  ]
}

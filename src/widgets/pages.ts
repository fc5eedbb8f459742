import { limitTelling, notePage, pageFrom } from '../contacts/index.ts'
import type { Database, Transaction } from '../db/index.ts'
import { type Command, command } from '../gateway/index.ts'
import { type EventWithin, type Scope, visitorOf } from '../kernel/index.ts'
import { readSettings } from './readSettings.ts'
import { WaitingPages } from './waitingPages.ts'

/** On which page visitors are, where their widget is set to know it. */
export interface VisitorPages {
  readonly commands: readonly Command[]
  /** Notes where somebody is who has just become a contact, in that transaction. */
  readonly contactMade: (scope: Scope, tx: Transaction, event: EventWithin) => Promise<void>
}

/**
 * Who says nothing leaves no row, wherever they look around. So until there is a contact its page waits here, and what is asked first is already
 * asked by somebody who is known to be on that page.
 */
export function createVisitorPages({ db }: { readonly db: Database }): VisitorPages {
  const waiting = new WaitingPages()
  const limit = limitTelling()
  return {
    commands: [
      command('visitor.page', undefined, async ({ scope, input }) => {
        const { contactId, widgetId } = visitorOf(scope)
        limit(contactId)
        const page = pageFrom(input, new Date())
        await db.scoped(scope, async tx => {
          const settings = await readSettings(scope, tx, widgetId)
          if (!settings || settings.behaviour.pageContext === 'never') return
          if (!(await notePage(scope, tx, contactId, page))) waiting.keep(scope.tenantId, contactId, page)
        })
        return {}
      }),
    ],
    contactMade: async (scope, tx, event) => {
      if (event.type !== 'changed' || event.action !== 'contact.created') return
      const page = waiting.take(scope.tenantId, event.resourceId)
      if (page) await notePage(scope, tx, event.resourceId, page)
    },
  }
}

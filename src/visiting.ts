import { agentFace, visibility } from './agents/index.ts'
import { describeFiles } from './chat/index.ts'
import type { Config } from './config.ts'
import { contactCommands, contactRoutes } from './contacts/index.ts'
import type { Database } from './db/index.ts'
import type { Vault } from './kernel/index.ts'
import * as widgets from './widgets/index.ts'

interface VisitingParts {
  readonly db: Database
  readonly vault: Vault
  readonly publicOrigin: string
}

/** Who visits, by which widget, and what is known of them. */
export function openVisiting(config: Config, { db, vault, publicOrigin }: VisitingParts) {
  const shown = { agentFace, files: describeFiles(config.files.limits) }
  const visitors = widgets.createVisitors({ db, vault, shown })
  const pages = widgets.createVisitorPages({ db })
  db.during(pages.contactMade)
  return {
    visitors,
    routes: [
      ...contactRoutes(),
      ...widgets.widgetRoutes(visibility),
      ...widgets.identityRoutes(vault),
      ...widgets.visitorRoutes(visitors, publicOrigin),
    ],
    commands: [...contactCommands({ db }), ...pages.commands],
  }
}

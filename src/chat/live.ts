import type { Database } from '../db/index.ts'
import type { Bus, Command, Gateway, PresenceBoard } from '../gateway/index.ts'
import type { Log, Metrics } from '../kernel/index.ts'
import { createFanOut } from './fanOut.ts'
import { createHeads } from './heads.ts'
import { startHeartbeat } from './heartbeat.ts'
import { createInbox } from './inbox.ts'
import { type ConversationLog, createConversationLog } from './log.ts'
import { createMarks } from './marks.ts'
import { createPresence } from './presence.ts'
import { createRetelling } from './retelling.ts'
import { chatCommands } from './socket.ts'
import { createStates } from './states.ts'

export interface LiveChatParts {
  readonly db: Database
  readonly gateway: Gateway
  readonly board: PresenceBoard
  readonly bus: Bus | undefined
  readonly log: Log
  readonly metrics: Metrics
}

export interface LiveChat {
  readonly commands: Command[]
  /** For rooms above, which speak in conversations too. */
  readonly log: ConversationLog
  /** Whether any member is there, on whichever node. */
  staffed(tenantId: string): Promise<boolean>
  stop(): void
}

/** Everything of the chat room that lives on a gateway node: the log's writer, fan-out, heartbeat, inbox, marks, presence and the commands. */
export function createLiveChat(parts: LiveChatParts): LiveChat {
  const { db, gateway, bus, metrics } = parts
  const log = createConversationLog(parts)
  const inbox = createInbox(parts)
  const presence = createPresence(parts)
  const states = createStates({ ...parts, presence })
  const fanOut = createFanOut({ ...parts, inbox, states })
  const retelling = createRetelling({ ...parts, states })
  const heartbeat = startHeartbeat({
    ...parts,
    calm: () => (bus?.up ?? true) && !retelling.behind,
    // Where the first one has been successful the others find a database that answers as well.
    looks: [retelling.look, createHeads({ ...parts, states }).look, inbox.look],
  })
  const missed = (lostMs: number) => {
    retelling.missed(lostMs)
    heartbeat.look()
  }
  // What was published while the bus was away never came here.
  bus?.onRestored(missed)
  db.onUnanswered(bus?.missed ?? missed)
  const marks = createMarks({ ...parts, moved: fanOut.marksMoved })
  return {
    commands: chatCommands({ db, log, marks, presence, metrics, gateway }),
    log,
    staffed: async tenantId => (await presence.members(tenantId)).length > 0,
    stop: () => {
      heartbeat.stop()
      inbox.stop()
      states.stop()
      presence.stop()
    },
  }
}

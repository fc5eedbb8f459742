import type { Database } from '../db/index.ts'
import type { Bus, Command, Gateway, PresenceBoard } from '../gateway/index.ts'
import type { Log, Metrics } from '../kernel/index.ts'
import { createFanOut } from './fanOut.ts'
import { watchHeads } from './heads.ts'
import { type ConversationLog, createConversationLog } from './log.ts'
import { createMarks } from './marks.ts'
import { createPresence } from './presence.ts'
import { chatCommands } from './socket.ts'

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
  stop(): void
}

/** Everything of the chat room that lives on a gateway node: the log's writer, fan-out, heads, marks, presence and the commands. */
export function createLiveChat(parts: LiveChatParts): LiveChat {
  const { db, gateway, board, bus, metrics } = parts
  const log = createConversationLog(parts)
  const fanOut = createFanOut(parts)
  const heads = watchHeads({ ...parts, busUp: () => bus?.up ?? true })
  // What was published while the bus was away never came here.
  bus?.onRestored(() => {
    heads.look()
    fanOut.inboxesStale()
  })
  const marks = createMarks(db, fanOut.marksMoved)
  const presence = createPresence({ ...parts, board })
  return {
    commands: chatCommands({ db, log, marks, presence, metrics, gateway }),
    log,
    stop: () => {
      heads.stop()
      fanOut.stop()
      presence.stop()
    },
  }
}

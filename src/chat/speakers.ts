import type { Session } from '../gateway/index.ts'
import { type Sender, senderOf } from './access.ts'

/** As whom sessions speak in what they have open, for what happens too often to ask the database each time. */
export interface Speakers {
  /** `self`: where it is not as whom the session was welcomed. */
  opened(session: Session, conversationId: string, self: Sender | undefined): void
  in(session: Session, conversationId: string): Sender
}

/** Few have another name anywhere, and nothing is kept of the others. */
export function createSpeakers(): Speakers {
  const names = new WeakMap<Session, Map<string, Sender>>()
  return {
    opened(session, conversationId, self) {
      if (!self) return
      const known = names.get(session) ?? new Map<string, Sender>()
      names.set(session, known.set(conversationId, self))
    },
    in: (session, conversationId) => names.get(session)?.get(conversationId) ?? senderOf(session.scope),
  }
}

import type { Database } from '../../db/index.ts'
import { type Origin, ParleyError, type Scope } from '../../kernel/index.ts'
import { unwelcomeVisitors } from '../../widgets/index.ts'
import { unwelcomeGuests } from '../tickets.ts'
import type { FileParts } from './parts.ts'
import { type FileView, type Incoming, uploadFile } from './uploadFile.ts'

/**
 * Takes the one file that an offer is good for. The offer is the key of an upload that is done once: of several, at once and on
 * several nodes too, the first to be stored counts. The same file again has its answer; another one is refused.
 */
export async function uploadByOffer(
  parts: FileParts,
  { token, origin, ...upload }: Omit<Incoming, 'conversationId' | 'name'> & { token: string; origin: Origin },
): Promise<FileView> {
  const { id, scope, ...place } = parts.offers.open(token)
  await requireWelcome(parts.db, scope)
  const repeat = { key: id, vault: parts.vault }
  try {
    return (await uploadFile({ ...scope, origin }, parts, { ...upload, ...place }, repeat)).file
  } catch (error) {
    if (!(error instanceof ParleyError && error.code === 'idempotency_mismatch')) throw error
    throw new ParleyError('conflict', 'Another file was sent to this address. Ask for a new one.')
  }
}

/** An offer outlives the connection that it was given on; whoever would not be let in now does not come in by it either. */
async function requireWelcome(db: Database, scope: Scope): Promise<void> {
  const unwelcome = scope.actor.kind === 'visitor' ? unwelcomeVisitors : unwelcomeGuests
  const reason = (await unwelcome(db, [scope])).get(scope)
  if (reason) throw new ParleyError(reason)
}

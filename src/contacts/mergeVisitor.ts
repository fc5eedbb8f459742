import type { Transaction } from '../db/index.ts'
import { found, ParleyError, type Scope } from '../kernel/index.ts'
import { mostTags } from '../protocol/index.ts'
import { attributesIn, filledUp, type Room, roomForAttributes } from './attributes.ts'
import { laterPage } from './page.ts'
import {
  type ContactRow,
  insertFormer,
  insertVisitor,
  lockContact,
  readContact,
  removeContact,
} from './store.ts'
import { updateContact } from './updateContact.ts'

type Metadata = ContactRow['metadata']

const isAnonymous = (row: ContactRow): boolean => row.externalId === null && !row.verified

/**
 * An anonymous visitor turned out to be a known person: what they have is the person's from now on, and the anonymous contact is no
 * more. A contact that is somebody by itself is never merged, whoever presents its token. Locks: the successor, which the caller holds; the
 * anonymous contact; its place among the former ones; and then, by those who listen, what hangs on it.
 */
export async function mergeVisitor(
  scope: Scope,
  tx: Transaction,
  anonymousId: string,
  successor: ContactRow,
): Promise<void> {
  // Looked at before it is locked: two people who present each other's tokens must not wait for each other.
  const seen = await readContact(tx, scope, anonymousId)
  if (seen && !isAnonymous(seen)) return
  const held = seen && (await lockContact(tx, scope, anonymousId))
  const [former] = await insertFormer(tx, scope, anonymousId, successor.id)
  // Deleted, or merged before: perhaps at this moment by another tab, which was waited for.
  if (!former) return
  // A visitor who has said nothing has no row, or is just getting one. After this insert everybody who makes it has been waited for.
  const [made] = await insertVisitor(tx, scope, anonymousId)
  const before = held ?? found(await lockContact(tx, scope, anonymousId), 'contact')
  // Became somebody between two statements. Asked again, it is left alone.
  if (!isAnonymous(before))
    throw new ParleyError('unavailable', 'This contact is being changed.', { retryAfter: 1 })
  await tx.emit({ type: 'contact.merged', contactId: anonymousId, successorId: successor.id })
  if (!made) await inherit(scope, tx, before, successor)
  await removeContact(tx, scope, anonymousId)
  if (made) return
  await tx.emit({
    type: 'changed',
    action: 'contact.merged',
    resourceType: 'contact',
    resourceId: anonymousId,
    oldValues: { ...before },
    newValues: { successorId: successor.id },
  })
}

/** What the API takes. */
const roomForMetadata: Room = { values: Number.POSITIVE_INFINITY, bytes: 16_384 }

/** What the team noted about the visitor stays as far as there is room, and where the person has something of their own, that counts. */
async function inherit(scope: Scope, tx: Transaction, from: ContactRow, into: ContactRow): Promise<void> {
  const firstSeenAt = from.firstSeenAt < into.firstSeenAt ? from.firstSeenAt : into.firstSeenAt
  await updateContact(scope, tx, into.id, {
    firstSeenAt,
    name: into.name ?? from.name,
    email: into.email ?? from.email,
    phone: into.phone ?? from.phone,
    avatar: into.avatar ?? from.avatar,
    tags: [...new Set([...into.tags, ...from.tags])].slice(0, mostTags),
    metadata: inheritedMetadata(from.metadata, into.metadata),
  })
}

/** What the browser has just said comes with it: attributes one by one, and where the visitor is. */
function inheritedMetadata(from: Metadata, into: Metadata): Metadata {
  const { attributes: theirs, page: here, ...noted } = from
  const { attributes: own, page: before, ...kept } = into
  const both = filledUp(attributesIn(into), attributesIn(from), roomForAttributes)
  const attributes = Object.keys(both).length > 0 ? both : (own ?? theirs)
  const page = laterPage(here, before)
  return {
    ...filledUp(kept, noted, roomForMetadata),
    ...(attributes !== undefined && { attributes }),
    ...(page !== undefined && { page }),
  }
}

import { ParleyError } from './errors.ts'
import type { Permission, Role } from './permissions.ts'

/** Who acts. The audit log stores it; permission checks never look at it, only at `permissions`. */
export type Actor =
  | {
      readonly kind: 'member'
      readonly memberId: string
      readonly userId: string
      readonly role: Role
      readonly sessionId: string
    }
  | { readonly kind: 'api_key'; readonly keyId: string }
  | {
      readonly kind: 'visitor'
      readonly contactId: string
      readonly widgetId: string
      /** Let in because a signed identity said who this is: a digest of the name that it gave. */
      readonly proven?: string | undefined
    }
  /** Somebody with a ticket to one conversation, such as a meeting. */
  | {
      readonly kind: 'guest'
      readonly guestId: string
      readonly conversationId: string
      readonly name: string
    }
  /** A person who is not a member, at least not yet: founding a workspace, accepting an invitation. */
  | { readonly kind: 'person'; readonly userId: string }
  /** A master admin, from above. */
  | { readonly kind: 'platform'; readonly userId: string }
  | { readonly kind: 'system'; readonly name: string }

/** One name for each actor: what is kept under it is theirs, whatever connection or request they come with. */
export function actorName(actor: Actor): string {
  switch (actor.kind) {
    case 'member':
      return `member:${actor.memberId}`
    case 'api_key':
      return `key:${actor.keyId}`
    case 'visitor':
      return `contact:${actor.contactId}`
    case 'guest':
      return `guest:${actor.guestId}`
    case 'person':
    case 'platform':
      return `${actor.kind}:${actor.userId}`
    case 'system':
      return `system:${actor.name}`
  }
}

/** Where a request came from, for logs and the audit trail. */
export interface Origin {
  readonly requestId: string
  readonly ipAddress: string | null
  readonly userAgent: string | null
}

/**
 * The tenant, the actor and what it may do. First parameter of every domain function; fixed when the credential is
 * checked and never widened afterwards.
 */
export interface Scope {
  readonly tenantId: string
  readonly actor: Actor
  readonly permissions: ReadonlySet<Permission>
  readonly origin: Origin
}

/** A person who signed in, before a tenant is chosen. */
export interface Identity {
  readonly userId: string
  readonly sessionId: string
  readonly email: string
  readonly emailVerified: boolean
  readonly name: string
  readonly masterAdmin: boolean
  readonly origin: Origin
}

/** Of visitors and guests: what they may do is decided by the conversation. One for all of them, as there can be many. */
export const noPermissions: ReadonlySet<Permission> = new Set()

export const noOrigin: Origin = { requestId: 'system', ipAddress: null, userAgent: null }

/** The program's own hands: seeds, jobs, looking a key up. Holds no permission; its verbs are called directly. */
export const systemScope = (tenantId: string, name: string, origin: Origin = noOrigin): Scope => ({
  tenantId,
  actor: { kind: 'system', name },
  permissions: new Set(),
  origin,
})

/** A person at the door of a tenant. Holds no permission either: the verb itself checks what lets them in. */
export const personScope = (tenantId: string, identity: Identity): Scope => ({
  tenantId,
  actor: { kind: 'person', userId: identity.userId },
  permissions: new Set(),
  origin: identity.origin,
})

/** Who speaks by a command that visitors alone may send. */
export function visitorOf({ actor }: Scope): Extract<Actor, { kind: 'visitor' }> {
  if (actor.kind !== 'visitor') throw new ParleyError('forbidden', 'This is for visitors.')
  return actor
}

export function requirePermission(scope: Scope, permission: Permission): void {
  if (!scope.permissions.has(permission)) {
    throw new ParleyError('forbidden', `This needs the permission ${permission}.`)
  }
}

/** Nobody hands out what they do not hold themselves. */
export function requireAll(scope: Scope, wanted: readonly Permission[]): void {
  const beyond = wanted.filter(permission => !scope.permissions.has(permission))
  if (beyond.length > 0) {
    throw new ParleyError('forbidden', `You cannot give permissions you do not hold: ${beyond.join(', ')}.`)
  }
}

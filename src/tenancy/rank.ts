import { outranks, ParleyError, type Role, type Scope } from '../kernel/index.ts'

/** The role that bounds what the actor may do to others. A key stands as an admin: it can never touch an owner. */
function rankOf({ actor }: Scope): Role {
  if (actor.kind === 'member') return actor.role
  if (actor.kind === 'system' || actor.kind === 'platform') return 'owner'
  if (actor.kind === 'person' || actor.kind === 'visitor' || actor.kind === 'guest') return 'member'
  return 'admin'
}

/** Nobody gives, changes or takes a role above their own. */
export function requireRankOver(scope: Scope, ...affected: Role[]): void {
  const own = rankOf(scope)
  if (affected.some(role => outranks(role, own))) {
    throw new ParleyError('forbidden', 'This concerns a role above your own.')
  }
}

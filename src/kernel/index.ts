export { found, notFound, ParleyError } from './errors.ts'
export {
  type Appended,
  type Changed,
  type ConversationChanged,
  type DomainEvent,
  type DomainEvents,
  difference,
} from './events.ts'
export { faultsOf } from './faults.ts'
export { formatUuid, isUuid, newId, uuidBytes } from './ids.ts'
export { createLog, describeError, type Log } from './log.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { networkOf } from './network.ts'
export {
  knownPermissions,
  outranks,
  type Permission,
  permissions,
  permissionsOf,
  type Role,
  roles,
} from './permissions.ts'
export { plainWords } from './plainWords.ts'
export {
  type Actor,
  type Identity,
  noOrigin,
  noPermissions,
  type Origin,
  personScope,
  requireAll,
  requirePermission,
  type Scope,
  systemScope,
} from './scope.ts'
export { Secret } from './secret.ts'
export { createTokenSigner, type SignedToken, type TokenSigner } from './signedToken.ts'
export { hashToken, newTenantToken, sameText, type TenantToken, tenantOfToken } from './tenantToken.ts'
export { createVault, type Vault } from './vault.ts'
export { version } from './version.ts'

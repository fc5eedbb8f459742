export { eachOf } from './atOnce.ts'
export { fenceOff } from './boundary.ts'
export { Briefly } from './briefly.ts'
export { found, notFound, ParleyError } from './errors.ts'
export {
  type Appended,
  type Brief,
  type BudgetAlert,
  type Changed,
  type ConversationChanged,
  type ConversationMoved,
  type DomainEvent,
  type DomainEvents,
  difference,
  type EventWithin,
  type HandOver,
  handOverReasons,
  type TakenBackPlace,
  type WordsTakenBack,
} from './events.ts'
export { faultsOf } from './faults.ts'
export { clockToleranceSeconds, openForeignToken } from './foreignToken.ts'
export { formatUuid, idOf, inOnePiece, isUuid, newId, uuidBytes } from './ids.ts'
export { createLog, describeError, type Log } from './log.ts'
export { conceptsOf, inSingleWords, likenessTo, mostAlike } from './meanings.ts'
export { createMetrics, type Metrics } from './metrics.ts'
export { groupsOf, networkOf } from './network.ts'
export { growing, nextTurn, pause, takingTurns } from './pause.ts'
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
  actorName,
  type Identity,
  noOrigin,
  noPermissions,
  type Origin,
  personScope,
  requireAll,
  requirePermission,
  type Scope,
  systemScope,
  visitorOf,
} from './scope.ts'
export { Secret } from './secret.ts'
export { sentencesOf, splitSentences } from './sentences.ts'
export { createTokenSigner, type SignedToken, type TokenSigner } from './signedToken.ts'
export { isSmallTalk, type SmallTalk, smallTalkOf } from './smallTalk.ts'
export { hashToken, newTenantToken, sameText, type TenantToken, tenantOfToken } from './tenantToken.ts'
export { cutText, storable } from './texts.ts'
export { estimateTokens } from './tokens.ts'
export { UnreadableDocument, type UnreadableReason } from './unreadableDocument.ts'
export { createVault, type Vault } from './vault.ts'
export { version } from './version.ts'
export {
  isReferring,
  isSmall,
  isUnspaced,
  type Language,
  languageOf,
  stemOf,
  wordsOf,
} from './words.ts'

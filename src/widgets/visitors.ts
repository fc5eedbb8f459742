import { z } from 'zod'
import { formerVisitors, identifyContact, proofOf, refuseFormer } from '../contacts/index.ts'
import type { Database, Transaction } from '../db/index.ts'
import type { Admission, Knock } from '../gateway/index.ts'
import {
  createTokenSigner,
  newId,
  noOrigin,
  noPermissions,
  type Origin,
  ParleyError,
  type Scope,
  systemScope,
  tenantOfToken,
  type Vault,
} from '../kernel/index.ts'
import type { WidgetConfig } from '../protocol/index.ts'
import { covers } from './covers.ts'
import { widgetKeyPrefix } from './createWidget.ts'
import { readIdentity } from './identityStore.ts'
import { publicConfig, type ShownElsewhere } from './publicConfig.ts'
import { widgetByKey } from './store.ts'
import { type Unwelcome, unwelcomeVisitors } from './unwelcomeVisitors.ts'
import { verifyIdentity } from './verifyIdentity.ts'

/** Visitors need no account: a widget key gets them in, a token says who they are, another one brings them back. */
export interface Visitors {
  /** Begins a visit, or goes on with the one that the `resume` token names; as the person of the identity, if there is one. */
  begin(visit: Beginning): Promise<Visit>
  /** What a page that embeds the widget is told about it; `page`: unless it is one of ours. */
  configFor(widgetKey: string, page: string | undefined, languages: readonly string[]): Promise<WidgetConfig>
  allowsPage(widgetKey: string, page: string): Promise<boolean>
  /** The door of the gateway. */
  admit(auth: { readonly token: string }, knock: Knock): Promise<Admission>
  /** A newer token of the same visitor. */
  renew(scope: Scope, token: string): Date
  /** Of those who are connected, whom their widget or workspace does not let in any more. */
  unwelcome(scopes: readonly Scope[]): Promise<Map<Scope, Unwelcome>>
}

export interface Beginning {
  readonly widgetKey: string
  readonly resume?: string | undefined
  /** What the site signed: who this is. */
  readonly identity?: string | undefined
  /** The page that asks, unless it is one of ours. */
  readonly page?: string | undefined
  readonly origin: Origin
}

export interface Visit {
  readonly token: string
  readonly expiresAt: string
  readonly resume: string
  readonly contactId: string
  readonly widget: { readonly id: string; readonly name: string }
}

const tokenSeconds = 3_600
/** Kept by the browser, so that a visitor finds the chat again; each visit makes a new one. */
const resumeSeconds = 180 * 24 * 3_600
const rememberedMs = 5_000

const claimsSchema = z.object({
  tenantId: z.uuid(),
  widgetId: z.uuid(),
  contactId: z.uuid(),
  /** Whom an identity proved the contact to be, and since when the widget has had the key for it. Without: given to somebody anonymous. */
  proof: z.object({ of: z.string(), keySince: z.number() }).optional(),
})
type Claims = z.output<typeof claimsSchema>
type Visiting = Pick<Claims, 'contactId' | 'proof'>

interface VisitorParts {
  readonly db: Database
  readonly vault: Vault
  readonly shown: ShownElsewhere
}

export function createVisitors({ db, vault, shown }: VisitorParts): Visitors {
  const tokens = createTokenSigner(vault, 'visitor', claimsSchema)
  const resumes = createTokenSigner(vault, 'visitor-resume', claimsSchema)
  const findWidget = rememberWidgets(db)
  const activeWidget = admitting(findWidget)

  /** Whom an earlier visit left behind. A token of another workspace, or one too old, does not keep anybody out: it begins anew. */
  function resumed(tenantId: string, resume: string | undefined): Claims | undefined {
    const earlier = resume === undefined ? undefined : resumes.open(resume)
    return earlier && earlier !== 'expired' && earlier.claims.tenantId === tenantId
      ? earlier.claims
      : undefined
  }

  function opened(token: string) {
    const found = tokens.open(token)
    if (found === 'expired') throw new ParleyError('token_expired')
    if (!found) throw new ParleyError('unauthenticated', 'This is not a visitor token.')
    return found
  }

  return {
    async begin(visit) {
      const widget = await activeWidget(visit.widgetKey, visit.page)
      const { tenantId, id: widgetId, name } = widget
      const visitor = await visiting({ db, vault }, widget, visit, resumed(tenantId, visit.resume))
      const claims = { tenantId, widgetId, ...visitor }
      const { token, expiresAt } = tokens.sign(claims, tokenSeconds)
      return {
        token,
        expiresAt: expiresAt.toISOString(),
        resume: resumes.sign(claims, resumeSeconds).token,
        contactId: visitor.contactId,
        widget: { id: widgetId, name },
      }
    },
    async configFor(widgetKey, page, languages) {
      const { tenantId, id: widgetId } = await activeWidget(widgetKey, page, 'not_found')
      const scope = systemScope(tenantId, 'visitors')
      return db.scoped(scope, tx => publicConfig(scope, tx, { widgetId, languages }, shown))
    },
    async allowsPage(widgetKey, page) {
      const widget = await findWidget(widgetKey)
      return widget?.active === true && covers(widget.allowedDomains, page)
    },
    async admit({ token }, knock) {
      const { claims, expiresAt } = opened(token)
      const { contactId } = claims
      const proven = claims.proof?.of
      // Its ids rather than those of the token: they are held once for all who come at about the same time.
      const { tenantId, id: widgetId } = await activeWidget(knock.widgetKey ?? '', undefined)
      if (claims.widgetId !== widgetId || claims.tenantId !== tenantId)
        throw new ParleyError('unauthenticated', 'The token is of another widget.')
      const scope: Scope = {
        tenantId,
        actor: { kind: 'visitor', contactId, widgetId, proven },
        permissions: noPermissions,
        origin: { ...noOrigin, ...knock.origin },
      }
      await db.scoped(scope, tx => refuseFormer(tx, scope, { contactId, proven }))
      return { scope, self: { kind: 'contact', id: contactId }, expiresAt }
    },
    unwelcome: scopes => unwelcomeVisitors(db, scopes),
    renew(scope, token) {
      const { claims, expiresAt } = opened(token)
      if (!isOf(claims, scope))
        throw new ParleyError('unauthenticated', 'The token is of another visitor, or of another widget.')
      return expiresAt
    },
  }
}

/** A widget whose visitors may come in, from this page if they come from one. */
const admitting =
  (findWidget: ReturnType<typeof rememberWidgets>) =>
  async (
    widgetKey: string,
    page: string | undefined,
    missing: 'unauthenticated' | 'not_found' = 'unauthenticated',
  ) => {
    const widget = await findWidget(widgetKey)
    if (!widget?.active)
      throw new ParleyError(missing, 'There is no such widget. Copy its tag again from its settings.')
    if (widget.tenantStatus !== 'active') throw new ParleyError('tenant_suspended')
    if (page !== undefined && !covers(widget.allowedDomains, page))
      throw new ParleyError(
        'forbidden',
        'This widget is not allowed on this site. Add the site to the allowed domains of the widget.',
      )
    return widget
  }

const isOf = (claims: Claims, { tenantId, actor }: Scope): boolean =>
  actor.kind === 'visitor' &&
  claims.contactId === actor.contactId &&
  claims.widgetId === actor.widgetId &&
  claims.proof?.of === actor.proven &&
  claims.tenantId === tenantId

/** Who comes: the person of the identity, whoever came before, or somebody new. */
async function visiting(
  { db, vault }: { readonly db: Database; readonly vault: Vault },
  widget: {
    readonly tenantId: string
    readonly id: string
    readonly publicKey: string
    readonly identityRequired: boolean
  },
  { identity, origin }: Beginning,
  earlier: Claims | undefined,
): Promise<Visiting> {
  const scope = systemScope(widget.tenantId, 'visitors', origin)
  if (identity !== undefined) {
    const key = await db.scoped(scope, tx => readIdentity(tx, scope, widget.id))
    const proven = await verifyIdentity(vault, { publicKey: widget.publicKey, identity: key }, identity)
    const contactId = await db.scoped(scope, tx => identifyContact(scope, tx, proven, earlier?.contactId))
    const keySince = key?.createdAt.getTime()
    const proof = keySince === undefined ? undefined : { of: proofOf(proven.externalId), keySince }
    return { contactId, proof }
  }
  if (widget.identityRequired) throw new ParleyError('identity_required')
  if (earlier === undefined) return { contactId: newId() }
  return db.scoped(scope, tx => goingOn(scope, tx, widget.id, earlier))
}

/**
 * By what an earlier visit was given, and nothing else. A proof counts where it was given, as long as the key that it was checked by, and as
 * long as the contact has the name that was proved.
 */
async function goingOn(
  scope: Scope,
  tx: Transaction,
  widgetId: string,
  { contactId, proof, widgetId: provedAt }: Claims,
): Promise<Visiting> {
  const farewellTo = await formerVisitors(tx, scope, [contactId])
  const farewell = farewellTo({ contactId, proven: proof?.of })
  if (farewell && (proof === undefined || farewell === 'unauthenticated'))
    throw new ParleyError('visitor_gone')
  if (proof === undefined) return { contactId }
  const key = await readIdentity(tx, scope, widgetId)
  if (farewell || provedAt !== widgetId || key?.createdAt.getTime() !== proof.keySince)
    throw new ParleyError('identity_required')
  return { contactId, proof }
}

/** Every connection asks, most of them for the same few. */
function rememberWidgets(db: Database) {
  const remembered = new Map<string, { until: number; widget: ReturnType<typeof read> }>()

  async function read(widgetKey: string) {
    const tenantId = tenantOfToken(widgetKeyPrefix, widgetKey)
    if (tenantId === undefined) return undefined
    const scope = systemScope(tenantId, 'visitors')
    return db.scoped(scope, tx => widgetByKey(tx, scope, widgetKey))
  }

  return (widgetKey: string): ReturnType<typeof read> => {
    const now = Date.now()
    const known = remembered.get(widgetKey)
    if (known && known.until > now) return known.widget
    if (remembered.size > 10_000) remembered.clear()
    const widget = read(widgetKey)
    remembered.set(widgetKey, { until: now + rememberedMs, widget })
    widget.catch(() => remembered.delete(widgetKey))
    return widget
  }
}

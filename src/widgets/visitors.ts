import { z } from 'zod'
import type { Database } from '../db/index.ts'
import type { Admission, Knock } from '../gateway/index.ts'
import {
  createTokenSigner,
  newId,
  noOrigin,
  noPermissions,
  ParleyError,
  type Scope,
  systemScope,
  tenantOfToken,
  type Vault,
} from '../kernel/index.ts'
import { covers } from './covers.ts'
import { widgetKeyPrefix } from './createWidget.ts'
import { widgetByKey } from './store.ts'
import { unwelcomeVisitors } from './unwelcomeVisitors.ts'

/** Visitors need no account: a widget key gets them in, a token says who they are, another one brings them back. */
export interface Visitors {
  /** Begins a visit, or goes on with the one that the `resume` token names. */
  begin(widgetKey: string, resume: string | undefined, page: string | undefined): Promise<Visit>
  allowsPage(widgetKey: string, page: string): Promise<boolean>
  /** The door of the gateway. */
  admit(auth: { readonly token: string }, knock: Knock): Promise<Admission>
  /** A newer token of the same visitor. */
  renew(scope: Scope, token: string): Date
  /** Of those who are connected, whom their widget or workspace does not let in any more. */
  unwelcome(scopes: readonly Scope[]): Promise<Map<Scope, 'unauthenticated' | 'tenant_suspended'>>
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

const claimsSchema = z.object({ tenantId: z.uuid(), widgetId: z.uuid(), contactId: z.uuid() })

export function createVisitors({ db, vault }: { db: Database; vault: Vault }): Visitors {
  const tokens = createTokenSigner(vault, 'visitor', claimsSchema)
  const resumes = createTokenSigner(vault, 'visitor-resume', claimsSchema)
  const findWidget = rememberWidgets(db)

  async function activeWidget(widgetKey: string, page: string | undefined) {
    const widget = await findWidget(widgetKey)
    if (!widget?.active) throw new ParleyError('unauthenticated', 'There is no such widget.')
    if (widget.tenantStatus !== 'active') throw new ParleyError('tenant_suspended')
    if (page !== undefined && !covers(widget.allowedDomains, page))
      throw new ParleyError('forbidden', 'This widget is not allowed on this site.')
    return widget
  }

  function opened(token: string) {
    const found = tokens.open(token)
    if (found === 'expired') throw new ParleyError('token_expired')
    if (!found) throw new ParleyError('unauthenticated', 'This is not a visitor token.')
    return found
  }

  return {
    async begin(widgetKey, resume, page) {
      const { tenantId, id: widgetId, name } = await activeWidget(widgetKey, page)
      const earlier = resume === undefined ? undefined : resumes.open(resume)
      // A token of another workspace, or one too old, does not keep anybody out: it begins anew.
      const known = earlier && earlier !== 'expired' && earlier.claims.tenantId === tenantId
      const contactId = known ? earlier.claims.contactId : newId()
      const claims = { tenantId, widgetId, contactId }
      const { token, expiresAt } = tokens.sign(claims, tokenSeconds)
      return {
        token,
        expiresAt: expiresAt.toISOString(),
        resume: resumes.sign(claims, resumeSeconds).token,
        contactId,
        widget: { id: widgetId, name },
      }
    },
    async allowsPage(widgetKey, page) {
      const widget = await findWidget(widgetKey)
      return widget?.active === true && covers(widget.allowedDomains, page)
    },
    async admit({ token }, knock) {
      const { claims, expiresAt } = opened(token)
      const { tenantId, widgetId, contactId } = claims
      const widget = await activeWidget(knock.widgetKey ?? '', undefined)
      if (widget.id !== widgetId || widget.tenantId !== tenantId)
        throw new ParleyError('unauthenticated', 'The token is of another widget.')
      const scope: Scope = {
        tenantId,
        actor: { kind: 'visitor', contactId, widgetId },
        permissions: noPermissions,
        origin: { ...noOrigin, ...knock.origin },
      }
      return { scope, self: { kind: 'contact', id: contactId }, expiresAt }
    },
    unwelcome: scopes => unwelcomeVisitors(db, scopes),
    renew({ tenantId, actor }, token) {
      const { claims, expiresAt } = opened(token)
      const same =
        actor.kind === 'visitor' &&
        claims.contactId === actor.contactId &&
        claims.widgetId === actor.widgetId &&
        claims.tenantId === tenantId
      if (!same)
        throw new ParleyError('unauthenticated', 'The token is of another visitor, or of another widget.')
      return expiresAt
    },
  }
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

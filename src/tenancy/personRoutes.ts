import { z } from 'zod'
import type { Database } from '../db/index.ts'
import { cursorId, idParams, pageOf, pageQuery, personRoute, type Route, toPage } from '../http/index.ts'
import { notFound, type Permission, permissionsOf, systemScope, type Vault } from '../kernel/index.ts'
import { acceptInvitation } from './acceptInvitation.ts'
import { createTenant } from './createTenant.ts'
import { deleteOtherSessions, deleteSession, membershipsOf, sessionsOf } from './peopleStore.ts'
import { listTenants } from './store.ts'
import { updateTenant } from './updateTenant.ts'
import { acceptInput, meView, platformPatch, sessionView, tenantInput, tenantView } from './wire.ts'

export interface PersonRouteParts {
  readonly db: Database
  readonly vault: Vault
}

/** What a signed-in person does before or beside any workspace, and what a master admin does above all of them. */
export function personRoutes(parts: PersonRouteParts): Route[] {
  return [...ownRoutes(parts), ...sessionRoutes(parts), ...platformRoutes(parts)]
}

function ownRoutes({ db, vault }: PersonRouteParts): Route[] {
  return [
    personRoute({
      method: 'get',
      path: '/api/v1/me',
      tag: 'Me',
      summary: 'Who I am and where I belong',
      reply: meView,
      handle: async ({ identity }) => ({
        ...identity,
        memberships: await db.identity(identity.userId, tx => membershipsOf(tx, identity.userId)),
      }),
    }),
    personRoute({
      method: 'post',
      path: '/api/v1/tenants',
      tag: 'Me',
      summary: 'Create a workspace, with me as its owner',
      body: tenantInput,
      reply: tenantView,
      status: 201,
      idempotent: true,
      handle: ({ identity, body, repeat }) => createTenant({ db, vault }, identity, body, repeat),
    }),
    personRoute({
      method: 'post',
      path: '/api/v1/invitations/accept',
      tag: 'Me',
      summary: 'Accept an invitation with the token of its link',
      body: acceptInput,
      reply: meView.shape.memberships.element,
      guessable: true,
      handle: ({ identity, body }) => acceptInvitation(db, identity, body.token),
    }),
  ]
}

function sessionRoutes({ db }: PersonRouteParts): Route[] {
  return [
    personRoute({
      method: 'get',
      path: '/api/v1/me/sessions',
      tag: 'Me',
      summary: 'Where I am signed in',
      reply: z.object({ items: z.array(sessionView) }),
      handle: async ({ identity }) => {
        const rows = await db.identity(identity.userId, tx => sessionsOf(tx, identity.userId))
        return { items: rows.map(row => ({ ...row, current: row.id === identity.sessionId })) }
      },
    }),
    personRoute({
      method: 'delete',
      path: '/api/v1/me/sessions/{id}',
      tag: 'Me',
      summary: 'End one of my sessions',
      params: idParams,
      handle: async ({ identity, params }) => {
        const ended = await db.identity(
          identity.userId,
          tx => deleteSession(tx, identity.userId, params.id),
          identity.origin,
        )
        if (ended.length === 0) throw notFound('session')
      },
    }),
    personRoute({
      method: 'delete',
      path: '/api/v1/me/sessions',
      tag: 'Me',
      summary: 'End all my sessions but this one',
      reply: z.object({ ended: z.int() }),
      handle: async ({ identity }) => {
        const ended = await db.identity(
          identity.userId,
          tx => deleteOtherSessions(tx, identity.userId, identity.sessionId),
          identity.origin,
        )
        return { ended: ended.length }
      },
    }),
  ]
}

function platformRoutes({ db }: PersonRouteParts): Route[] {
  return [
    personRoute({
      masterAdmin: true,
      method: 'get',
      path: '/api/v1/platform/tenants',
      tag: 'Platform',
      summary: 'All workspaces of this installation',
      query: pageQuery,
      reply: pageOf(tenantView),
      handle: async ({ query }) => {
        const page = { limit: query.limit, after: cursorId(query) }
        return toPage(await db.platform(tx => listTenants(tx, page)), query)
      },
    }),
    personRoute({
      masterAdmin: true,
      method: 'patch',
      path: '/api/v1/platform/tenants/{id}',
      tag: 'Platform',
      summary: 'Change the plan of a workspace, suspend it or let it go on',
      params: idParams,
      body: platformPatch,
      reply: tenantView,
      handle: ({ identity, params, body }) => {
        const scope = {
          ...systemScope(params.id, 'platform', identity.origin),
          actor: { kind: 'platform', userId: identity.userId } as const,
          permissions: new Set<Permission>(permissionsOf('owner')),
        }
        const { trialEndsAt, ...rest } = body
        const ends =
          trialEndsAt === undefined
            ? {}
            : { trialEndsAt: trialEndsAt === null ? null : new Date(trialEndsAt) }
        return db.scoped(scope, tx => updateTenant(scope, tx, { ...rest, ...ends }))
      },
    }),
  ]
}

import { z } from 'zod'
import { idParams, type Route, tenantRoute } from '../http/index.ts'
import type { Vault } from '../kernel/index.ts'
import { describeIdentity, issueIdentitySecret, removeIdentity, setIdentityKey } from './identityKeys.ts'
import { identityAlgorithms } from './schema.ts'

const identityView = z
  .object({
    algorithm: z
      .enum(identityAlgorithms)
      .nullable()
      .describe('Null: identities are not checked, and none is taken'),
    publicKey: z.string().nullable().describe('Of EdDSA'),
    changedAt: z.iso.datetime().nullable(),
  })
  .meta({ id: 'WidgetIdentity' })

const secretView = z
  .object({ secret: z.string().describe('Signs identities with HS256, as it stands here; shown this once') })
  .meta({ id: 'IdentitySecret' })

const keyInput = z.strictObject({
  publicKey: z.string().min(1).max(2_000).describe('A public Ed25519 key, as PEM or JSON Web Key'),
})

/** By what a site proves who its visitors are. Whoever may set it may be anybody, so it needs what making keys needs. */
export const identityRoutes = (vault: Vault): Route[] => [
  tenantRoute({
    method: 'get',
    path: '/api/v1/widgets/{id}/identity',
    tag: 'Widgets',
    summary: 'By what identities of visitors are checked',
    permission: 'widgets:read',
    params: idParams,
    reply: identityView,
    handle: ({ scope, tx, params }) => describeIdentity(scope, tx, params.id),
  }),
  tenantRoute({
    method: 'post',
    path: '/api/v1/widgets/{id}/identity-secret',
    tag: 'Widgets',
    summary: 'Make a new secret to sign identities with (HS256), in the place of the former secret or key',
    permission: 'keys:write',
    idempotent: true,
    params: idParams,
    reply: secretView,
    status: 201,
    handle: ({ scope, tx, params }) => issueIdentitySecret(scope, tx, vault, params.id),
  }),
  tenantRoute({
    method: 'put',
    path: '/api/v1/widgets/{id}/identity-key',
    tag: 'Widgets',
    summary: 'Check identities by a public key (EdDSA), in the place of the former secret or key',
    permission: 'keys:write',
    params: idParams,
    body: keyInput,
    handle: ({ scope, tx, params, body }) => setIdentityKey(scope, tx, params.id, body.publicKey),
  }),
  tenantRoute({
    method: 'delete',
    path: '/api/v1/widgets/{id}/identity',
    tag: 'Widgets',
    summary: 'Take no identities any more',
    permission: 'keys:write',
    params: idParams,
    handle: ({ scope, tx, params }) => removeIdentity(scope, tx, params.id),
  }),
]

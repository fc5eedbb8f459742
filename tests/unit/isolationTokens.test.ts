import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  isUuid,
  newId,
  newTenantToken,
  requireAll,
  requirePermission,
  tenantOfToken,
} from '../../src/kernel/index.ts'
import { scopeOf } from '../support/isolation.ts'

/** fast-check prints its seed when a property fails. */
describe('S1 tokens that name a tenant', () => {
  test('S1 a token leads back to its tenant, under its own prefix only', () => {
    fc.assert(
      fc.property(fc.uuid(), fc.integer({ min: 1, max: 64 }), (tenantId, length) => {
        const { token } = newTenantToken('parley', tenantId, length)
        expect(tenantOfToken('parley', token)).toBe(tenantId)
        expect(tenantOfToken('invite', token)).toBeUndefined()
      }),
    )
  })

  test('S1 whatever else is presented names a well-formed id or nothing, and never throws', () => {
    const { token } = newTenantToken('parley', newId())
    const near = fc.tuple(fc.nat({ max: token.length }), fc.string({ unit: 'binary', maxLength: 3 }))
    const damaged = near.map(([at, piece]) => token.slice(0, at) + piece + token.slice(at + piece.length))
    const anything = fc.oneof(
      damaged,
      fc.string({ unit: 'binary' }).map(text => `parley_${text}`),
      fc.string(),
    )
    fc.assert(
      fc.property(anything, text => {
        const tenantId = tenantOfToken('parley', text)
        if (tenantId !== undefined) expect(isUuid(tenantId), text).toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })

  test('S3 a scope grants what it holds and nothing else', () => {
    const scope = { ...scopeOf(newId()), permissions: new Set(['contacts:read'] as const) }
    expect(() => requirePermission(scope, 'contacts:read')).not.toThrow()
    expect(() => requirePermission(scope, 'contacts:write')).toThrow('contacts:write')
    expect(() => requireAll(scope, ['contacts:read', 'keys:read'])).toThrow('keys:read')
    expect(() => requirePermission(scopeOf(newId()), 'tenant:read')).toThrow('tenant:read')
  })
})

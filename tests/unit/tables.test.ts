import { describe, expect, test } from 'vitest'
import {
  outranks,
  ParleyError,
  permissions,
  permissionsOf,
  type Role,
  requireAll,
  requirePermission,
  roles,
  systemScope,
} from '../../src/kernel/index.ts'
import { errorCodes, errorTable, problemSchema } from '../../src/protocol/index.ts'

describe('the error table', () => {
  test.each(errorCodes)('%s says everything a client needs', code => {
    const { status, title, client, retryable } = errorTable[code]
    expect(code).toMatch(/^[a-z]+(_[a-z]+)*$/)
    expect(status).toBeGreaterThanOrEqual(400)
    expect(status).toBeLessThan(600)
    expect(title).toMatch(/^[A-Z].*[^.]$/)
    expect(client).toMatch(/^[A-Z].*\.$/)
    expect(typeof retryable).toBe('boolean')
    // Not found, conflicts and the like do not go away by themselves; being told to wait does.
    expect(retryable).toBe(status === 429 || status === 503)
  })

  test('no two codes have one title', () => {
    expect(new Set(errorCodes.map(code => errorTable[code].title)).size).toBe(errorCodes.length)
  })

  test('a problem carries a code of the table and no other', () => {
    const problem = { type: 'x', title: 'x', status: 400, retryable: false, requestId: 'x' }
    for (const code of errorCodes) expect(problemSchema.safeParse({ ...problem, code }).success).toBe(true)
    for (const code of ['', 'teapot', 'INTERNAL', undefined]) {
      expect(problemSchema.safeParse({ ...problem, code }).success).toBe(false)
    }
  })

  test('an error without words of its own has the words of the table', () => {
    expect(new ParleyError('conflict').message).toBe(errorTable.conflict.title)
    expect(new ParleyError('conflict', 'This slug is taken.').message).toBe('This slug is taken.')
  })
})

describe('the table of permissions', () => {
  const holds = (role: Role) => new Set(permissionsOf(role))

  test('a higher role can do all that a lower one can', () => {
    for (const [at, role] of roles.entries()) {
      for (const lower of roles.slice(at + 1)) {
        expect(outranks(role, lower), `${role} outranks ${lower}`).toBe(true)
        expect(outranks(lower, role)).toBe(false)
        for (const permission of holds(lower))
          expect(holds(role), `${role} ${permission}`).toContain(permission)
      }
      expect(outranks(role, role)).toBe(false)
    }
  })

  test('an owner can do everything; every permission has its reading beside its writing', () => {
    expect(holds('owner')).toEqual(new Set(permissions))
    expect(new Set(permissions).size).toBe(permissions.length)
    for (const role of roles) {
      for (const permission of permissionsOf(role).filter(each => each.endsWith(':write'))) {
        expect(holds(role), `${role} ${permission}`).toContain(permission.replace(':write', ':read'))
      }
    }
  })

  test('what reaches people, keys and records stays with admins', () => {
    for (const permission of [
      'members:write',
      'roles:write',
      'keys:read',
      'keys:write',
      'audit:read',
      'tenant:write',
    ] as const) {
      expect(roles.filter(role => holds(role).has(permission))).toEqual(['owner', 'admin'])
    }
    expect(permissionsOf('member')).toEqual(['tenant:read', 'members:read'])
  })

  test('checks refuse what is not held and name it', () => {
    const scope = { ...systemScope('t', 'test'), permissions: new Set(['contacts:read'] as const) }
    expect(() => requirePermission(scope, 'contacts:read')).not.toThrow()
    expect(() => requirePermission(scope, 'contacts:write')).toThrow(/contacts:write/)
    expect(() => requireAll(scope, ['contacts:read', 'audit:read', 'keys:read'])).toThrow(
      /: audit:read, keys:read\./,
    )
    expect(() => requirePermission(systemScope('t', 'test'), 'tenant:read')).toThrow(ParleyError)
  })
})

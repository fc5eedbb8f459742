import { inspect } from 'node:util'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  createVault,
  formatUuid,
  hashToken,
  isUuid,
  newId,
  newTenantToken,
  Secret,
  sameText,
  tenantOfToken,
  uuidBytes,
} from '../../src/kernel/index.ts'

describe('ids', () => {
  test('sort by the time they were made, and differ within one millisecond', () => {
    fc.assert(
      fc.property(
        fc.uniqueArray(fc.integer({ min: 0, max: 2 ** 48 - 1 }), { minLength: 2, maxLength: 20 }),
        times => {
          const sorted = [...times].sort((a, b) => a - b)
          const ids = sorted.map(time => newId(time))
          expect([...ids].sort()).toEqual(ids)
          expect(ids.map(id => Number.parseInt(id.replaceAll('-', '').slice(0, 12), 16))).toEqual(sorted)
        },
      ),
    )
    expect(new Set(Array.from({ length: 20_000 }, () => newId(1))).size).toBe(20_000)
  })

  test('are UUIDs of version 7, which their own check accepts', () => {
    for (let at = 0; at < 200; at++) {
      const id = newId()
      expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
      expect(isUuid(id)).toBe(true)
      expect(formatUuid(uuidBytes(id))).toBe(id)
    }
    for (const text of [
      '',
      newId().toUpperCase(),
      `${newId()}\n`,
      ` ${newId()}`,
      newId().slice(1),
      newId().replaceAll('-', ''),
    ]) {
      expect(isUuid(text), text).toBe(false)
    }
  })
})

describe('tokens that name their tenant', () => {
  const prefix = fc.stringMatching(/^[a-z]{1,12}$/)
  test('lead back to it, and to none under another prefix', () => {
    fc.assert(
      fc.property(
        prefix,
        prefix,
        fc.uuid(),
        fc.integer({ min: 9, max: 40 }),
        (own, other, tenantId, length) => {
          const { token, hash } = newTenantToken(own, tenantId, length)
          expect(tenantOfToken(own, token)).toBe(tenantId)
          expect(token).toMatch(/^[a-z]+_[\w-]+$/)
          expect(hash).toBe(hashToken(token))
          expect(hash).not.toContain(token)
          if (own !== other) expect(tenantOfToken(other, token)).toBeUndefined()
        },
      ),
    )
  })

  test('no text whatever makes reading one fail', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary' }), text => {
        const tenant = tenantOfToken('parley', `parley_${text}`)
        expect(tenant === undefined || isUuid(tenant)).toBe(true)
      }),
    )
    for (const text of [
      '',
      'parley',
      'parley_',
      `parley_${'A'.repeat(22)}`,
      `parley_${'A'.repeat(30)}!`,
      `parley_${'A'.repeat(30)} `,
    ]) {
      expect(tenantOfToken('parley', text), text).toBeUndefined()
    }
  })

  test('carry at least 128 random bits', () => {
    const tenantId = newId()
    const tokens = Array.from({ length: 1_000 }, () => newTenantToken('parley', tenantId).token)
    expect(new Set(tokens).size).toBe(1_000)
    expect((tokens[0]?.length ?? 0) - 'parley_'.length - 22).toBeGreaterThanOrEqual(22)
  })

  test('texts are equal only to themselves', () => {
    fc.assert(fc.property(fc.string(), fc.string(), (a, b) => sameText(a, b) === (a === b)))
    expect(sameText('a', 'a\u0000')).toBe(false)
  })
})

describe('the vault', () => {
  const vault = createVault(new Secret('a secret that is long enough to be one'))

  test('opens what it sealed, and seals nothing twice alike', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'grapheme' }), plain => {
        const [one, two] = [vault.seal(plain), vault.seal(plain)]
        expect([vault.open(one), vault.open(two)]).toEqual([plain, plain])
        expect(one).not.toBe(two)
        if (plain.length > 3) expect(Buffer.from(one, 'base64url').toString('latin1')).not.toContain(plain)
      }),
    )
  })

  test('opens nothing that was altered anywhere, cut, or sealed with another secret', () => {
    const sealed = Buffer.from(vault.seal('a text worth keeping'), 'base64url')
    for (let at = 0; at < sealed.length; at++) {
      const altered = Buffer.from(sealed)
      altered[at] = (altered[at] ?? 0) ^ 1
      expect(() => vault.open(altered.toString('base64url')), `byte ${at}`).toThrow()
      expect(() => vault.open(sealed.subarray(0, at).toString('base64url')), `cut at ${at}`).toThrow()
    }
    const other = createVault(new Secret('another secret that is long enough to be one'))
    expect(() => other.open(sealed.toString('base64url'))).toThrow()
    for (const nonsense of ['', 'x', '!!!!', 'A'.repeat(100)]) expect(() => vault.open(nonsense)).toThrow()
  })

  test('derives a secret for each purpose, always the same', () => {
    expect(vault.derive('accounts')).toBe(vault.derive('accounts'))
    expect(vault.derive('accounts')).not.toBe(vault.derive('widgets'))
    expect(Buffer.from(vault.derive('accounts'), 'base64url')).toHaveLength(32)
  })
})

describe('a Secret', () => {
  const secret = new Secret('hunter2-hunter2')
  test.each([
    ['inspect', () => inspect(secret, { showHidden: true, depth: 9 })],
    ['inspect of what holds it', () => inspect({ deep: { list: [secret] } }, { depth: 9 })],
    ['JSON', () => JSON.stringify({ secret, list: [secret] })],
    ['a template', () => `${secret}`],
    ['joining', () => [secret, 'x'].join()],
    ['an error', () => String(new Error(`with ${secret}`, { cause: secret }))],
    ['its keys', () => JSON.stringify([Object.keys(secret), Object.entries(secret), { ...secret }])],
    ['a copy', () => inspect(structuredClone({ ...secret }))],
  ])('is not printed by %s', (_how, print) => {
    expect(print()).not.toContain('hunter2')
  })
  test('is given out when asked for', () => expect(secret.reveal()).toBe('hunter2-hunter2'))
})

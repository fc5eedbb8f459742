import { z } from 'zod'
import { createTokenSigner, createVault, newId, Secret } from '../../../src/kernel/index.ts'
import { testSecret } from '../../support/parley.ts'

/** Signs as the server does: for tokens that nobody could wait for, and such as are wrong in one thing only. */
const vault = createVault(new Secret(testSecret))
const claims = z.record(z.string(), z.string())
const signers = {
  visitor: createTokenSigner(vault, 'visitor', claims),
  ticket: createTokenSigner(vault, 'join-ticket', claims),
}

/** A token of `seconds` from now with the claims of another one, changed. */
export function resigned(
  kind: keyof typeof signers,
  token: string,
  seconds: number,
  changes: Record<string, string> = {},
): string {
  const opened = signers[kind].open(token)
  if (!opened || opened === 'expired') throw new Error('not a token of ours')
  return signers[kind].sign({ ...opened.claims, ...changes }, seconds).token
}

/** What is no token of anybody's, and is not even looked at. */
export const unspeakable = {
  'a NUL': '\u0000',
  'half a character': '\ud800',
  'a line': 'x\r\ny',
  'an umlaut': 'ä',
}

/** What someone can make of a token without the key. */
export function tampered(token: string): Record<string, string> {
  const [body = '', mac = ''] = token.split('.')
  const [expires, inside] = JSON.parse(Buffer.from(body, 'base64url').toString()) as [number, object]
  const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
  return {
    'a longer life': `${encode([expires + 1_000, inside])}.${mac}`,
    'another tenant': `${encode([expires, { ...inside, tenantId: newId() }])}.${mac}`,
    'another contact': `${encode([expires, { ...inside, contactId: newId(), guestId: newId() }])}.${mac}`,
    'no signature': `${body}.`,
    'half a signature': `${body}.${mac.slice(0, 20)}`,
    'a signature of nothing': `.${mac}`,
    'a third part': `${token}.${mac}`,
    'a body that is no JSON': `eA.${mac}`,
    nothing: '.',
    'a prototype': '__proto__',
  }
}

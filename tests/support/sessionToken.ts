import { createHmac, randomBytes } from 'node:crypto'
import { createVault, Secret } from '../../src/kernel/index.ts'
import { testSecret } from './testSecret.ts'

const signingSecret = createVault(new Secret(testSecret)).derive('accounts')

/** For sessions written straight into the table: what is stored, and the signed form in which it is presented. */
export function newSessionToken(): { readonly stored: string; readonly presented: string } {
  const stored = randomBytes(24).toString('base64url')
  return {
    stored,
    presented: `${stored}.${createHmac('sha256', signingSecret).update(stored).digest('base64')}`,
  }
}

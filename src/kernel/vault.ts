import { createCipheriv, createDecipheriv, hkdfSync, randomBytes } from 'node:crypto'
import type { Secret } from './secret.ts'

/** Encrypts what is stored but must not be readable from a copy of the database (S5). */
export interface Vault {
  seal(plain: string): string
  /** Throws when the text was not sealed with this secret, or was altered. */
  open(sealed: string): string
  /** A secret of its own for one purpose, so that no two uses share a key. */
  derive(purpose: string): string
}

const nonceLength = 12
const tagLength = 16

export function createVault(secret: Secret): Vault {
  const key = (purpose: string) => Buffer.from(hkdfSync('sha256', secret.reveal(), 'parley', purpose, 32))
  const sealing = key('vault')
  return {
    seal(plain) {
      const nonce = randomBytes(nonceLength)
      const cipher = createCipheriv('aes-256-gcm', sealing, nonce)
      const body = Buffer.concat([cipher.update(plain, 'utf8'), cipher.final()])
      return Buffer.concat([nonce, cipher.getAuthTag(), body]).toString('base64url')
    },
    open(sealed) {
      const bytes = Buffer.from(sealed, 'base64url')
      const decipher = createDecipheriv('aes-256-gcm', sealing, bytes.subarray(0, nonceLength), {
        authTagLength: tagLength,
      })
      decipher.setAuthTag(bytes.subarray(nonceLength, nonceLength + tagLength))
      return (
        decipher.update(bytes.subarray(nonceLength + tagLength), undefined, 'utf8') + decipher.final('utf8')
      )
    },
    derive: purpose => key(`derive:${purpose}`).toString('base64url'),
  }
}

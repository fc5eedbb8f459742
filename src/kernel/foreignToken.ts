import type { KeyObject } from 'node:crypto'
import { errors, type JWTPayload, jwtVerify } from 'jose'

/** How the signer's clock may differ from ours. */
export const clockToleranceSeconds = 30

/**
 * What somebody else signed as a JSON Web Token: what it says, `expired`, or undefined when it is not signed with this key in this way. The
 * algorithm is ours to name, whatever the token claims: a public key is never taken for a secret, and nothing unsigned for signed.
 */
export async function openForeignToken(
  token: string,
  key: Uint8Array | KeyObject,
  algorithm: 'HS256' | 'EdDSA',
): Promise<JWTPayload | 'expired' | undefined> {
  try {
    const options = { algorithms: [algorithm], clockTolerance: clockToleranceSeconds }
    return (await jwtVerify(token, key, options)).payload
  } catch (error) {
    if (error instanceof errors.JWTExpired) return 'expired'
    if (error instanceof errors.JOSEError) return undefined
    throw error
  }
}

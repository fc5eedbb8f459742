import { createHmac } from 'node:crypto'

/** For `totpCode`: each code is accepted once, and the one after the present one already (a clock may be ahead). */
export const nextWindow = () => Date.now() + 30_000

/** The code that an authenticator app shows for an otpauth:// address (RFC 6238). */
export function totpCode(uri: string, at = Date.now()): string {
  const query = new URL(uri).searchParams
  const period = Number(query.get('period') ?? 30)
  const bits = [...(query.get('secret') ?? '').replaceAll('=', '')]
    .map(letter => 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(letter).toString(2).padStart(5, '0'))
    .join('')
  const secret = Buffer.from((bits.match(/.{8}/g) ?? []).map(byte => Number.parseInt(byte, 2)))
  const counter = Buffer.alloc(8)
  counter.writeBigUInt64BE(BigInt(Math.floor(at / 1000 / period)))
  const digest = createHmac('sha1', secret).update(counter).digest()
  const offset = (digest.at(-1) ?? 0) & 15
  return String((digest.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0')
}

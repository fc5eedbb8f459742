import { createHmac, timingSafeEqual } from 'node:crypto'
import { formatUuid, isUuid, ParleyError, uuidBytes, type Vault } from '../../kernel/index.ts'

const variants = ['file', 'thumbnail'] as const
export type Variant = (typeof variants)[number]

export interface Target {
  readonly tenantId: string
  readonly fileId: string
  readonly variant: Variant
}

/** Links that let whoever has them read one file for a while. They are checked without a look at anything stored. */
export interface FileLinks {
  readonly lifetimeMs: number
  sign(target: Target, expiresAt: Date): string
  /** Throws `not_found` for what was never signed, and `forbidden` when the time is over. */
  open(token: string): Target & { readonly expiresAt: Date }
}

const macLength = 32
const bodyLength = 16 + 16 + 1 + 6

export function createFileLinks(parts: {
  readonly vault: Vault
  readonly publicUrl: string
  readonly lifetimeMs?: number
}): FileLinks {
  const key = parts.vault.derive('file-links')
  const macOf = (body: Uint8Array) => createHmac('sha256', key).update(body).digest()
  return {
    lifetimeMs: parts.lifetimeMs ?? 10 * 60_000,
    sign({ tenantId, fileId, variant }, expiresAt) {
      const tail = Buffer.alloc(7)
      tail.writeUInt8(variants.indexOf(variant), 0)
      tail.writeUIntBE(expiresAt.getTime(), 1, 6)
      const body = Buffer.concat([uuidBytes(tenantId), uuidBytes(fileId), tail])
      return `${parts.publicUrl}/files/${Buffer.concat([body, macOf(body)]).toString('base64url')}`
    },
    open(token) {
      const bytes = Buffer.from(token, 'base64url')
      const [body, mac] = [bytes.subarray(0, bodyLength), bytes.subarray(bodyLength)]
      // Spelled otherwise it would be the same bytes under a second name.
      const whole = mac.length === macLength && bytes.toString('base64url') === token
      if (!whole || !timingSafeEqual(mac, macOf(body))) throw new ParleyError('not_found', 'No such file.')
      const expiresAt = new Date(body.readUIntBE(33, 6))
      if (expiresAt.getTime() <= Date.now()) throw new ParleyError('forbidden', 'This link has expired.')
      return { ...targetOf(body), expiresAt }
    },
  }
}

function targetOf(body: Buffer): Target {
  const [tenantId, fileId] = [formatUuid(body.subarray(0, 16)), formatUuid(body.subarray(16, 32))]
  const variant = variants[body.readUInt8(32)]
  if (!variant || !isUuid(tenantId)) throw new Error('a link was signed that names nothing')
  return { tenantId, fileId, variant }
}

import { hash, randomFillSync } from 'node:crypto'

/** Random bytes are fetched for many ids at once: the call costs more than the bytes. None is ever used twice. */
const pool = Buffer.alloc(16 * 256)
let used = pool.length

function freshBytes(): Buffer {
  if (used === pool.length) {
    randomFillSync(pool)
    used = 0
  }
  used += 16
  return pool.subarray(used - 16, used)
}

/** A UUIDv7: 48 bits of milliseconds, then random bits. Sorts by time of creation, which pagination relies on. */
export function newId(now: number = Date.now()): string {
  const bytes = freshBytes()
  bytes.writeUIntBE(now, 0, 6)
  bytes[6] = 0x70 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return formatUuid(bytes)
}

/** The same for the same name: a UUIDv8 of its hash. */
export function idOf(name: string): string {
  const bytes = hash('sha256', name, 'buffer').subarray(0, 16)
  bytes[6] = 0x80 | ((bytes[6] ?? 0) & 0x0f)
  bytes[8] = 0x80 | ((bytes[8] ?? 0) & 0x3f)
  return formatUuid(bytes)
}

const uuidPattern = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/

export const isUuid = (text: string): boolean => uuidPattern.test(text)

const digits = Buffer.from('0123456789abcdef')
/** Where the two digits of each byte stand. */
const places = [0, 2, 4, 6, 9, 11, 14, 16, 19, 21, 24, 26, 28, 30, 32, 34] as const
const text = Buffer.alloc(36, '-')

/** In one piece: what is put together from slices stays a tree of them, five times as large, until someone reads it. */
export function formatUuid(bytes: Buffer): string {
  for (const [at, place] of places.entries()) {
    const byte = bytes[at] ?? 0
    text[place] = digits[byte >> 4] ?? 0
    text[place + 1] = digits[byte & 15] ?? 0
  }
  return text.toString('latin1')
}

export const uuidBytes = (uuid: string): Buffer => Buffer.from(uuid.replaceAll('-', ''), 'hex')

/**
 * The same text in one piece and once, for what is kept long and for many. A text that was put together stays a tree of its parts, and using
 * it as a key of a map does not change that; but of the names of properties V8 keeps one of all that are equal, in one piece, while
 * anyone has it.
 */
export const inOnePiece = (text: string): string => Object.keys({ __proto__: null, [text]: true })[0] ?? text

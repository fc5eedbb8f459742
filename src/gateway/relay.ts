/** An event as it travels between nodes. */
export interface Encoded {
  readonly room: string
  /** As Socket.IO writes it, so that no other node writes it anew. */
  readonly packet: string
  readonly event: unknown
  readonly payload: unknown
  /** A socket that still has something to take does not get it (L6). */
  readonly ephemeral: boolean
  /** More is likely to follow for the same sockets in this turn of the event loop. */
  readonly joined: boolean
}

/** The first byte of such a message; those of Socket.IO's adapters begin with `{` or with a byte above 0x7f. */
export const relayMark = 0x50

/** The first byte of a hint, which is for the nodes themselves. */
export const hintMark = 0x48

/**
 * Behind the mark, of both. A node of another version may write something else; what it says is not read then, but looked for in the log.
 * To be raised whenever what stands in these messages, or how, is changed.
 */
const format = '1'

const separator = '\n'

/** What the other nodes need to hand it on: who sent it, where to, whom to leave out, and the packet. */
export function relayed(
  uid: string,
  { room, packet, ephemeral }: Encoded,
  except: string | undefined,
): string {
  return [`P${format}${uid}`, ephemeral ? 'e' : '', except ?? '', room, packet].join(separator)
}

const isOwn = (raw: Buffer, uid: string): boolean => raw.subarray(2, 2 + uid.length).equals(Buffer.from(uid))

function requireFormat(raw: Buffer): void {
  if (raw[1] !== format.charCodeAt(0)) throw new Error('a publication of another version')
}

export const hinted = (uid: string, room: string, words: readonly string[]): string =>
  [`H${format}${uid}`, room, ...words].join(separator)

/** Undefined for what this node has sent itself. Throws where it cannot be read, as the next one does. */
export function readHint(
  raw: Buffer,
  uid: string,
): { readonly room: string; readonly words: readonly string[] } | undefined {
  if (isOwn(raw, uid)) return undefined
  requireFormat(raw)
  const [, room = '', ...words] = raw.toString().split(separator)
  return { room, words }
}

/** Undefined for what this node has sent itself: it has been handed out before it was published. */
export function readRelay(
  raw: Buffer,
  uid: string,
  namespace: string,
): (Encoded & { readonly except: ReadonlySet<string> | undefined }) | undefined {
  // Before anything is decoded: of what a busy node hears most is its own.
  if (isOwn(raw, uid)) return undefined
  requireFormat(raw)
  const [, ephemeral, except, room = '', packet = ''] = raw.toString().split(separator)
  const [event, payload] = JSON.parse(packet.slice(namespace.length + 2)) as [unknown, unknown]
  return {
    ...{ room, packet, event, payload, ephemeral: ephemeral === 'e', joined: true },
    except: except ? new Set([except]) : undefined,
  }
}

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

const separator = '\n'

/** What the other nodes need to hand it on: who sent it, where to, whom to leave out, and the packet. */
export function relayed(
  uid: string,
  { room, packet, ephemeral }: Encoded,
  except: string | undefined,
): string {
  return [`P${uid}`, ephemeral ? 'e' : '', except ?? '', room, packet].join(separator)
}

/** Undefined for what this node has sent itself: it has been handed out before it was published. */
export function readRelay(
  raw: Buffer,
  uid: string,
  namespace: string,
): (Encoded & { readonly except: ReadonlySet<string> | undefined }) | undefined {
  // Before anything is decoded: of what a busy node hears most is its own.
  if (raw.subarray(1, 1 + uid.length).equals(Buffer.from(uid))) return undefined
  const [, ephemeral, except, room = '', packet = ''] = raw.toString().split(separator)
  const [event, payload] = JSON.parse(packet.slice(namespace.length + 2)) as [unknown, unknown]
  return {
    ...{ room, packet, event, payload, ephemeral: ephemeral === 'e', joined: true },
    except: except ? new Set([except]) : undefined,
  }
}

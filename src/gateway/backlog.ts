/** What Engine.IO and ws keep of what waits for a connection; tests with readers that never read fail when these are not its names any more. */
interface Waiting {
  readonly writeBuffer: readonly { readonly data?: string | Buffer }[]
  readonly transport: { readonly socket?: { readonly bufferedAmount?: number } }
}

/**
 * What a connection has not taken yet: about the bytes in the buffers of the transport, and the packets that wait for them. Counted only as far
 * as the cap, because it is asked for often.
 */
export function backlogOf(connection: object, cap: number): number {
  const { writeBuffer, transport } = connection as Waiting
  let bytes = transport.socket?.bufferedAmount ?? 0
  for (const { data } of writeBuffer) {
    if (bytes > cap) break
    bytes += data?.length ?? 0
  }
  return bytes
}

/** Packets of Engine.IO 4 as text, in order, to the other side and back. */
export interface Transport {
  send(packet: string): void
  close(): void
}

export interface TransportPorts {
  heard(packet: string): void
  /** Once, and nothing is heard after it. */
  ended(): void
}

export type OpenTransport = (address: string, ports: TransportPorts) => Transport

export const byWebSocket: OpenTransport = (address, { heard, ended }) => {
  let socket: WebSocket
  try {
    socket = new WebSocket(`${address.replace(/^http/, 'ws')}&transport=websocket`)
  } catch {
    // A policy or an extension forbids it, which is as good as a network that refuses it. In its turn: nobody knows the transport yet.
    queueMicrotask(ended)
    return { send: () => undefined, close: () => undefined }
  }
  socket.onmessage = ({ data }) => heard(String(data))
  socket.onclose = ended
  return {
    send: packet => {
      if (socket.readyState === WebSocket.OPEN) socket.send(packet)
    },
    close: () => {
      socket.onmessage = null
      socket.onclose = null
      socket.close()
    },
  }
}

/** What separates packets in one body. */
const separator = '\x1e'

/** For networks that let no WebSocket through: one request waits for what comes, another carries what goes. */
export const byPolling: OpenTransport = (address, { heard, ended }) => {
  const aborter = new AbortController()
  const waiting: string[] = []
  let url = `${address}&transport=polling`
  let sending = false
  const isOver = () => aborter.signal.aborted
  const end = () => {
    if (isOver()) return
    aborter.abort()
    ended()
  }
  const ask = async (init: RequestInit = {}): Promise<string> => {
    const response = await fetch(`${url}&t=${Math.random().toString(36).slice(2)}`, {
      ...{ credentials: 'omit', cache: 'no-store', signal: aborter.signal, ...init },
    })
    if (!response.ok) throw new Error(`polling was answered with ${response.status}`)
    return response.text()
  }
  const listen = async () => {
    while (!isOver()) {
      for (const packet of (await ask()).split(separator)) {
        if (isOver()) return
        if (packet[0] === '0') url += `&sid=${(JSON.parse(packet.slice(1)) as { sid: string }).sid}`
        heard(packet)
      }
    }
  }
  const flush = async () => {
    if (sending) return
    sending = true
    while (waiting.length > 0 && !isOver())
      await ask({
        method: 'POST',
        headers: { 'content-type': 'text/plain;charset=UTF-8' },
        body: waiting.splice(0).join(separator),
      })
    sending = false
  }
  listen().catch(end)
  return {
    send: packet => {
      waiting.push(packet)
      flush().catch(end)
    },
    close: () => {
      if (isOver()) return
      // So that the server need not wait until it notices; whether it arrives does not matter.
      void fetch(url, { method: 'POST', body: '1', keepalive: true, credentials: 'omit' }).catch(
        () => undefined,
      )
      aborter.abort()
    },
  }
}

import { createConnection } from 'node:net'
import { join } from 'node:path'
import type pg from 'pg'
import type { EmbeddedDatabase } from '../../src/db/embedded/index.ts'
import { eventually } from './embeddedDatabase.ts'

/** The socket beneath a client, to tear it off. */
export function socketOf(client: pg.Client): { destroy(): void } {
  const { connection } = client as unknown as { connection: { stream: { destroy(): void } } }
  return connection.stream
}

/** A connection on which a test says exactly what it wants. */
export async function rawConnection({ host, port }: EmbeddedDatabase['connection']) {
  const socket = createConnection(
    host.startsWith('/') ? { path: join(host, `.s.PGSQL.${port}`) } : { host, port },
  )
  let received = ''
  socket.on('data', chunk => {
    received += chunk.toString('latin1')
  })
  const closed = new Promise<string>(resolve => socket.once('close', () => resolve(received)))
  const parameters = Buffer.from('user\0postgres\0database\0postgres\0\0')
  const header = Buffer.alloc(8)
  header.writeInt32BE(8 + parameters.length, 0)
  header.writeInt32BE(196608, 4)
  socket.write(Buffer.concat([header, parameters]))
  const raw = {
    closed,
    write: (bytes: Buffer) => void socket.write(bytes),
    send(type: string, body: string) {
      const message = Buffer.alloc(5 + Buffer.byteLength(body))
      message.write(type, 0, 'latin1')
      message.writeInt32BE(4 + Buffer.byteLength(body), 1)
      message.write(body, 5)
      socket.write(message)
    },
    /** What has come since the last call, once it ends with this message: 'Z', or one without a body. */
    async until(type: 'Z' | '1'): Promise<string> {
      const [length, body] = type === 'Z' ? [5, '[ITE]'] : [4, '']
      const tail = new RegExp(`${type}\0\0\0${String.fromCharCode(length)}${body}$`)
      await eventually(`a message of type ${type}`, () => tail.test(received))
      const answer = received
      received = ''
      return answer
    },
    end: () => void socket.destroy(),
  }
  await raw.until('Z')
  return raw
}

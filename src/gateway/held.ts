import type { Socket as Connection } from 'node:net'

/** Connections that are held, and how many bytes waited in them before. */
const held = new Map<Connection, number>()

/**
 * Until the end of this turn of the event loop what is written to a connection is gathered, and then leaves in one call to the system:
 * an acknowledgement together with the events of the same commit, events of many conversations to one member, publications to all
 * of their rooms. Whatever else writes to the connection is held in its place, so that nothing overtakes anything.
 */
export function hold(connection: Connection): void {
  if (held.has(connection)) return
  if (held.size === 0) setImmediate(releaseAll)
  held.set(connection, connection.writableLength)
  connection.cork()
}

/** Beyond this there is nothing to be gained, and what is held back would soon look like what was not taken. */
const heldCap = 256 * 1024

/** Lets go of a connection for which much is held already. */
export function releaseIfMuch(connection: Connection): void {
  if (connection.writableLength <= heldCap) return
  const before = held.get(connection)
  if (before === undefined || connection.writableLength - before <= heldCap) return
  held.delete(connection)
  connection.uncork()
}

function releaseAll(): void {
  for (const connection of held.keys()) connection.uncork()
  held.clear()
}

/** What is only held back says nothing about how fast a connection takes. */
export const waitingIn = (connection: Connection): number => held.get(connection) ?? connection.writableLength

type Values = Readonly<Record<string, unknown>>

export interface Room {
  readonly values: number
  readonly bytes: number
}

/** For all attributes of one contact together. */
export const roomForAttributes: Room = { values: 50, bytes: 16_384 }

export const fits = (values: Values, room: Room): boolean =>
  Object.keys(values).length <= room.values && Buffer.byteLength(JSON.stringify(values)) <= room.bytes

/** A workspace may have kept something else under this name. */
export const attributesIn = ({ attributes }: Values): Values =>
  typeof attributes === 'object' && attributes !== null && !Array.isArray(attributes) ? { ...attributes } : {}

/** The first, and of the others what is not in it and fits beside it. */
export function filledUp(first: Values, others: Values, room: Room): Values {
  const taken = Object.entries(first)
  const sizeOf = (entry: [string, unknown]) =>
    Buffer.byteLength(JSON.stringify(Object.fromEntries([entry]))) - 1
  let bytes = taken.reduce((sum, entry) => sum + sizeOf(entry), 1)
  for (const entry of Object.entries(others)) {
    const size = sizeOf(entry)
    if (Object.hasOwn(first, entry[0]) || taken.length >= room.values || bytes + size > room.bytes) continue
    taken.push(entry)
    bytes += size
  }
  return Object.fromEntries(taken)
}

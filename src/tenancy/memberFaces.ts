import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { readFaces } from './store.ts'

export interface Face {
  readonly name: string | null
  readonly avatarUrl: string | null
}

/** How members present themselves to those they talk with. Who left has no face any more, and a name that is an address is nobody's to know. */
export async function memberFaces(
  scope: Scope,
  tx: Transaction,
  ids: readonly string[],
): Promise<Map<string, Face>> {
  if (ids.length === 0) return new Map()
  const rows = await readFaces(tx, scope, ids)
  return new Map(
    rows.map(({ id, name, image }) => [
      id,
      { name: name.includes('@') ? null : name, avatarUrl: image?.startsWith('https://') ? image : null },
    ]),
  )
}

import { type Client, createClient } from '../../../src/client/index.ts'
import type { Boot } from '../contract.ts'
import { VisitorSocket } from '../socket/visitorSocket.ts'
import type { Kept } from './kept.ts'
import type { Session } from './session.ts'

export function connectVisitor(
  { origin, key }: Pick<Boot, 'origin' | 'key'>,
  session: Session,
  kept: Kept,
): Client<'visitor'> {
  const begin = () => session.begin()
  return createClient<'visitor'>({
    ...{ socket: new VisitorSocket(origin, key), auth: begin, renew: begin, store: kept.clientStore },
  })
}

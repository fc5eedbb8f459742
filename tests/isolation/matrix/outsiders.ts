import type { Answer, Caller } from '../../support/people.ts'
import type { World } from './credentials.ts'
import type { Request, TenantEntry } from './tenantRoutes.ts'

export const send = (
  caller: Caller,
  method: string,
  request: Request,
  headers: Record<string, string> = {},
): Promise<Answer> => caller.call(method, request.path, request.body, { ...request.headers, ...headers })

/** Everything of A's rows has one of these in it. */
export const tellsOfA = ({ a }: World, { body }: Answer): boolean =>
  [a.mark, a.tenantId].some(secret => JSON.stringify(body).includes(secret))

const namesSomething = ({ path }: Request) => /[0-9a-f]{8}-/.test(path)

/** What names a thing of A is not there for B; what names none answers from B alone. Yields what went otherwise. */
export async function outsiders(
  world: World,
  method: string,
  request: Request,
  entry: TenantEntry,
): Promise<string[]> {
  const faults: string[] = []
  let done = false
  for (const { who, caller, named } of world.outsiders) {
    const answer = await send(caller, method, request)
    const refused = named || (entry.membersOnly === true && who.includes('key'))
    const asItMust = refused
      ? answer.status === 403 && answer.body.code === 'forbidden'
      : namesSomething(request)
        ? answer.status === 404 && answer.body.code === 'not_found'
        : // Once B has made it, a repeat may contradict B's own.
          answer.status === entry.status || (done && answer.status === 409)
    done ||= answer.status === entry.status
    if (!asItMust || tellsOfA(world, answer))
      faults.push(`${who}: ${answer.status} ${JSON.stringify(answer.body)}`)
  }
  return faults
}

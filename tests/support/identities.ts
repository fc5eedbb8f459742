import type { KeyObject } from 'node:crypto'
import { type JWTPayload, SignJWT } from 'jose'
import { type Answer, nobody, type Workspace } from './people.ts'
import { newWidget, type Visit } from './sockets.ts'

/** What the site of a tenant does: it signs who is before the browser. */
export const signed = (
  claims: JWTPayload,
  key: string | KeyObject,
  alg: 'HS256' | 'HS512' | 'EdDSA' = 'HS256',
): Promise<string> =>
  new SignJWT({ exp: inSeconds(600), ...claims })
    .setProtectedHeader({ alg })
    .sign(typeof key === 'string' ? new TextEncoder().encode(key) : key)

export const inSeconds = (seconds: number): number => Math.floor(Date.now() / 1_000) + seconds

export interface KnowingWidget {
  readonly id: string
  readonly publicKey: string
  readonly secret: string
}

/** A widget that can check identities, and the secret of its site. */
export async function knowingWidget(workspace: Workspace): Promise<KnowingWidget> {
  const widget = await newWidget(workspace)
  const answer = await workspace.owner.call<{ secret: string }>(
    'post',
    `/api/v1/widgets/${widget.id}/identity-secret`,
  )
  if (answer.status !== 201) throw new Error(`no secret was made: ${answer.status}`)
  return { ...widget, secret: answer.body.secret }
}

/** The answer to whoever asks to be let in, whatever it is. */
export const knock = (
  parley: { readonly url: string },
  body: { readonly widget: string; readonly resume?: string; readonly identity?: string },
): Promise<Answer<Visit>> => nobody(parley).call<Visit>('post', '/api/v1/visitor/sessions', body)

/** A visit of somebody whom the site knows; from a browser that was there before, perhaps. */
export async function knownVisit(
  parley: { readonly url: string },
  { publicKey, secret }: KnowingWidget,
  claims: JWTPayload,
  resume?: string,
): Promise<Visit> {
  const identity = await signed(claims, secret)
  const answer = await knock(parley, { widget: publicKey, identity, ...(resume ? { resume } : {}) })
  if (answer.status !== 201) throw new Error(`not let in: ${JSON.stringify(answer.body)}`)
  return { ...answer.body, widgetKey: publicKey }
}

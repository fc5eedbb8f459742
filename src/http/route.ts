import type { z } from 'zod'
import type { Transaction } from '../db/index.ts'
import type { Identity, Origin, Permission, Scope } from '../kernel/index.ts'
import type { RequestHeaders } from './call.ts'
import type { Upload } from './upload.ts'

export type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'

type Shape = z.ZodType | undefined
type Parsed<Schema extends Shape> = Schema extends z.ZodType ? z.output<Schema> : undefined

interface Description<Params extends Shape, Query extends Shape, Body extends Shape, Reply extends Shape> {
  readonly method: Method
  /** With `{name}` for parameters, as in OpenAPI. */
  readonly path: `/${string}`
  readonly tag: string
  readonly summary: string
  readonly params?: Params
  readonly query?: Query
  readonly body?: Body
  /** What is sent; fields that it does not name never leave. None: 204. */
  readonly reply?: Reply
  readonly status?: 200 | 201
  /** Something here could be guessed (a password, a code, a token): the stricter limit applies. */
  readonly guessable?: boolean
  /** It may answer with 302 instead: a link that a browser follows. */
  readonly redirects?: true
  /** The body is a file of one of these types, read by the handler as it arrives. */
  readonly accepts?: readonly string[]
  /** Answers with a file of whatever type, or a part of one. */
  readonly sendsFile?: true
}

interface Input<Params extends Shape, Query extends Shape, Body extends Shape> {
  readonly params: Parsed<Params>
  readonly query: Parsed<Query>
  readonly body: Parsed<Body>
  readonly origin: Origin
  readonly headers: RequestHeaders
}

export type Access =
  | { readonly kind: 'public' }
  | { readonly kind: 'person' }
  | { readonly kind: 'master_admin' }
  | { readonly kind: 'tenant'; readonly permission: Permission }

/** What the plumbing needs to serve a route; the types of one route are checked where it is written. */
export interface Route extends Description<Shape, Shape, Shape, Shape> {
  readonly access: Access
  /** Whether an Idempotency-Key makes a repeat return the first answer. */
  readonly idempotent: boolean
  /** The handler opens its transactions itself. */
  readonly ownTransactions?: true
  /** Returns what the reply is made of, or a finished web Response that is passed on as it is. */
  readonly handle: (call: RouteCall) => Promise<unknown>
}

/** What an Idempotency-Key is compared by. */
export interface Repeat {
  readonly key: string | undefined
  /** Of the request: the same key with another request is a mistake of the client. */
  readonly fingerprint: string
}

/** What a handler returns that honours an Idempotency-Key itself and has found the first answer. */
export class Replayed {
  readonly body: unknown

  constructor(body: unknown) {
    this.body = body
  }
}

/** Everything a handler may ask for; which parts are there depends on the access of the route. */
export interface RouteCall extends Input<Shape, Shape, Shape> {
  readonly scope?: Scope
  readonly tx?: Transaction
  readonly identity?: Identity
  readonly repeat?: Repeat
  readonly upload?: Upload | undefined
}

/** A route inside a tenant. It runs in one scoped transaction: the change, its audit entry and its idempotency key stand or fall together. */
export function tenantRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends Shape = undefined,
  Reply extends Shape = undefined,
>(
  route: Description<Params, Query, Body, Reply> & {
    readonly permission: Permission
    readonly idempotent?: boolean
    readonly handle: (
      call: Input<Params, Query, Body> & { readonly scope: Scope; readonly tx: Transaction },
    ) => Promise<unknown>
  },
): Route {
  const { permission, handle, idempotent = false, ...description } = route
  return {
    ...description,
    idempotent,
    access: { kind: 'tenant', permission },
    handle: handle as Route['handle'],
  } as Route
}

/**
 * A route inside a tenant that asks somebody outside. It gets no transaction, which would be open for as long as the other takes; the handler
 * opens its own ones. So it honours no Idempotency-Key, and is for what may be done twice.
 */
export function outsideRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends Shape = undefined,
  Reply extends Shape = undefined,
>(
  route: Description<Params, Query, Body, Reply> & {
    readonly permission: Permission
    readonly handle: (call: Input<Params, Query, Body> & { readonly scope: Scope }) => Promise<unknown>
  },
): Route {
  const { permission, handle, ...description } = route
  return {
    ...description,
    idempotent: false,
    ownTransactions: true,
    access: { kind: 'tenant', permission },
    handle: handle as Route['handle'],
  } as Route
}

/**
 * A route inside a tenant that takes a file. It gets no transaction: one would stay open for as long as the sender takes. So an
 * Idempotency-Key is honoured by the handler itself, in the transaction that it opens once the file is there.
 */
export function uploadRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Reply extends Shape = undefined,
>(
  route: Description<Params, Query, undefined, Reply> & {
    readonly permission: Permission
    readonly idempotent?: boolean
    readonly accepts: readonly string[]
    readonly handle: (
      call: Input<Params, Query, undefined> & {
        readonly scope: Scope
        readonly upload: Upload
        readonly repeat: Repeat
      },
    ) => Promise<unknown>
  },
): Route {
  const { permission, handle, idempotent = false, ...description } = route
  return {
    ...description,
    idempotent,
    access: { kind: 'tenant', permission },
    handle: handle as Route['handle'],
  } as Route
}

/** A route of a signed-in person, before or beside any tenant. */
export function personRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends Shape = undefined,
  Reply extends Shape = undefined,
>(
  route: Description<Params, Query, Body, Reply> & {
    readonly masterAdmin?: boolean
    /** Says that the handler honours an Idempotency-Key: before there is a tenant, the plumbing has no place to keep one. */
    readonly idempotent?: boolean
    readonly handle: (
      call: Input<Params, Query, Body> & {
        readonly identity: Identity
        readonly repeat: Repeat
      },
    ) => Promise<unknown>
  },
): Route {
  const { handle, masterAdmin = false, idempotent = false, ...description } = route
  return {
    ...description,
    idempotent,
    access: { kind: masterAdmin ? 'master_admin' : 'person' },
    handle: handle as Route['handle'],
  } as Route
}

/** A route that takes a file from whoever has the right address. */
export function publicUploadRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Reply extends Shape = undefined,
>(
  route: Description<Params, Query, undefined, Reply> & {
    readonly accepts: readonly string[]
    readonly handle: (call: Input<Params, Query, undefined> & { readonly upload: Upload }) => Promise<unknown>
  },
): Route {
  const { handle, ...description } = route
  return {
    ...description,
    idempotent: false,
    access: { kind: 'public' },
    handle: handle as Route['handle'],
  } as Route
}

/** A route for anybody. */
export function publicRoute<
  Params extends Shape = undefined,
  Query extends Shape = undefined,
  Body extends Shape = undefined,
  Reply extends Shape = undefined,
>(
  route: Description<Params, Query, Body, Reply> & {
    readonly handle: (call: Input<Params, Query, Body>) => Promise<unknown>
  },
): Route {
  const { handle, ...description } = route
  return {
    ...description,
    idempotent: false,
    access: { kind: 'public' },
    handle: handle as Route['handle'],
  } as Route
}

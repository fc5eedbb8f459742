import { z } from 'zod'
import { errorCodes, errorTable, problemSchema } from '../protocol/index.ts'
import type { Access, Route } from './route.ts'

type JsonObject = Record<string, unknown>

/** OpenAPI 3.1 from the schemas that validate requests and shape replies: it cannot say anything else than the program does. */
export function describeApi(routes: readonly Route[], about: { version: string; url: string }): JsonObject {
  const components: JsonObject = {}
  const schemaOf = (schema: z.ZodType, io: 'input' | 'output') => collect(schema, io, components)
  const paths: Record<string, JsonObject> = {}
  for (const route of routes) {
    const path = paths[route.path] ?? {}
    paths[route.path] = path
    path[route.method] = describeRoute(route, schemaOf)
  }
  schemaOf(problemSchema, 'output')
  return {
    openapi: '3.1.0',
    info: {
      title: 'Parley',
      version: about.version,
      description: introduction(about.url),
    },
    servers: [{ url: about.url }],
    paths,
    components: {
      schemas: components,
      securitySchemes,
    },
  }
}

const securitySchemes = {
  key: {
    type: 'http',
    scheme: 'bearer',
    description:
      'An API key, made by `POST /api/v1/keys`. It works inside its workspace and stands for no person, so routes for whoever is signed in refuse it.',
  },
  sessionToken: {
    type: 'http',
    scheme: 'bearer',
    description: 'The `token` that signing in answers. It stands for a person and works wherever they may.',
  },
  session: {
    type: 'apiKey',
    in: 'cookie',
    name: 'parley.session_token',
    description: 'The same session in a browser: the cookie that signing in sets.',
  },
}

const ofPeople = [{ sessionToken: [] }, { session: [] }]
const securityOf: Record<Access['kind'], readonly JsonObject[]> = {
  public: [],
  person: ofPeople,
  master_admin: ofPeople,
  tenant: [{ key: [] }, ...ofPeople],
}

function describeRoute(
  route: Route,
  schemaOf: (schema: z.ZodType, io: 'input' | 'output') => unknown,
): JsonObject {
  const status = route.status ?? (route.reply || route.sendsFile ? 200 : 204)
  const problem = (description: string) => ({
    description,
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  })
  return {
    tags: [route.tag],
    summary: route.summary,
    operationId: operationId(route),
    security: securityOf[route.access.kind],
    ...(route.access.kind === 'public' ? {} : { description: accessNote(route.access) }),
    parameters: [
      ...parametersOf(route.params, 'path', schemaOf),
      ...parametersOf(route.query, 'query', schemaOf),
      ...(route.access.kind === 'tenant' ? [tenantHeader] : []),
      ...(route.idempotent ? [idempotencyHeader] : []),
    ],
    ...(route.body
      ? {
          requestBody: {
            required: true,
            content: { 'application/json': { schema: schemaOf(route.body, 'input') } },
          },
        }
      : {}),
    ...(route.accepts ? { requestBody: fileBody(route.accepts) } : {}),
    responses: {
      [status]: route.sendsFile
        ? sentFile
        : route.reply
          ? {
              description: 'Done',
              content: { 'application/json': { schema: schemaOf(route.reply, 'output') } },
            }
          : { description: 'Done; no content' },
      ...(route.redirects ? { 302: redirect } : {}),
      default: problem('Not done; see the error table'),
    },
  }
}

const redirect = {
  description:
    'The browser is sent on, also when it failed: then the address has the reason as its parameter `error`',
  headers: { Location: { required: true, schema: { type: 'string' } } },
}

const fileBody = (types: readonly string[]): JsonObject => ({
  description: 'The file as it is',
  required: true,
  content: Object.fromEntries(types.map(type => [type, { schema: {} }])),
})

const sentFile = {
  description:
    'The file; 206 with a part of it where `Range` asks for one, 304 where the client has it already',
  content: { '*/*': { schema: {} } },
}

const tenantHeader = {
  name: 'Parley-Tenant',
  in: 'header',
  description: 'Id or slug of the workspace; needed by people who belong to several. A key has its own.',
  schema: { type: 'string' },
}

const idempotencyHeader = {
  name: 'Idempotency-Key',
  in: 'header',
  description:
    'Repeating a request with the same key within a day returns the first answer and creates nothing.',
  schema: { type: 'string', maxLength: 200 },
}

function accessNote(access: Exclude<Access, { kind: 'public' }>): string {
  if (access.kind === 'tenant') return `Needs the permission \`${access.permission}\`.`
  return access.kind === 'person' ? 'For anyone who is signed in.' : 'For master admins.'
}

function parametersOf(
  schema: z.ZodType | undefined,
  place: 'path' | 'query',
  schemaOf: (schema: z.ZodType, io: 'input' | 'output') => unknown,
): JsonObject[] {
  if (!(schema instanceof z.ZodObject)) return []
  return Object.entries(schema.shape).map(([name, field]) => ({
    name,
    in: place,
    required: place === 'path' || !field.safeParse(undefined).success,
    ...(field.description ? { description: field.description } : {}),
    schema: schemaOf(field as z.ZodType, 'input'),
  }))
}

/** JSON Schema of a zod schema; named parts move to the document's components. */
function collect(schema: z.ZodType, io: 'input' | 'output', components: JsonObject): unknown {
  const {
    $schema: _,
    $defs = {},
    ...body
  } = z.toJSONSchema(schema, {
    io,
    unrepresentable: 'any',
    override: ({ zodSchema, jsonSchema }) => makeReadable(zodSchema, jsonSchema as JsonObject),
  }) as JsonObject
  const relink = (part: unknown): unknown =>
    JSON.parse(JSON.stringify(part).replaceAll('"#/$defs/', '"#/components/schemas/'))
  for (const [name, part] of Object.entries($defs as JsonObject)) components[name] = relink(part)
  // A schema with a name of its own is among the parts, and the body a reference to it.
  return relink(body)
}

const examplesOf: Readonly<Record<string, string>> = {
  'date-time': '2030-01-31T12:00:00.000Z',
  email: 'ada@example.com',
  uuid: '01890a5d-ac96-774b-bcce-b302099a8057',
}

/** For people who read the document, and so that the bodies a viewer makes of it can be sent as they are. */
function makeReadable(schema: z.core.$ZodType, described: JsonObject): void {
  const { def } = schema._zod as {
    def: { type: string; defaultValue?: unknown; out?: { _zod: { def: { format?: string } } } }
  }
  // What comes in is described before it is trimmed, and what it has to be by then is lost.
  if (def.type === 'pipe' && described.type === 'string' && def.out?._zod.def.format === 'email')
    described.format = 'email'
  // Left out where the text of an address becomes a number.
  if (def.type === 'default') described.default ??= def.defaultValue
  const example = examplesOf[String(described.format)]
  if (example !== undefined) described.examples = [example]
  // The format says it already; this one has 300 characters.
  if (described.format === 'date-time') delete described.pattern
  // What a number of JSON can hold at all is no rule of ours.
  if (described.minimum === Number.MIN_SAFE_INTEGER) delete described.minimum
  if (described.maximum === Number.MAX_SAFE_INTEGER) delete described.maximum
}

function operationId(route: Route): string {
  const words = route.path
    .replace(/^\/api\/(v1\/)?/, '')
    .split('/')
    .map(word => word.replace(/[{}]/g, ''))
  return [route.method, ...words].map((word, at) => (at === 0 ? word : capital(word))).join('')
}

const capital = (word: string): string =>
  word
    .split(/[^a-zA-Z0-9]+/)
    .map(part => part.charAt(0).toUpperCase() + part.slice(1))
    .join('')

/** The front door for whoever comes to program against it. */
function introduction(url: string): string {
  const codes = errorCodes.map(code => `\`${code}\` ${errorTable[code].status}`).join(', ')
  const again = errorCodes.filter(code => errorTable[code].retryable).map(code => `\`${code}\``)
  return `Parley is a gateway for conversations. This API runs a workspace: its members, roles and keys, its contacts and widgets, its conversations and their log, its audit log. It speaks JSON over HTTP. Times are UTC, ids are UUIDs, and a field or parameter that is not described here is refused.

## Getting access

Sign in with \`POST /api/auth/sign-in/email\` and send the \`token\` of its answer along; a browser gets the same session as a cookie.

    curl ${url}/api/v1/me -H 'Authorization: Bearer <token>'

- **People of several workspaces** say which one they mean with the header \`Parley-Tenant\`: its id or slug.
- **Programs** use an API key, made by \`POST /api/v1/keys\`, shown once, and sent as bearer token too. It belongs to one workspace, has the permissions it was given and does not stand for a person: whatever is for anyone who is signed in, such as \`/api/v1/me\`, refuses it.

## Two-factor sign-in

1. With a second factor, signing in answers \`twoFactorRedirect: true\`, no token, and sets a cookie.
2. \`POST /api/auth/two-factor/verify-totp\` (or \`verify-backup-code\`) needs that cookie with the code, and answers the token.
3. To enrol, call \`two-factor/enable\` with the password, then \`verify-totp\` with the first code of the app.
4. Enrolling ends the session it was done with: go on with the token that \`verify-totp\` answers.

## Lists

A list answers \`{ items, nextCursor }\`, newest first. Pass \`nextCursor\` as \`cursor\` for the next page; it is null on the last one. \`limit\` is at most 100. The messages of a conversation are read in their own order, after a position.

## Repeating safely

Where a request creates something and takes an \`Idempotency-Key\`, send a random one. Repeating the request with the same key within a day returns the first answer and creates nothing; another request with that key is \`idempotency_mismatch\`.

## Limits

Requests are counted per address and minute, and more strictly where a password, code or token could be guessed. \`RateLimit-Remaining\` says how many are left. Wrong passwords are counted per account as well, wherever they come from. Too many answer 429 with \`Retry-After\`, in seconds.

## Errors

Every failure is \`application/problem+json\` with a \`code\`, a \`requestId\` to report it by and, where the request is at fault, all faults in \`errors\`. [The error table](${url}/api/docs/errors) says what each code means and what to do; only ${again.join(' and ')} are worth repeating unchanged. The codes: ${codes}.`
}

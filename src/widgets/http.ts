import { z } from 'zod'
import {
  cursorId,
  given,
  idParams,
  lineField,
  objectField,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  toPage,
} from '../http/index.ts'
import { found } from '../kernel/index.ts'
import { createWidget } from './createWidget.ts'
import { deleteWidget } from './deleteWidget.ts'
import { listWidgets, readWidget } from './store.ts'
import { updateWidget } from './updateWidget.ts'

const moment = z.iso.datetime()
const settings = z.record(z.string(), z.unknown())

const widgetView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    publicKey: z.string().describe('Goes into the script tag; not a secret'),
    agentId: z.uuid().nullable(),
    allowedDomains: z.array(z.string()),
    appearance: settings,
    behaviour: settings,
    launcher: settings,
    chatWindow: settings,
    preChatForm: settings,
    businessHours: settings,
    localeStrings: settings,
    active: z.boolean(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Widget' })

const domain = z
  .string()
  .trim()
  .toLowerCase()
  .max(253)
  .regex(
    /^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*(:\d{1,5})?$/,
    'must be a host name such as example.com, *.example.com or localhost:8080',
  )
  .meta({ examples: ['example.com'] })

const fields = {
  name: lineField(100),
  allowedDomains: z.array(domain).max(100).optional(),
  appearance: objectField().optional(),
  behaviour: objectField().optional(),
  launcher: objectField().optional(),
  chatWindow: objectField().optional(),
  preChatForm: objectField().optional(),
  businessHours: objectField().optional(),
  localeStrings: objectField(65_536).optional(),
  active: z.boolean().optional(),
}
const widgetInput = z.strictObject(fields)
const widgetPatch = z.strictObject({ ...fields, name: fields.name.optional() })

export function widgetRoutes(): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/widgets',
      tag: 'Widgets',
      summary: 'Widgets, newest first',
      permission: 'widgets:read',
      query: pageQuery,
      reply: pageOf(widgetView),
      handle: async ({ scope, tx, query }) =>
        toPage(await listWidgets(tx, scope, { limit: query.limit, after: cursorId(query) }), query),
    }),
    tenantRoute({
      method: 'post',
      path: '/api/v1/widgets',
      tag: 'Widgets',
      summary: 'Create a widget',
      permission: 'widgets:write',
      idempotent: true,
      body: widgetInput,
      reply: widgetView,
      status: 201,
      handle: ({ scope, tx, body }) => createWidget(scope, tx, given(body)),
    }),
    tenantRoute({
      method: 'get',
      path: '/api/v1/widgets/{id}',
      tag: 'Widgets',
      summary: 'One widget',
      permission: 'widgets:read',
      params: idParams,
      reply: widgetView,
      handle: async ({ scope, tx, params }) => found(await readWidget(tx, scope, params.id), 'widget'),
    }),
    tenantRoute({
      method: 'patch',
      path: '/api/v1/widgets/{id}',
      tag: 'Widgets',
      summary: 'Change a widget',
      permission: 'widgets:write',
      params: idParams,
      body: widgetPatch,
      reply: widgetView,
      handle: ({ scope, tx, params, body }) => updateWidget(scope, tx, params.id, given(body)),
    }),
    tenantRoute({
      method: 'delete',
      path: '/api/v1/widgets/{id}',
      tag: 'Widgets',
      summary: 'Delete a widget; conversations that began in it stay',
      permission: 'widgets:write',
      params: idParams,
      handle: ({ scope, tx, params }) => deleteWidget(scope, tx, params.id),
    }),
  ]
}

import { z } from 'zod'
import {
  cursorId,
  given,
  idField,
  idParams,
  lineField,
  pageOf,
  pageQuery,
  type Route,
  tenantRoute,
  toPage,
} from '../http/index.ts'
import { found } from '../kernel/index.ts'
import { createWidget } from './createWidget.ts'
import { deleteWidget } from './deleteWidget.ts'
import { type HiddenAgents, requireAgent } from './requireAgent.ts'
import { settingsOf, settingsSchemas } from './settings.ts'
import { listWidgets, readWidget, type WidgetRow } from './store.ts'
import { updateWidget } from './updateWidget.ts'

const moment = z.iso.datetime()

const widgetView = z
  .object({
    id: z.uuid(),
    name: z.string(),
    publicKey: z.string().describe('Goes into the script tag; not a secret'),
    agentId: z.uuid().nullable(),
    allowedDomains: z.array(z.string()),
    ...settingsSchemas,
    active: z.boolean(),
    identityRequired: z.boolean().describe('Nobody comes in without a signed identity'),
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
  agentId: idField
    .nullable()
    .optional()
    .describe('Who answers in conversations that begin in it; people alone without one'),
  allowedDomains: z.array(domain).max(100).optional(),
  appearance: settingsSchemas.appearance.optional(),
  behaviour: settingsSchemas.behaviour.optional(),
  launcher: settingsSchemas.launcher.optional(),
  chatWindow: settingsSchemas.chatWindow.optional(),
  preChatForm: settingsSchemas.preChatForm.optional(),
  businessHours: settingsSchemas.businessHours.optional(),
  localeStrings: settingsSchemas.localeStrings.optional(),
  active: z.boolean().optional(),
  identityRequired: z.boolean().optional(),
}
const widgetInput = z.strictObject(fields)
const widgetPatch = z.strictObject({ ...fields, name: fields.name.optional() })

const viewOf = (row: WidgetRow) => ({ ...row, ...settingsOf(row) })

export function widgetRoutes(parts: { readonly hiddenAgents: HiddenAgents }): Route[] {
  return [
    tenantRoute({
      method: 'get',
      path: '/api/v1/widgets',
      tag: 'Widgets',
      summary: 'Widgets, newest first',
      permission: 'widgets:read',
      query: pageQuery,
      reply: pageOf(widgetView),
      handle: async ({ scope, tx, query }) => {
        const rows = await listWidgets(tx, scope, { limit: query.limit, after: cursorId(query) })
        return toPage(rows.map(viewOf), query)
      },
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
      handle: async ({ scope, tx, body }) => {
        await requireAgent(tx, scope, parts.hiddenAgents, body.agentId)
        return viewOf(await createWidget(scope, tx, given(body)))
      },
    }),
    tenantRoute({
      method: 'get',
      path: '/api/v1/widgets/{id}',
      tag: 'Widgets',
      summary: 'One widget',
      permission: 'widgets:read',
      params: idParams,
      reply: widgetView,
      handle: async ({ scope, tx, params }) =>
        viewOf(found(await readWidget(tx, scope, params.id), 'widget')),
    }),
    tenantRoute({
      method: 'patch',
      path: '/api/v1/widgets/{id}',
      tag: 'Widgets',
      summary: 'Change a widget; a group of settings that is given takes the place of the whole group',
      permission: 'widgets:write',
      params: idParams,
      body: widgetPatch,
      reply: widgetView,
      handle: async ({ scope, tx, params, body }) =>
        viewOf(await updateWidget(scope, tx, parts, { id: params.id, patch: given(body) })),
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

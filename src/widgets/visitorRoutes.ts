import { z } from 'zod'
import { isFromOurPage, publicRoute, type RequestHeaders, type Route } from '../http/index.ts'
import { widgetConfigSchema } from '../protocol/index.ts'
import type { Visitors } from './visitors.ts'

const visitInput = z.strictObject({
  widget: z.string().min(1).max(200).describe('The public key of the widget'),
  resume: z.string().max(2_000).optional().describe('What an earlier visit of this browser was given'),
  identity: z
    .string()
    .min(1)
    .max(4_096)
    .optional()
    .describe('A JSON Web Token by which the site says who this is: `sub`, `exp`, `email`, `name`, `phone`'),
})

const visitView = z
  .object({
    token: z.string().describe('Presented to the gateway as `auth.token`; short-lived'),
    expiresAt: z.iso.datetime(),
    resume: z.string().describe('To keep, in the place of the former one; brings this visitor back'),
    contactId: z.uuid(),
    widget: z.object({ id: z.uuid(), name: z.string() }),
  })
  .meta({ id: 'Visit' })

const keyParams = z.strictObject({ key: z.string().min(1).max(200).describe('The public key of the widget') })

const languagesQuery = z.strictObject({
  languages: z
    .string()
    .max(2_000)
    .default('')
    .describe('Of the page and its visitor, in their order and separated by commas, such as `de-AT,en`'),
})

const configView = widgetConfigSchema.meta({ id: 'WidgetConfig' })

/** The page that asks, unless it is one of ours. */
const pageOf = (headers: RequestHeaders, publicOrigin: string): string | undefined =>
  isFromOurPage(headers, publicOrigin) ? undefined : headers.origin

export const visitorRoutes = (visitors: Visitors, publicOrigin: string): Route[] => [
  publicRoute({
    method: 'get',
    path: '/api/v1/visitor/widgets/{key}',
    tag: 'Visitors',
    summary: 'What a page shows of a widget; only for pages of the domains of the widget',
    params: keyParams,
    query: languagesQuery,
    reply: configView,
    handle: async ({ params: { key }, query: { languages }, headers }) => {
      const page = pageOf(headers, publicOrigin)
      const config = await visitors.configFor(key, page, languages.split(','))
      // Every page of a site asks for it; hours and settings that are a minute old do no harm. Whether it is told depends on the page.
      return Response.json(configView.parse(config), {
        headers: { 'cache-control': 'public, max-age=60', vary: 'Origin' },
      })
    },
  }),
  publicRoute({
    method: 'post',
    path: '/api/v1/visitor/sessions',
    tag: 'Visitors',
    summary: 'Begin or go on with a visit; only from pages of the domains of the widget',
    body: visitInput,
    reply: visitView,
    status: 201,
    handle: ({ body: { widget: widgetKey, resume, identity }, headers, origin }) => {
      const page = pageOf(headers, publicOrigin)
      return visitors.begin({ widgetKey, resume, identity, page, origin })
    },
  }),
]

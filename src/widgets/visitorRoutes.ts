import { z } from 'zod'
import { isFromOurPage, publicRoute, type Route } from '../http/index.ts'
import type { Visitors } from './visitors.ts'

const visitInput = z.strictObject({
  widget: z.string().min(1).max(200).describe('The public key of the widget'),
  resume: z.string().max(2_000).optional().describe('What an earlier visit of this browser was given'),
})

const visitView = z
  .object({
    token: z.string().describe('Presented to the gateway as `auth.token`; short-lived'),
    expiresAt: z.iso.datetime(),
    resume: z.string().describe('To keep; brings this visitor back'),
    contactId: z.uuid(),
    widget: z.object({ id: z.uuid(), name: z.string() }),
  })
  .meta({ id: 'Visit' })

export const visitorRoutes = (visitors: Visitors, publicOrigin: string): Route[] => [
  publicRoute({
    method: 'post',
    path: '/api/v1/visitor/sessions',
    tag: 'Visitors',
    summary: 'Begin or go on with a visit; only from pages of the domains of the widget',
    body: visitInput,
    reply: visitView,
    status: 201,
    handle: ({ body, headers }) => {
      const page = isFromOurPage(headers, publicOrigin) ? undefined : headers.origin
      return visitors.begin(body.widget, body.resume, page)
    },
  }),
]

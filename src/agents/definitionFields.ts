import { z } from 'zod'
import { idField, lineField, textField } from '../http/index.ts'
import { agentStatuses, agentTypes, builtInTools, httpMethods, modelProviders } from './schema.ts'
import { toolParametersField } from './toolParameters.ts'

/** What requests say of an agent, and what answers show of it. */

export const toolName = z
  .string()
  .regex(/^[a-zA-Z0-9_-]{1,64}$/, 'must have 1 to 64 letters, digits, underscores and hyphens')

/** As a server names it: names of tools differ by everything, so what is sent back is what came. */
export const foreignToolName = z.string().min(1).max(200)

/** A header of a tenant's, with its value, which is never given back. */
export const headersField = z
  .record(
    z.string().regex(/^[a-zA-Z0-9!#$%&'*+.^_`|~-]{1,100}$/, 'must be the name of a header'),
    z
      .string()
      .min(1)
      .max(4_000)
      .regex(/^[\x20-\x7e]*$/, 'must have printable ASCII characters alone'),
  )
  .refine(headers => Object.keys(headers).length <= 20, 'must have at most 20 headers')

const address = z.string().max(2_000)

const httpToolInput = z.strictObject({
  name: toolName,
  description: z.string().trim().min(1).max(2_000),
  method: z.enum(httpMethods),
  url: address.describe('`{name}` in its path or query stands for an argument'),
  parameters: toolParametersField,
  headers: headersField
    .optional()
    .describe(
      'Sealed, and never given back. Absent: those of the tool of this name stay, at the same origin',
    ),
})
export type HttpToolInput = z.output<typeof httpToolInput>

const distinct = (list: readonly string[]) => new Set(list).size === list.length

const allowed = z.record(
  idField,
  z.strictObject({ tools: z.union([z.literal('all'), z.array(foreignToolName).max(200)]) }),
)

const rules = z.strictObject({
  phrases: z.array(lineField(100)).max(50).exactOptional(),
  maxTurns: z.int().min(1).max(1_000).exactOptional(),
  unsureTurns: z.int().min(1).max(20).exactOptional(),
  priority: z.int().min(0).max(10).exactOptional(),
})

const bounds = z.strictObject({
  toolRounds: z.int().min(0).max(20).exactOptional(),
  seconds: z.int().min(5).max(600).exactOptional(),
  outputTokens: z.int().min(16).max(100_000).exactOptional(),
})

const parameters = z.strictObject({
  temperature: z.number().min(0).max(2).exactOptional(),
  topP: z.number().gt(0).max(1).exactOptional(),
  maxTokens: z.int().min(16).max(100_000).exactOptional(),
})

const webAddress = z.url({ protocol: /^https$/, error: 'must be an https:// address' }).max(2_000)

export const agentFields = {
  name: lineField(100),
  description: textField(2_000).nullable().optional(),
  avatarUrl: webAddress.nullable().optional(),
  icon: lineField(64).nullable().optional(),
  type: z.enum(agentTypes).optional(),
  instructions: textField(50_000).optional(),
  welcomeMessage: textField(2_000).nullable().optional(),
  provider: z.enum(modelProviders).optional().describe('`default`: what the installation is set to'),
  model: lineField(200).nullable().optional(),
  parameters: parameters.optional(),
  tools: z.array(z.enum(builtInTools)).refine(distinct, 'must not repeat').optional(),
  toolResources: z.strictObject({ httpTools: z.array(httpToolInput).max(32).optional() }).optional(),
  allowedMcpServers: allowed
    .refine(servers => Object.keys(servers).length <= 20, 'must be at most 20 servers')
    .optional()
    .describe('By the id of a server: its tools that the agent may use'),
  escalationRules: rules.optional(),
  limits: bounds.optional(),
  githubRepository: z
    .string()
    .regex(/^[\w.-]{1,100}\/[\w.-]{1,100}$/, 'must be a repository such as owner/name')
    .nullable()
    .optional(),
}

const shownResources = z.object({
  httpTools: z
    .array(
      z.object({
        name: z.string(),
        description: z.string(),
        method: z.enum(httpMethods),
        url: z.string(),
        parameters: z.record(z.string(), z.unknown()),
        headerNames: z.array(z.string()).optional(),
      }),
    )
    .optional(),
})

const shownDefinition = {
  name: z.string(),
  instructions: z.string(),
  welcomeMessage: z.string().nullable(),
  provider: z.string(),
  model: z.string().nullable(),
  parameters,
  tools: z.array(z.string()),
  toolResources: shownResources,
  allowedMcpServers: allowed,
  escalationRules: rules,
  limits: bounds,
}

const moment = z.iso.datetime()

export const agentView = z
  .object({
    id: z.uuid(),
    ...shownDefinition,
    description: z.string().nullable(),
    avatarUrl: z.string().nullable(),
    icon: z.string().nullable(),
    type: z.enum(agentTypes),
    status: z.enum(agentStatuses),
    tier: z.string(),
    published: z.boolean(),
    version: z.int().describe('Of the definition that answers; 0: nothing has been published'),
    githubRepository: z.string().nullable(),
    createdBy: z.uuid().nullable(),
    createdAt: moment,
    updatedAt: moment,
  })
  .meta({ id: 'Agent' })

export const versionLine = z
  .object({
    id: z.uuid(),
    agentId: z.uuid(),
    version: z.int(),
    note: z.string(),
    publishedBy: z.uuid().nullable(),
    createdAt: moment,
  })
  .meta({ id: 'AgentVersionLine' })

export const versionView = versionLine
  .extend({ definition: z.object(shownDefinition) })
  .meta({ id: 'AgentVersion' })

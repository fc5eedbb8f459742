import type { z } from 'zod'
import { duplicateOf, type Transaction } from '../db/index.ts'
import { given } from '../http/index.ts'
import { found, ParleyError, type Scope, type Vault } from '../kernel/index.ts'
import type { Fault } from '../protocol/index.ts'
import type { Outgoing } from '../providers/outgoing.ts'
import { withoutSecrets } from './definition.ts'
import type { agentFields } from './definitionFields.ts'
import { faultsOfTools, sealTools } from './httpToolFields.ts'
import { type AgentRow, type AgentValues, insertAgent, knownServers, readTemplate } from './store.ts'

export interface AgentParts {
  readonly vault: Vault
  readonly outgoing: Outgoing
}

/** A draft, as it is asked for. */
type Fields = z.output<z.ZodObject<typeof agentFields>>
export type AgentInput = { readonly [Field in keyof Fields]?: Fields[Field] | undefined }

/** A draft; it answers nobody before it is published. */
export async function createAgent(
  scope: Scope,
  tx: Transaction,
  parts: AgentParts,
  { templateId, ...input }: AgentInput & { readonly templateId?: string | undefined },
): Promise<AgentRow> {
  const begun = templateId === undefined ? {} : await fromTemplate(tx, templateId)
  const values = { ...begun, ...(await storable(scope, tx, parts, input)), createdBy: memberOf(scope) }
  const { name } = values
  if (name === undefined)
    throw new ParleyError('invalid_request', undefined, {
      faults: [{ path: 'name', message: 'is required' }],
    })
  const agent = await withUniqueName(async () => {
    const [row] = await insertAgent(tx, scope, { ...values, name })
    return found(row, 'agent')
  })
  const newValues = { ...withoutSecrets(agent) }
  const event = { type: 'changed', action: 'agent.created', resourceType: 'agent' } as const
  await tx.emit({ ...event, resourceId: agent.id, oldValues: null, newValues })
  return agent
}

async function fromTemplate(tx: Transaction, templateId: string): Promise<AgentValues> {
  const template = found(await readTemplate(tx, templateId), 'template')
  const { name, description, icon, welcomeMessage } = template
  return {
    ...{ name, description, icon, welcomeMessage },
    ...{ instructions: template.basePrompt, tools: template.suggestedTools },
  }
}

/** What is asked for, as it is stored; refused where its parts do not fit together. */
export async function storable(
  scope: Scope,
  tx: Transaction,
  { vault, outgoing }: AgentParts,
  { toolResources, ...input }: AgentInput,
  before?: AgentRow,
): Promise<AgentValues> {
  const httpTools = toolResources?.httpTools ?? []
  const faults = faultsOfTools(httpTools, outgoing)
  const servers = Object.keys(input.allowedMcpServers ?? {})
  const known = await knownServers(tx, scope, servers)
  for (const id of servers)
    if (!known.has(id))
      faults.push({ path: `allowedMcpServers.${id}`, message: 'is no server of this workspace' })
  refuse(faults)
  const values = given(input)
  if (!toolResources) return values
  return {
    ...values,
    toolResources: { httpTools: sealTools(vault, httpTools, before?.toolResources.httpTools) },
  }
}

function refuse(faults: readonly Fault[]): void {
  if (faults.length > 0) throw new ParleyError('invalid_request', undefined, { faults })
}

/** Who is noted as the one who did it: a key is nobody in particular. */
export const memberOf = ({ actor }: Scope): string | null => (actor.kind === 'member' ? actor.memberId : null)

export async function withUniqueName<Result>(work: () => Promise<Result>): Promise<Result> {
  try {
    return await work()
  } catch (error) {
    if (duplicateOf(error) === 'agents_name')
      throw new ParleyError('conflict', 'An agent of this name exists already.')
    throw error
  }
}

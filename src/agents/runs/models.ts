import type { Model } from '../../providers/model.ts'
import type { Rung } from '../../usage/index.ts'
import type { AgentDefinition } from '../schema.ts'

export interface Models {
  readonly builtIn: Model
  /** Where a service is configured. */
  readonly service?: { readonly model: Model; readonly name: string; readonly cheapName: string } | undefined
}

export interface Chosen {
  readonly model: Model
  readonly name: string
}

export const builtInName = 'built in'

/** Who answers: what the agent wants, as far as the budget goes. */
export function chooseModel(
  { builtIn, service }: Models,
  definition: Pick<AgentDefinition, 'provider' | 'model'>,
  rung: Exclude<Rung, 'people'>,
): Chosen {
  if (!service || definition.provider === 'builtin' || rung === 'built_in')
    return { model: builtIn, name: builtInName }
  if (rung === 'economy') return { model: service.model, name: service.cheapName }
  return { model: service.model, name: definition.model ?? service.name }
}

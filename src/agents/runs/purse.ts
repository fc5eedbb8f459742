import { estimateTokens, type Scope } from '../../kernel/index.ts'
import type { ModelRequest } from '../../providers/model.ts'
import type { Reserved, Rung, Usage } from '../../usage/index.ts'
import type { Bill } from './books.ts'
import type { Chosen } from './models.ts'
import { throughOutage } from './throughOutage.ts'

export type Planned = Pick<ModelRequest, 'messages' | 'tools' | 'parameters'>

/**
 * The rung of a run that is about to ask a model. There is always as much set aside as the run has spent and this may cost at most: however
 * much it reads, however many rounds its tools take, however often a model is asked again. What does not fit is not asked.
 */
export type Purse = (chosen: Chosen, planned: Planned) => Promise<Rung>

interface PurseParts {
  readonly usage: Pick<Usage, 'cost' | 'reserve'>
  readonly scope: Scope
  readonly runId: string
  readonly bill: Bill
}

export const hasMoney = (rung: Rung): rung is 'full' | 'economy' => rung === 'full' || rung === 'economy'

/** `estimateUsd`: for what it has reserved when it began, which mostly is enough for all of it. */
export function openPurse(
  { usage, scope, runId, bill }: PurseParts,
  { rung, reservation }: Reserved,
  estimateUsd: number,
): Purse {
  let heldUsd = hasMoney(rung) ? estimateUsd : 0
  return async ({ model, name }, { messages, tools, parameters }) => {
    // Without a budget there is nothing to keep to, and what is built in costs nothing.
    if (!reservation.held || model.provider === 'built in') return rung
    const { costUsd } = usage.cost({
      ...{ service: 'model', provider: model.provider, model: name },
      inputTokens: estimateTokens(JSON.stringify([messages, tools])),
      outputTokens: parameters?.maxOutputTokens ?? 0,
    })
    const neededUsd = bill.costUsd + costUsd
    if (neededUsd <= heldUsd) return rung
    const reserved = await throughOutage(() => usage.reserve(scope, { runId, estimateUsd: neededUsd }))
    if (hasMoney(reserved.rung)) heldUsd = neededUsd
    return reserved.rung
  }
}

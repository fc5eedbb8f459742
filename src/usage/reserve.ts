import type { Transaction } from '../db/index.ts'
import type { Scope } from '../kernel/index.ts'
import { type Account, isOf, takeBack } from './account.ts'
import { putReservations, type ReservationRow, readReservations } from './budgetStore.ts'
import { changeAccounts } from './ledger.ts'
import { dollars } from './prices.ts'

/** Who answers, from the best to the cheapest: the model, the cheaper model, the built-in answers, people. */
export const rungs = ['full', 'economy', 'built_in', 'people'] as const
export type Rung = (typeof rungs)[number]

/** What a run gives back when it settles. */
export interface Reservation {
  readonly runId: string
  /** Without a budget there is nothing to settle. */
  readonly held: boolean
}

export interface Reserved {
  readonly rung: Rung
  readonly reservation: Reservation
}

/** What a run of a tenant without budgets is given: all it wants, and nothing to settle. */
export const unlimited = (runId: string): Reserved => ({ rung: 'full', reservation: { runId, held: false } })

/** A run that is at work for longer reserves again, which is no more than saying that it lives. */
const lapseMinutes = 15

/**
 * Sets the estimate aside in every budget of the tenant, or in none. So what is spent and reserved together never exceeds a limit, and
 * neither does what is spent, as long as runs keep to their estimates. The same run again: the new estimate in place of the old one, which stays
 * if the new one does not fit. Also a run that is refused is kept, for what it costs all the same.
 */
export async function reserve(
  scope: Scope,
  tx: Transaction,
  { runId, estimateUsd }: { readonly runId: string; readonly estimateUsd: number },
): Promise<Reserved> {
  const estimate = dollars(Math.max(estimateUsd, 0))
  let reserved = unlimited(runId)
  await changeAccounts(scope, tx, async accounts => {
    const before = await readReservations(tx, scope, runId)
    const places = accounts.map(account => placeIn(account, before, estimate))
    const fits = places.every(place => place.fits)
    await putReservations(
      tx,
      scope,
      places.map(({ account, own, without, fits: fitsHere }) => {
        account.refused ||= !fitsHere
        if (fits) {
          account.spentUsd = without.spentUsd
          account.reservedUsd = dollars(without.reservedUsd + estimate)
        }
        const amountUsd = fits ? estimate : (own?.amountUsd ?? 0)
        return { budgetId: account.budget.id, runId, periodStart: account.periodStart, amountUsd }
      }),
      lapseMinutes,
    )
    const rung = rungs[Math.max(...places.map(place => rungs.indexOf(place.rung)))] ?? 'people'
    reserved = { rung, reservation: { runId, held: true } }
  })
  return reserved
}

/** How the estimate would stand in one budget, with what the run holds already taken back. */
function placeIn(account: Account, before: readonly ReservationRow[], estimate: number) {
  const { limitUsd, economyFrom, builtInAfter } = account.budget
  const own = before.find(reservation => isOf(account, reservation))
  const without = { ...account }
  if (own) takeBack(without, own)
  const used = dollars(without.spentUsd + without.reservedUsd)
  // What costs nothing needs no money.
  const fits = estimate === 0 || dollars(used + estimate) <= limitUsd
  const economy = used >= dollars(economyFrom * limitUsd)
  const rung: Rung = fits ? (economy ? 'economy' : 'full') : builtInAfter ? 'built_in' : 'people'
  return { account, own, without, fits, rung }
}

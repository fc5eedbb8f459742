import type { BudgetNow, BudgetRow, ReservationRow } from './budgetStore.ts'
import { dollars } from './prices.ts'

/** A budget under its lock, in its current period. */
export interface Account {
  readonly budget: BudgetNow
  readonly periodStart: Date
  spentUsd: number
  reservedUsd: number
  /** Something did not fit into what is left. */
  refused: boolean
}

/** A period only ever gives way to a later one: a transaction that began before midnight may get the lock after it. */
export function inCurrentPeriod(budget: BudgetNow): Account {
  const { periodStart, currentStart, spentUsd, reservedUsd } = budget
  return currentStart > periodStart
    ? { budget, periodStart: currentStart, spentUsd: 0, reservedUsd: 0, refused: false }
    : { budget, periodStart, spentUsd, reservedUsd, refused: false }
}

/** As it is kept. */
export const standingOf = ({
  periodStart,
  spentUsd,
  reservedUsd,
}: Account): Pick<BudgetRow, 'periodStart' | 'spentUsd' | 'reservedUsd'> => ({
  periodStart,
  spentUsd,
  reservedUsd,
})

/** A reservation counts in the period in which it was made; what a run of the last one costs is not taken from this one. */
export const isOf = ({ budget, periodStart }: Account, reservation: ReservationRow): boolean =>
  reservation.budgetId === budget.id && reservation.periodStart.getTime() === periodStart.getTime()

/** As if the reservation had never been: what it holds is free again, and what was counted as spent when it lapsed is not spent. */
export function takeBack(account: Account, { amountUsd }: ReservationRow): void {
  account.reservedUsd = dollars(account.reservedUsd - Math.max(amountUsd, 0))
  account.spentUsd = dollars(account.spentUsd + Math.min(amountUsd, 0))
}

export function spend(account: Account, amount: number): void {
  account.spentUsd = dollars(account.spentUsd + amount)
}

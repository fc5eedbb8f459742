import type { Transaction } from '../db/index.ts'
import type { BudgetAlert, EventWithin, Scope, Vault } from '../kernel/index.ts'
import type { Mail } from '../providers/mail.ts'
import { greeting, plainName, queueMail, readStewards } from '../tenancy/index.ts'

/** Owners and admins hear of an alert by mail: queued in the transaction that raises it, and so once, if and only if it was raised. */
export const mailAlerts =
  (vault: Vault) =>
  async (scope: Scope, tx: Transaction, event: EventWithin): Promise<void> => {
    if (event.type !== 'budget.alert') return
    for (const steward of await readStewards(tx, scope)) await queueMail(tx, vault, alertMail(steward, event))
  }

type Steward = Awaited<ReturnType<typeof readStewards>>[number]

const periods = { day: 'today', month: 'this month' } as const
const again = { day: 'at midnight (UTC)', month: 'on the first of the next month (UTC)' } as const

function alertMail({ tenant, name, email }: Steward, alert: BudgetAlert): Mail {
  const { period, severity, threshold, spentUsd, limitUsd } = alert
  const share = `${Math.round(threshold * 100)} %`
  const workspace = plainName(tenant)
  const reached =
    severity === 'exhausted'
      ? `The budget of ${workspace} for ${periods[period]} is used up`
      : `${workspace} has spent ${share} of its budget for ${periods[period]}`
  return {
    to: email,
    subject: reached,
    text: `${greeting(name)}\n\n${sentence(reached)}: ${dollars(spentUsd)} of ${dollars(limitUsd)}.\n\n${consequences[severity]} The budget begins anew ${again[period]}. Owners and admins can change it at any time.\n`,
  }
}

const sentence = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)
const dollars = (amount: number): string => `$${amount.toFixed(2)}`

const consequences: Readonly<Record<BudgetAlert['severity'], string>> = {
  notice: 'Nothing changes for your visitors.',
  warning: 'From here on, answers come from the cheaper model.',
  exhausted:
    'Until then no model that costs is asked: visitors get the built-in answers from your documents, or a person.',
}

import { and, eq, lt, ne, type SQL, sql } from 'drizzle-orm'
import type { Transaction } from '../db/index.ts'
import type { EventWithin, Scope } from '../kernel/index.ts'
import { transcriptMails as mails } from './schema.ts'

export type TranscriptMail = typeof mails.$inferSelect
type Counted = Pick<TranscriptMail, 'conversationId' | 'contactId' | 'recipient' | 'network' | 'proven'>

interface Allowance {
  readonly of: SQL | undefined
  readonly most: number
  readonly hours: number
  /** Addresses are counted, not mails. */
  readonly addresses?: boolean
}

/** Nobody's mailbox is filled by strangers, and nobody's words are mailed to the world: whoever writes a mail here also says where it goes. */
function allowancesFor({ conversationId, contactId, recipient, network, proven }: Counted): Allowance[] {
  const byVisitor = eq(mails.contactId, contactId)
  const everybody: Allowance[] = [
    { of: eq(mails.conversationId, conversationId), most: 3, hours: 1 },
    { of: byVisitor, most: 20, hours: 24 },
    { of: eq(mails.recipient, recipient), most: 10, hours: 24 },
    { of: undefined, most: 1_000, hours: 24 },
  ]
  if (proven) return everybody
  // Anybody can be as many visitors as they like. What they use up keeps nobody from a mail whom the site knows.
  const byStrangers = eq(mails.proven, false)
  return [
    ...everybody,
    { of: and(byVisitor, ne(mails.recipient, recipient)), most: 3, hours: 24, addresses: true },
    { of: and(byStrangers, eq(mails.network, network)), most: 20, hours: 24 },
    { of: byStrangers, most: 300, hours: 24 },
  ]
}

/** Zero when one more may be sent, otherwise the seconds until it may. */
export async function secondsUntilAllowed(
  tx: Transaction,
  { tenantId }: Scope,
  mail: Counted,
): Promise<number> {
  // By the clock: who waited for the lock began before the mail that it waited for.
  const waits = allowancesFor(mail).map(
    ({ of, most, hours, addresses = false }) => sql`(
      select extract(epoch from sent_at - clock_timestamp())::float8 + ${hours * 3_600}::int as wait from (
        select ${addresses ? sql`max(${mails.createdAt})` : mails.createdAt} as sent_at from ${mails}
        where ${and(eq(mails.tenantId, tenantId), of)} and ${mails.createdAt} > now() - make_interval(hours => ${hours}::int)
        ${addresses ? sql`group by ${mails.recipient}` : sql``}
      ) sent order by sent_at desc offset ${most - 1}::int limit 1)`,
  )
  const { rows } = await tx.sql.execute<{ wait: number | null }>(
    sql`select max(wait) as wait from (${sql.join(waits, sql` union all `)}) waits`,
  )
  return Math.max(0, Math.ceil(rows[0]?.wait ?? 0))
}

/** Any number of our own; the same on every node. */
const mailsLock = 7_031_531

/** What a workspace mails is counted one after the other until this transaction ends, whoever asks for it. */
export const lockMails = (tx: Transaction, { tenantId }: Scope) =>
  tx.sql.execute(sql`select pg_advisory_xact_lock(${mailsLock}::int, hashtext(${tenantId}))`)

export const insertMail = (
  tx: Transaction,
  { tenantId }: Scope,
  mail: Counted & Pick<TranscriptMail, 'id' | 'sealedTo'>,
) => tx.sql.insert(mails).values({ ...mail, tenantId })

const one = ({ tenantId }: Scope, id: string) => and(eq(mails.tenantId, tenantId), eq(mails.id, id))

export async function readMail(
  tx: Transaction,
  scope: Scope,
  id: string,
): Promise<TranscriptMail | undefined> {
  const [row] = await tx.sql.select().from(mails).where(one(scope, id))
  return row
}

/** It has left, or is not to leave any more. It counts on. */
export const closeMail = (tx: Transaction, scope: Scope, id: string) =>
  tx.sql.update(mails).set({ sealedTo: null }).where(one(scope, id))

/** Whoever turns out to be somebody has had the mails that they had before. */
export async function inheritMails({ tenantId }: Scope, tx: Transaction, event: EventWithin): Promise<void> {
  if (event.type !== 'contact.merged') return
  await tx.sql
    .update(mails)
    .set({ contactId: event.successorId })
    .where(and(eq(mails.tenantId, tenantId), eq(mails.contactId, event.contactId)))
}

/** What no allowance looks at any more. */
export async function forgetOldMails({ tenantId }: Scope, tx: Transaction): Promise<void> {
  await tx.sql
    .delete(mails)
    .where(and(eq(mails.tenantId, tenantId), lt(mails.createdAt, sql`now() - interval '2 days'`)))
}

import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type Desk, newDesk } from '../support/deskWorld.ts'
import { type KnowingWidget, knowingWidget, knownVisit } from '../support/identities.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { connectVisitor, type TestSocket, text, type Visit, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const refused = { failure: { code: 'rate_limited' } }
const newAddress = () => `visitor-${newId()}@people.example`

interface Talking {
  readonly visiting: Visit
  readonly visitor: TestSocket
  readonly conversationId: string
  mail(email: string): Promise<unknown>
}

describe.each(databaseKinds)('V6 S4: how many transcripts are mailed, on %s', kind => {
  let parley: TestParley
  let desk: Desk
  let widget: KnowingWidget
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000', TRUST_PROXY: '1' })
  })
  // Of each test its own: what one uses up counts for all of a workspace.
  beforeEach(async () => {
    desk?.close()
    desk = await newDesk(parley)
    widget = await knowingWidget(desk.workspace)
  })
  afterAll(async () => {
    desk?.close()
    await parley?.remove()
  })

  async function begin(visiting: Visit, from: string): Promise<Talking> {
    const headers = { 'x-forwarded-for': from }
    const visitor = desk.kept(await connectVisitor(parley.url, visiting, { headers }))
    const conversationId = (await visitor.ask('conversation.open', { clientId: 'main' })).conversation.id
    await visitor.ask('message.send', { conversationId, clientId: newId(), parts: text('Hello') })
    const mail = (email: string) => visitor.ask('transcript.mail', { conversationId, email })
    return { visiting, visitor, conversationId, mail }
  }
  const stranger = async (from = '192.0.2.1') => begin(await visit(parley.url, widget.publicKey), from)
  const known = async (resume?: string) =>
    begin(await knownVisit(parley, widget, { sub: newId() }, resume), '192.0.2.1')

  /** As if the mails of a conversation had been sent so long ago. */
  const age = ({ conversationId }: Talking, hours: number) =>
    parley.owner.query(
      `update transcript_mails set created_at = created_at - make_interval(hours => $2) where conversation_id = $1`,
      [conversationId, hours],
    )
  /** As if others had sent so many more like the one that was sent in a conversation, two hours ago. */
  const repeat = ({ conversationId }: Talking, count: number, more: { contact?: string; network?: string }) =>
    parley.owner.query(
      `insert into transcript_mails (tenant_id, id, conversation_id, contact_id, recipient, network, proven, created_at)
       select tenant_id, gen_random_uuid(), conversation_id, coalesce($3, gen_random_uuid()), 'somebody ' || n,
         coalesce($4, network), proven, now() - interval '2 hours'
       from (select * from transcript_mails where conversation_id = $1 limit 1) one, generate_series(1, $2::int) n`,
      [conversationId, count, more.contact ?? null, more.network ?? null],
    )

  test('S4: three of a conversation in an hour, also when they are asked for at once', async () => {
    const { visitor, conversationId, ...talk } = await stranger()
    const email = newAddress()
    const send = () => visitor.answer('transcript.mail', { conversationId, email })
    const answers = await Promise.all(Array.from({ length: 6 }, send))
    expect(answers.filter(({ ok }) => ok)).toHaveLength(3)
    const refusal = answers.find(({ ok }) => !ok)
    expect(refusal).toMatchObject({ error: { code: 'rate_limited', retryable: true } })
    const wait = refusal?.ok === false ? (refusal.error.retryAfter ?? 0) : 0
    expect(wait).toBeGreaterThan(3_500)
    expect(wait).toBeLessThanOrEqual(3_600)
    const { rowCount } = await parley.owner.query('select from transcript_mails where conversation_id = $1', [
      conversationId,
    ])
    expect(rowCount).toBe(3)
    await age({ visitor, conversationId, ...talk }, 2)
    expect((await send()).ok).toBe(true)
  })

  test('S4: ten to an address in a day, whoever asks and however it is spelled, also all at once', async () => {
    const victim = newAddress()
    const spellings = [
      victim,
      victim.toUpperCase(),
      victim.replace('@', '+one@'),
      victim.replace('@', '+two+3@'),
    ]
    const talks = await Promise.all(Array.from({ length: 14 }, () => stranger()))
    const answers = await Promise.allSettled(talks.map((talk, at) => talk.mail(spellings[at % 4] ?? '')))
    expect(answers.filter(({ status }) => status === 'fulfilled')).toHaveLength(10)
    await expect((await known()).mail(victim)).rejects.toMatchObject(refused)
    await talks[0]?.mail(newAddress())
  })

  test('S4: a visitor whom nobody knows mails to three addresses in a day, one whom the site knows to twenty', async () => {
    const talk = await stranger()
    const addresses = [newAddress(), newAddress(), newAddress()]
    for (const email of addresses) await talk.mail(email)
    await age(talk, 2)
    await expect(talk.mail(newAddress())).rejects.toMatchObject(refused)
    await talk.mail(addresses[0] ?? '')
    await age(talk, 23)
    await talk.mail(newAddress())

    const other = await known()
    await other.mail(newAddress())
    await repeat(other, 18, { contact: other.visiting.contactId })
    await other.mail(newAddress())
    await age(other, 2)
    await expect(other.mail(newAddress())).rejects.toMatchObject(refused)
  })

  test('S4: twenty for visitors whom nobody knows of one network, and three hundred for all of them', async () => {
    const first = await stranger()
    await first.mail(newAddress())
    await repeat(first, 18, {})
    await (await stranger()).mail(newAddress())
    await expect((await stranger()).mail(newAddress())).rejects.toMatchObject(refused)
    await (await stranger('192.0.2.2')).mail(newAddress())
    await (await known()).mail(newAddress())
    await repeat(first, 279, { network: 'elsewhere' })
    await expect((await stranger('192.0.2.3')).mail(newAddress())).rejects.toMatchObject(refused)
    await (await known()).mail(newAddress())
    await repeat(first, 698, { network: 'elsewhere' })
    await expect((await known()).mail(newAddress())).rejects.toMatchObject(refused)
  })

  test('S4 V3: who turns out to be somebody, or is deleted, does not begin anew', async () => {
    const before = await stranger()
    await before.mail(newAddress())
    await repeat(before, 19, { contact: before.visiting.contactId, network: 'elsewhere' })
    await age(before, 2)
    const { conversationId, mail, visiting } = await known(before.visiting.resume)
    expect(conversationId).toBe(before.conversationId)
    await expect(mail(newAddress())).rejects.toMatchObject(refused)

    const victim = newAddress()
    for (let times = 0; times < 10; times++) await (await stranger('192.0.2.9')).mail(victim)
    const { rows } = await parley.owner.query<{ id: string }>(
      'select distinct contact_id as id from transcript_mails where tenant_id = $1',
      [desk.workspace.tenantId],
    )
    expect(rows.map(({ id }) => id)).toContain(visiting.contactId)
    for (const { id } of rows)
      expect((await desk.workspace.owner.call('delete', `/api/v1/contacts/${id}`)).status).toBe(204)
    await expect((await stranger('192.0.2.10')).mail(victim)).rejects.toMatchObject(refused)
  })
})

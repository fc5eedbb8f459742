import { mkdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { type Desk, newDesk } from '../support/deskWorld.ts'
import { eventually } from '../support/eventually.ts'
import { allMails, mailTo } from '../support/outbox.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { connectVisitor, newWidget, text, visit } from '../support/sockets.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

const refused = (code: string) => ({ failure: { code } })
const subject = /^Your conversation with /
const newAddress = () => `visitor-${newId()}@people.example`

describe.each(databaseKinds)('V6: transcripts by mail, on %s', kind => {
  let parley: TestParley
  let desk: Desk
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    desk = await newDesk(parley)
  })
  afterAll(async () => {
    desk?.close()
    await parley?.remove()
  })

  test('V6: it has what was said and by whom, in order, as it stands now, and nothing that was not for the visitor', async () => {
    const { visitor, conversationId, escalate } = await desk.talk()
    await escalate()
    const member = await desk.colleague()
    await parley.owner.query('update users set name = $2 where id = $1', [member.person.userId, 'Kim'])
    const say = async (by: typeof visitor, words: string, more = {}) =>
      (await by.ask('message.send', { conversationId, clientId: newId(), parts: text(words), ...more })).id
    const wrong = await say(visitor, 'Number 4711')
    await visitor.ask('message.edit', {
      ...{ conversationId, clientId: newId(), messageId: wrong },
      parts: text('Number 4712'),
    })
    const taken = await say(visitor, 'Forget this')
    await visitor.ask('message.delete', { conversationId, clientId: newId(), messageId: taken })
    await say(member, 'A note among us', { note: true })
    await say(member, 'It is on its way.\nIt comes tomorrow.')
    const to = newAddress()
    await visitor.ask('transcript.mail', { conversationId, email: to })
    const mail = await mailTo(parley, to, subject)
    const spoken = mail.text.replace(/\[\d{4}-\d\d-\d\d \d\d:\d\d\]/g, '[then]')
    expect(spoken).toContain(
      [
        '[then] You:\n> Where is my parcel?',
        '[then] A person was asked to take over.',
        '[then] You:\n> Number 4712',
        '[then] Kim:\n> It is on its way.\n> It comes tomorrow.',
      ].join('\n\n'),
    )
    for (const hidden of ['4711', 'Forget this', 'A note', 'http', '@'])
      expect(mail.text).not.toContain(hidden)
    expect(mail.subject).not.toMatch(/parcel|4712/)
  })

  test('V6: without an address it goes to the one that is known; where none is, it is asked for', async () => {
    const { visitor, conversationId } = await desk.talk()
    expect(await visitor.answer('transcript.mail', { conversationId })).toMatchObject({
      error: { code: 'invalid_request', errors: [{ path: 'email' }] },
    })
    const email = newAddress()
    await visitor.ask('visitor.describe', { email })
    await visitor.ask('transcript.mail', { conversationId })
    await mailTo(parley, email, subject)
    for (const wrong of ['nobody', 'a@b.example\nBcc: c@d.example', `${'a'.repeat(250)}@b.example`])
      expect(await visitor.answer('transcript.mail', { conversationId, email: wrong })).toMatchObject({
        error: { code: 'invalid_request', errors: [{ path: 'email' }] },
      })
  })

  test('V6 S6: nobody can write what reads as if somebody else had said it', async () => {
    const { visitor, conversationId, escalate } = await desk.talk()
    await escalate()
    const forged = '[2026-01-01 10:00] The team:\nWe give you your money back.'
    const ends = ['\n\n', '\n', '\r', '\r\n', '\u2028', '\u2029']
    const words = ends.map(end => `Thank you.${end}${forged}`).join('\n')
    await visitor.ask('message.send', { conversationId, clientId: newId(), parts: text(words) })
    const to = newAddress()
    await visitor.ask('transcript.mail', { conversationId, email: to })
    const mail = await mailTo(parley, to, subject)
    const lines = mail.text.split(/\r?\n/)
    expect(lines.filter(line => line === '> [2026-01-01 10:00] The team:')).toHaveLength(ends.length)
    const own =
      /^(\[[-\d: ]{16}\] (You:|A person was asked to take over\.)|This is your conversation with .*|If you did not ask for it, .*|)$/
    expect(lines.filter(line => !line.startsWith('> ') && !own.test(line))).toEqual([])
  })

  test('V6: what was taken back before the mail could leave is not in it, and who was deleted gets none', async () => {
    const { visitor, conversationId, escalate } = await desk.talk()
    await escalate()
    const gone = await desk.talk()
    const outbox = join(parley.dataFolder, 'outbox')
    await mkdir(outbox, { recursive: true })
    await rename(outbox, `${outbox}-away`)
    await writeFile(outbox, 'No mail can be written here.')
    const said = { conversationId, clientId: newId(), parts: text('My number is 4711') }
    const { id: messageId } = await visitor.ask('message.send', said)
    const [to, never] = [newAddress(), newAddress()]
    await visitor.ask('transcript.mail', { conversationId, email: to })
    await gone.visitor.ask('transcript.mail', { conversationId: gone.conversationId, email: never })
    await eventually('both could not leave', async () => {
      const { rows } = await parley.owner.query(
        `select from pgboss.job where name = 'send-transcript' and state = 'retry' and data->>'tenantId' = $1`,
        [desk.workspace.tenantId],
      )
      return rows.length === 2
    })
    await visitor.ask('message.delete', { conversationId, clientId: newId(), messageId })
    await desk.workspace.owner.call('delete', `/api/v1/contacts/${gone.contactId}`)
    await rm(outbox)
    await rename(`${outbox}-away`, outbox)
    const mail = await mailTo(parley, to, subject)
    expect(mail.text).toContain('Where is my parcel?')
    expect(mail.text).not.toContain('4711')
    await eventually('neither address is kept', async () => {
      const { rows } = await parley.owner.query('select from transcript_mails where sealed_to is not null')
      return rows.length === 0
    })
    expect((await allMails(parley)).filter(mail => mail.to === never)).toEqual([])
  })

  test('V6: of a long conversation it has the end, and says so', async () => {
    const { visitor, conversationId } = await desk.talk()
    const long = Array(10)
      .fill(text('x'.repeat(8_000)))
      .flat()
    for (let at = 0; at < 3; at++)
      await visitor.ask('message.send', { conversationId, clientId: newId(), parts: long })
    await visitor.ask('message.send', { conversationId, clientId: newId(), parts: text('The end') })
    const to = newAddress()
    await visitor.ask('transcript.mail', { conversationId, email: to })
    const mail = await mailTo(parley, to, subject)
    expect(mail.text).toContain('What was said earlier is left out here.')
    expect(mail.text).toContain('> The end')
    expect(mail.text).not.toContain('Where is my parcel?')
    expect(mail.text.match(/You:/g)).toHaveLength(3)
  })

  test('V6: nothing leaves where it is switched off, nothing was said, or it is not theirs', async () => {
    const { visitor, conversationId } = await desk.talk()
    const other = await desk.talk()
    const email = newAddress()
    const path = `/api/v1/widgets/${desk.widget.id}`
    await desk.workspace.owner.call('patch', path, { chatWindow: { transcript: false } })
    const send = () => visitor.ask('transcript.mail', { conversationId, email })
    await expect(send()).rejects.toMatchObject(refused('forbidden'))
    await desk.workspace.owner.call('patch', path, { chatWindow: {} })
    await expect(other.visitor.ask('transcript.mail', { conversationId, email })).rejects.toMatchObject(
      refused('not_found'),
    )
    const empty = (await visitor.ask('conversation.open', { clientId: 'empty' })).conversation.id
    await expect(visitor.ask('transcript.mail', { conversationId: empty, email })).rejects.toMatchObject(
      refused('conflict'),
    )
    await send()
    await mailTo(parley, email, subject)
    expect((await allMails(parley)).filter(({ to }) => to === email)).toHaveLength(1)
  })

  test('V6: the widget of the conversation says what is offered, not the one by which they come now', async () => {
    const other = await newWidget(desk.workspace)
    const here = await visit(parley.url, desk.widget.publicKey)
    const first = desk.kept(await connectVisitor(parley.url, here))
    const conversationId = (await first.ask('conversation.open', { clientId: 'main' })).conversation.id
    await first.ask('message.send', { conversationId, clientId: newId(), parts: text('Hello') })
    const there = await visit(parley.url, other.publicKey, here.resume)
    expect(there.contactId).toBe(here.contactId)
    const second = desk.kept(await connectVisitor(parley.url, there))
    const offer = (id: string, offered: boolean) =>
      desk.workspace.owner.call('patch', `/api/v1/widgets/${id}`, {
        chatWindow: offered ? {} : { transcript: false, rating: false },
      })
    const email = newAddress()
    const both = [
      () => second.ask('transcript.mail', { conversationId, email }),
      () => second.ask('rating.set', { conversationId, rating: 5 }),
    ]
    await offer(desk.widget.id, false)
    for (const ask of both) await expect(ask()).rejects.toMatchObject(refused('forbidden'))
    await offer(desk.widget.id, true)
    await offer(other.id, false)
    for (const ask of both) await ask()
  })
})

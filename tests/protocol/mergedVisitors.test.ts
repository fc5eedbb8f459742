import { io } from 'socket.io-client'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { createClient } from '../../src/client/index.ts'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { eventually } from '../support/eventually.ts'
import { type KnowingWidget, knock, knowingWidget, knownVisit } from '../support/identities.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem } from '../support/problems.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import {
  connectMember,
  connectVisitor,
  type TestSocket,
  text,
  type Visit,
  visit,
} from '../support/sockets.ts'
import { filePart, memberFile, strangerFile } from '../support/uploads.ts'

vi.setConfig({ testTimeout: 60_000, hookTimeout: 120_000 })

describe.each(databaseKinds)('V3: an anonymous visitor turns out to be somebody, on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  let widget: KnowingWidget

  beforeAll(async () => {
    parley = await startParley(kind)
    workspace = await quickWorkspace(parley)
    widget = await knowingWidget(workspace)
  })
  afterAll(() => parley?.remove())

  const anonymous = () => visit(parley.url, widget.publicKey)
  const known = (sub: string, resume?: string) => knownVisit(parley, widget, { sub }, resume)
  const connect = (visiting: Visit) => connectVisitor(parley.url, visiting)
  const say = (socket: TestSocket, conversationId: string, clientId: string) =>
    socket.ask('message.send', { conversationId, clientId, parts: text(`says ${clientId}`) })

  /** Somebody nobody knows, who has begun to talk. */
  async function talking(clientId = 'main') {
    const visiting = await anonymous()
    const socket = await connect(visiting)
    const conversationId = (await socket.ask('conversation.open', { clientId })).conversation.id
    await say(socket, conversationId, 'first')
    return { visiting, socket, conversationId }
  }

  const logOf = async (conversationId: string) =>
    (
      await parley.owner.query('select * from messages where conversation_id = $1 order by seq', [
        conversationId,
      ])
    ).rows

  test('L1 L2: what was said stays letter by letter, and its author goes on as the same, on one connection after the other', async () => {
    const { visiting, socket, conversationId } = await talking()
    const mine = await say(socket, conversationId, 'second')
    const self = { kind: 'contact', id: visiting.contactId }
    const member = await connectMember(parley.url, workspace.owner)
    await member.ask('inbox.subscribe', {})
    await member.ask('conversation.open', { conversationId })
    await socket.ask('mark.set', { conversationId, delivered: 2, read: 2 })
    const before = await logOf(conversationId)

    const known1 = await known(`l-${newId()}`, visiting.resume)
    expect(known1.contactId).not.toBe(visiting.contactId)
    expect(await socket.next('closing', () => true, 3_000)).toMatchObject({ code: 'token_expired' })
    expect(await logOf(conversationId)).toEqual(before)
    const told = await member.next('conversation', ({ contactId }) => contactId === known1.contactId)
    expect(told.id).toBe(conversationId)
    await member.next('inbox', ({ conversations }) =>
      conversations.some(({ id, contactId }) => id === conversationId && contactId === known1.contactId),
    )

    const again = await connect(known1)
    expect((await again.next('welcome')).self).toEqual({ kind: 'contact', id: known1.contactId })
    const opened = await again.ask('conversation.open', { clientId: 'main', after: 0 })
    expect(opened).toMatchObject({ self, conversation: { id: conversationId, contactId: known1.contactId } })
    expect(opened.entries.map(({ sender }) => sender)).toEqual([self, self])
    expect(opened.marks).toEqual([{ reader: self, delivered: 2, read: 2 }])
    expect(await say(again, conversationId, 'second')).toEqual(mine)
    expect((await say(again, conversationId, 'third')).seq).toBe(3)
    await member.next('entries', ({ entries }) =>
      entries.some(({ sender, seq }) => seq === 3 && sender.id === self.id),
    )
    const about = { conversationId, messageId: mine.id }
    await again.ask('message.edit', { ...about, clientId: 'edit', parts: text('better') })
    await again.ask('message.delete', { ...about, clientId: 'delete' })
    await again.ask('typing.set', { conversationId, typing: true })
    expect((await member.next('typing')).sender).toEqual(self)

    const unread = async () =>
      (await again.ask('conversation.list', {})).conversations.map(line => line.unread)
    expect(await unread()).toEqual([0])
    await member.ask('message.send', { conversationId, clientId: 'reply', parts: text('Hello Ada') })
    expect(await unread()).toEqual([1])
    const undelivered = () => workspace.owner.call<{ items: { id: string }[] }>('get', '/api/v1/undelivered')
    expect((await undelivered()).body.items.map(({ id }) => id)).toContain(conversationId)
    await again.ask('mark.set', { conversationId, delivered: 6, read: 6 })
    expect(await member.next('mark', ({ read }) => read === 6)).toMatchObject({ reader: self })
    expect(await unread()).toEqual([0])
    expect((await undelivered()).body.items.map(({ id }) => id)).not.toContain(conversationId)
    const { rows } = await parley.owner.query(
      `select distinct sender_id from messages where conversation_id = $1 and sender_kind = 'contact'`,
      [conversationId],
    )
    expect(rows).toEqual([{ sender_id: visiting.contactId }])
    for (const open of [socket, again, member]) open.close()
  })

  test('S4: what the browser had before opens nothing any more, and never makes the former visitor anew', async () => {
    const { visiting, socket, conversationId } = await talking()
    const { contactId } = await known(`s-${newId()}`, visiting.resume)
    await socket.next('closing')
    await expect(connect(visiting)).rejects.toMatchObject({ failure: { code: 'token_expired' } })
    expectProblem(await knock(parley, { widget: widget.publicKey, resume: visiting.resume }), 'visitor_gone')
    // Also one who has said nothing yet, and whose second tab is about to.
    const silent = await anonymous()
    const tab = await connect(silent)
    await known(`s-${newId()}`, silent.resume)
    await tab.next('closing', ({ code }) => code === 'token_expired', 3_000)
    const { rows } = await parley.owner.query('select id from contacts where id = any($1)', [
      [visiting.contactId, silent.contactId],
    ])
    expect(rows).toEqual([])
    const audit = await workspace.owner.call<{ items: { action: string }[] }>(
      'get',
      `/api/v1/audit?resourceId=${visiting.contactId}`,
    )
    expect(audit.body.items.map(({ action }) => action).sort()).toEqual(['contact.created', 'contact.merged'])
    const page = await workspace.owner.call<{ items: { id: string }[] }>(
      'get',
      `/api/v1/conversations?contactId=${contactId}`,
    )
    expect(page.body.items.map(({ id }) => id)).toEqual([conversationId])
  })

  test('V3: eight devices at once are one contact, with all that was said on each of them', async () => {
    const devices = await Promise.all(Array.from({ length: 8 }, (_, at) => talking(`device-${at}`)))
    const sub = `race-${newId()}`
    const visits = await Promise.all(devices.map(({ visiting }) => known(sub, visiting.resume)))
    expect(new Set(visits.map(({ contactId }) => contactId)).size).toBe(1)
    const { rows } = await parley.owner.query('select id from contacts where external_id = $1', [sub])
    expect(rows).toEqual([{ id: visits[0]?.contactId }])
    for (const { socket } of devices) await socket.next('closing', ({ code }) => code === 'token_expired')
    const socket = await connect(visits[7] as Visit)
    const { conversations } = await socket.ask('conversation.list', {})
    expect(conversations.map(({ id }) => id).sort()).toEqual(
      devices.map(({ conversationId }) => conversationId).sort(),
    )
    socket.close()
  })

  test('V3: one browser that asks twice at once, and goes on talking, loses and doubles nothing', async () => {
    const { visiting, conversationId } = await talking()
    const sub = `busy-${newId()}`
    let current: Visit = visiting
    const socket = io(`${parley.url}/visitor`, {
      ...{ query: { widget: widget.publicKey }, transports: ['websocket'], reconnection: false },
      ...{ autoConnect: false, forceNew: true },
    })
    const client = createClient<'visitor'>({
      socket: socket as never,
      auth: async () => ({ token: current.token }),
      renew: async () => {
        current = await known(sub, visiting.resume)
        return { token: current.token }
      },
    })
    const conversation = client.conversation(conversationId)
    await client.connect()
    for (let at = 0; at < 10; at++) conversation.send(`before ${at}`)
    const asked = Promise.all([known(sub, visiting.resume), known(sub, visiting.resume)])
    for (let at = 0; at < 30; at++) conversation.send(`while ${at}`)
    const [one, other] = await asked
    expect(one.contactId).toBe(other.contactId)
    for (let at = 0; at < 10; at++) conversation.send(`after ${at}`)
    const settled = () =>
      conversation
        .getSnapshot()
        .messages.every(
          ({ delivery }) => delivery !== null && !['queued', 'sent', 'failed'].includes(delivery),
        )
    await eventually('all is stored', () => client.self?.id === one.contactId && settled(), 30_000)
    const log = await logOf(conversationId)
    expect(log).toHaveLength(51)
    expect(new Set(log.map(({ sender_id }) => sender_id))).toEqual(new Set([visiting.contactId]))
    expect(conversation.getSnapshot().messages).toHaveLength(51)
    client.close()
  })

  test('V3: a conversation of a name that the person has already stays beside theirs', async () => {
    const sub = `names-${newId()}`
    const there = await connect(await known(sub))
    const theirs = (await there.ask('conversation.open', { clientId: 'main' })).conversation.id
    const { visiting, conversationId } = await talking('main')
    const here = await connect(await known(sub, visiting.resume))
    expect((await here.ask('conversation.open', { clientId: 'main' })).conversation.id).toBe(theirs)
    const { conversations } = await there.ask('conversation.list', {})
    expect(conversations.map(({ id }) => id).sort()).toEqual([theirs, conversationId].sort())
    expect((await there.ask('conversation.open', { conversationId })).self?.id).toBe(visiting.contactId)
    for (const socket of [there, here]) socket.close()
  })

  test('S4: only an anonymous visitor is merged: a token of somebody, of elsewhere or of nobody is left alone', async () => {
    const [alice, mallory] = [`alice-${newId()}`, `mallory-${newId()}`]
    const hers = await known(alice)
    const socket = await connect(hers)
    const conversationId = (await socket.ask('conversation.open', { clientId: 'main' })).conversation.id
    const elsewhere = await quickWorkspace(parley)
    const foreign = await visit(parley.url, (await knowingWidget(elsewhere)).publicKey)
    const stranger = await connectVisitor(parley.url, foreign)
    await stranger.ask('conversation.open', { clientId: 'main' })
    // Made by the team: somebody, even without a proof.
    const listed = await talking()
    const patch = await workspace.owner.call('patch', `/api/v1/contacts/${listed.visiting.contactId}`, {
      externalId: `listed-${newId()}`,
    })
    expect(patch.status).toBe(200)
    const tampered = `${hers.resume.split('.')[0]}.AAAA`
    for (const resume of [hers.resume, foreign.resume, listed.visiting.resume, tampered, hers.token])
      await known(mallory, resume)
    const thief = await connect(await known(mallory))
    expect((await thief.ask('conversation.list', {})).conversations).toEqual([])
    await expect(say(thief, conversationId, 'mine')).rejects.toThrow(/not_found/)
    await expect(thief.ask('conversation.open', { conversationId })).rejects.toThrow(/not_found/)
    for (const victim of [socket, stranger, listed.socket]) {
      expect((await victim.ask('conversation.list', {})).conversations.length).toBeLessThan(2)
      expect(victim.received('closing')).toEqual([])
      victim.close()
    }
    expect((await visit(parley.url, widget.publicKey, hers.resume)).contactId).toBe(hers.contactId)
    thief.close()
  })

  test('S4: what was given to an anonymous visitor of whom the team said who it is ends when that person comes', async () => {
    const { visiting, socket, conversationId } = await talking()
    const copy = await visit(parley.url, widget.publicKey, visiting.resume)
    const second = await connect(copy)
    const sub = `named-${newId()}`
    const patch = { externalId: sub }
    await workspace.owner.call('patch', `/api/v1/contacts/${visiting.contactId}`, patch)
    // Nobody has come as that person yet: the visitor goes on.
    const onward = await visit(parley.url, widget.publicKey, visiting.resume)
    expect(onward.contactId).toBe(visiting.contactId)
    const person = await known(sub)
    expect(person.contactId).toBe(visiting.contactId)
    for (const open of [socket, second])
      expect(await open.next('closing', () => true, 10_000)).toMatchObject({ code: 'token_expired' })
    for (const before of [visiting, copy, onward]) {
      await expect(connect(before)).rejects.toMatchObject({ failure: { code: 'token_expired' } })
      const answer = await knock(parley, { widget: widget.publicKey, resume: before.resume })
      expectProblem(answer, 'visitor_gone')
    }
    // The person, and also the browser that was anonymous and now says who it is.
    for (const proven of [person, await known(sub, visiting.resume)]) {
      const again = await connect(proven)
      const { conversations } = await again.ask('conversation.list', {})
      expect(conversations.map(({ id }) => id)).toEqual([conversationId])
      const anonymousRenewal = again.ask('session.renew', { credential: onward.token })
      await expect(anonymousRenewal).rejects.toThrow(/unauthenticated/)
      const next = await visit(parley.url, widget.publicKey, proven.resume)
      await again.ask('session.renew', { credential: next.token })
      expect(again.received('closing')).toEqual([])
      again.close()
    }
  })

  test('S3: by client ids in a merged conversation nobody else learns what was said in it', async () => {
    const { visiting, conversationId } = await talking()
    await known(`quiet-${newId()}`, visiting.resume)
    const stranger = await connect(await anonymous())
    await expect(say(stranger, conversationId, 'first')).rejects.toThrow(/not_found/)
    stranger.close()
  })

  test('S4: files that were sent or uploaded before are the person’s, and more can be', async () => {
    const { visiting, socket, conversationId } = await talking()
    const member = await connectMember(parley.url, workspace.owner)
    const show = (from: TestSocket, clientId: string, fileId: string) =>
      from.ask('message.send', { conversationId, clientId, parts: filePart(fileId) })
    const shown = await memberFile(workspace, conversationId)
    await show(member, 'from-member', shown)
    const pending = await strangerFile(socket, conversationId)
    for (const fileId of [shown, pending]) await socket.ask('file.link', { fileId })
    const again = await connect(await known(`files-${newId()}`, visiting.resume))
    for (const fileId of [shown, pending])
      expect((await again.ask('file.link', { fileId })).url).toContain('/files/')
    expect((await show(again, 'pending', pending)).seq).toBe(3)
    const fresh = await strangerFile(again, conversationId)
    expect((await show(again, 'fresh', fresh)).seq).toBe(4)
    const note = await memberFile(workspace, conversationId)
    await expect(again.ask('file.link', { fileId: note })).rejects.toThrow(/not_found/)
    await expect(show(again, 'note', note)).rejects.toThrow(/not_found/)
  })
})

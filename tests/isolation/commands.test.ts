import { setTimeout as pause } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type CommandName, commands, failureSchema } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { text } from '../support/sockets.ts'
import { fingerprintOfTenant } from '../support/tenantRows.ts'
import { commandMatrix, epoch } from './matrix/commands.ts'
import {
  type Crowd,
  connectKey,
  connectRole,
  newCrowd,
  newGuest,
  newVisitor,
  type Participant,
  secretsOf,
  tells,
} from './matrix/crowd.ts'
import { allPermissions } from './matrix/tenantRoutes.ts'

/** S3: every command, as the wrong tenant, as somebody else of the same one, as the wrong role, and as everyone who may. */
describe.each(databaseKinds)('S3 commands on %s', kind => {
  let parley: TestParley
  let a: Crowd
  /** Everyone who has nothing to do with A's conversation: of B, and of A with another one. */
  let strangers: Participant[]
  /** Everyone of A who was let in and may nothing. */
  const nobodies: Participant[] = []
  beforeAll(async () => {
    parley = await startParley(kind, { COMMANDS_PER_SECOND: '1000' })
    a = await newCrowd(parley, 'A')
    const b = await newCrowd(parley, 'B')
    const other = await newVisitor(parley, a.widgetKey, "A's other visitor")
    const elsewhere = (await other.ask('conversation.open', { clientId: 'own' })).conversation.id
    strangers = [
      ...[b.owner, b.visitor, b.guest, other],
      await connectKey(parley, b.workspace, allPermissions, 'a key of B with everything'),
      await newGuest(parley, a.workspace, elsewhere, "A's guest of another conversation"),
    ]
  })
  afterAll(() => parley.remove())

  /** The code of a refusal, which has to be one of the protocol's, or `ok`. */
  async function outcome(person: Participant, name: string, input: unknown): Promise<string> {
    const answer = await person.answer(name, input)
    if (answer.ok) return tells(answer.value, secretsOf(a)).length > 0 ? 'told' : 'ok'
    const failure = failureSchema.parse(answer.error)
    return tells(failure, [a.mark]).length > 0 ? 'told' : failure.code
  }

  /** Everyone of A whose credential is good, and not good for this. */
  async function lacking(permission: string): Promise<Participant[]> {
    const others = allPermissions.filter(one => one !== permission)
    return [
      await connectRole(parley, a.workspace, 'member'),
      await connectKey(parley, a.workspace, others, `a key without ${permission}`),
      await connectKey(parley, a.workspace, [], 'a key without anything'),
    ]
  }

  /** All that is kept of A's visitor, whom strangers do not change by what they say of themselves. */
  const visitorOfA = async (): Promise<string> =>
    JSON.stringify(
      (await parley.owner.query('select * from contacts where id = $1', [a.visit.contactId])).rows,
    )

  /** Transcripts that were asked for have left, which is written down with them. */
  const mailsHaveLeft = () =>
    expect
      .poll(
        async () =>
          (await parley.owner.query('select from transcript_mails where sealed_to is not null')).rows.length,
        { timeout: 30_000 },
      )
      .toBe(0)

  test('S3 the matrix has every command, for those whom the protocol names', () => {
    const named = Object.entries(commandMatrix).map(([name, entry]) => [name, [...entry.for].sort()])
    const spoken = Object.entries(commands).map(([name, shape]) => [name, [...shape.for].sort()])
    expect(Object.fromEntries(named)).toEqual(Object.fromEntries(spoken))
  })

  test.each(Object.keys(commandMatrix) as CommandName[])('S3 %s', async name => {
    const entry = commandMatrix[name]
    const refused: [string, string, string][] = []
    const tryAs = async (person: Participant, input: unknown, expected: string) => {
      const came = await outcome(person, name, input)
      if (came !== expected) refused.push([person.who, expected, came])
    }
    const wrongRole = entry.permission ? await lacking(entry.permission) : []
    const kept = entry.changesSender
      ? visitorOfA
      : () => fingerprintOfTenant(parley.owner, a.workspace.tenantId)
    await mailsHaveLeft()
    const before = await kept()
    for (const { target, person: insider } of a.insiders)
      for (const stranger of strangers) {
        const told = (stranger.who.includes('key') && entry.key) || entry.stranger
        const expected = entry.for.includes(stranger.audience) ? told : 'unknown_command'
        if (stranger !== insider) await tryAs(stranger, entry.input(target), expected)
      }
    for (const { target } of a.insiders)
      for (const person of wrongRole)
        await tryAs(
          person,
          entry.input(target),
          entry.for.includes('member') ? 'forbidden' : 'unknown_command',
        )
    expect(refused, 'who, expected, came').toEqual([])
    expect(await kept()).toBe(before)

    await succeeds(name)
    nobodies.push(...wrongRole)
  })

  const owned = (conversationId: string, owner: 'ai' | 'self') =>
    parley.owner.query(
      `update conversations c set owner = $2, epoch = $3, status = 'active', assigned_member_id = (
         select id from members m where m.tenant_id = c.tenant_id and role = 'owner' and $2 = 'member')
       where id = $1`,
      [conversationId, owner === 'self' ? 'member' : 'ai', epoch],
    )

  /** The same inputs are right for those who belong there, or the refusals would say nothing. */
  async function succeeds(name: CommandName): Promise<void> {
    const entry = commandMatrix[name]
    for (const { person, target } of a.insiders) {
      const { conversationId } = target
      if (entry.unopened) {
        await person.ask('conversation.leave', { conversationId })
        expect(await outcome(person, name, entry.input(target)), person.who).toBe(entry.unopened)
      }
      await person.ask('conversation.open', { conversationId })
      const { id: messageId } = await person.ask('message.send', {
        ...{ conversationId, clientId: `${name} ${person.who}`.replace(/[^\x21-\x7e]/g, '-') },
        parts: text(a.mark),
      })
      if (entry.owner) await owned(conversationId, entry.owner)
      const answer = await person.answer(name, entry.input({ ...target, messageId }))
      const told = (person === a.key && entry.key) || (entry.insider ?? 'ok')
      const expected = entry.for.includes(person.audience) ? told : 'unknown_command'
      expect(answer.ok ? 'ok' : answer.error.code, person.who).toBe(expected)
      if (name === 'conversation.leave') await person.ask('conversation.open', { conversationId })
    }
  }

  test('S3 nothing of all that was heard by anyone who may not hear it', async () => {
    // Marks and lists are gathered before they are told.
    await pause(600)
    const { mark, conversationId } = a
    expect(a.insiders.every(({ person }) => tells(person.heard, [mark]).length > 0)).toBe(true)
    const heard = [...strangers, ...nobodies].flatMap(({ who, heard: events }) => {
      const secrets = who.startsWith('A') ? [mark, conversationId] : secretsOf(a)
      return events
        .filter(([name]) => name !== 'welcome')
        .filter(event => tells(event, secrets).length > 0)
        .map(event => [who, event])
    })
    expect(heard).toEqual([])
  })

  test('S3 a message of another conversation cannot be changed or answered through the own one', async () => {
    const [stranger] = strangers.filter(({ who }) => who === "A's other visitor")
    if (!stranger) throw new Error('nobody else is there')
    const own = (await stranger.ask('conversation.open', { clientId: 'own' })).conversation.id
    for (const { target } of a.insiders) {
      const { messageId } = target
      for (const name of ['message.edit', 'message.delete'] as const) {
        const input = commandMatrix[name].input({ ...target, conversationId: own })
        expect(await outcome(stranger, name, input), name).toBe('not_found')
      }
      const answering = { conversationId: own, clientId: messageId, parts: text('x'), parentId: messageId }
      expect(await outcome(stranger, 'message.send', answering)).toBe('not_found')
    }
  })
})

import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { createRounds, eachTenant } from '../../src/chat/eachTenant.ts'
import { createLog, pause } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { connectMember, connectVisitor, newWidget, type TestSocket, visit } from '../support/sockets.ts'

test('what is done for each tenant goes on behind one that fails, for some at the same time', async () => {
  const done: number[] = []
  let atOnce = 0
  let most = 0
  const work = async (tenant: number) => {
    most = Math.max(most, ++atOnce)
    await pause(1)
    atOnce--
    if (tenant % 10 === 0) throw new Error('broken')
    done.push(tenant)
  }
  const tenants = Array.from({ length: 30 }, (_, at) => at)
  await eachTenant(tenants, work, { log: createLog({ level: 'silent' }), what: 'tests' })
  expect(done.toSorted((one, other) => one - other)).toEqual(tenants.filter(tenant => tenant % 10 !== 0))
  expect(most).toBe(4)
})

test('where it failed, the next round looks as far back as that one was to', async () => {
  const rounds = createRounds({ log: createLog({ level: 'silent' }), what: 'tests' })
  let broken = true
  let looks: string[] = []
  const go = async (since?: number, tenants = ['broken', 'sound']) => {
    looks = []
    await rounds.go(tenants, since, async (tenantId, from) => {
      looks.push(`${tenantId} ${from}`)
      if (broken && tenantId === 'broken') throw new Error('broken')
    })
    return looks
  }
  expect(await go(10)).toEqual(['broken 10', 'sound 10'])
  expect(await go(20)).toEqual(['broken 10', 'sound 20'])
  expect(await go()).toEqual(['broken 10'])
  broken = false
  expect(await go()).toEqual(['broken 10'])
  expect([await go(), rounds.anyBehind]).toEqual([[], false])
  expect(await go(30)).toEqual(['broken 30', 'sound 30'])
  // Nobody there has anything open any more.
  broken = true
  await go(40)
  await go(50, ['sound'])
  expect([await go(60), rounds.anyBehind]).toEqual([['broken 60', 'sound 60'], true])
})

interface Place {
  readonly workspace: Workspace
  readonly member: TestSocket
  readonly conversationId: string
}

describe('L5: what a node was not told of', () => {
  let parley: TestParley
  let broken: Place
  let sound: Place
  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded')
    broken = await newPlace()
    sound = await newPlace()
  })
  afterAll(() => parley?.remove())

  async function newPlace(): Promise<Place> {
    const workspace = await quickWorkspace(parley)
    const visiting = await visit(parley.url, (await newWidget(workspace)).publicKey)
    const visitor = await connectVisitor(parley.url, visiting)
    const { conversation } = await visitor.ask('conversation.open', { clientId: 'main' })
    const member = await connectMember(parley.url, workspace.owner)
    await member.ask('conversation.open', { conversationId: conversation.id })
    await member.ask('inbox.subscribe', {})
    return { workspace, member, conversationId: conversation.id }
  }
  /** As it looks when another node has committed and what it published was lost. */
  const goOn = ({ conversationId }: Place) =>
    parley.owner.query('update conversations set seq = seq + 1, updated_at = now() where id = $1', [
      conversationId,
    ])
  const refuse = (tenantId: string) =>
    parley.owner.query(`
      create function refuse() returns boolean language plpgsql volatile as $$ begin raise 'broken'; end $$;
      create policy broken on conversations as restrictive for select to parley_app
        using (current_setting('app.tenant_id', true) <> '${tenantId}' or refuse())`)
  const patience = 60_000
  const heard = ({ member, conversationId }: Place) =>
    Promise.all([
      member.next('head', event => event.conversationId === conversationId, patience),
      member.next(
        'inbox',
        ({ conversations }) => conversations.some(({ id }) => id === conversationId),
        patience,
      ),
    ])

  test('comes to each workspace, also where that of another cannot be read; and to that one when it can again', async () => {
    await refuse(broken.workspace.tenantId)
    const news = heard(sound)
    for (const place of [broken, sound]) await goOn(place)
    const [{ head }] = await news
    expect(head).toBe(1)
    expect(broken.member.received('head')).toEqual([])
    const late = heard(broken)
    await parley.owner.query('drop policy broken on conversations')
    expect((await late)[0]).toMatchObject({ head: 1 })
    // Who moved it has died before it could tell that, either.
    await parley.owner.query("update conversations set title = 'unheard' where id = $1", [
      sound.conversationId,
    ])
    await goOn(sound)
    await sound.member.next('conversation', ({ title }) => title === 'unheard', patience)
  })
})

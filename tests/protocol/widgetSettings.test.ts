import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import type { WidgetConfig } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { newAgent } from '../support/deskWorld.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { type Answer, nobody, type Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { newWidget } from '../support/sockets.ts'

const shop = 'https://shop.example'

interface WidgetView {
  readonly id: string
  readonly publicKey: string
  readonly appearance: Record<string, unknown>
  readonly behaviour: Record<string, unknown>
}

describe.each(databaseKinds)('settings of widgets on %s', kind => {
  let parley: TestParley
  let workspace: Workspace
  beforeAll(async () => {
    parley = await startParley(kind, { MAX_FILE_MIB: '3' })
    workspace = await quickWorkspace(parley)
  })
  afterAll(() => parley?.remove())

  const create = (settings: object): Promise<Answer<WidgetView>> =>
    workspace.owner.call('post', '/api/v1/widgets', { name: `Widget ${newId()}`, ...settings })
  const change = (id: string, settings: object): Promise<Answer<WidgetView>> =>
    workspace.owner.call('patch', `/api/v1/widgets/${id}`, settings)
  const configOf = (key: string, headers: Record<string, string> = { origin: shop }) =>
    nobody(parley).call<WidgetConfig>('get', `/api/v1/visitor/widgets/${key}`, undefined, headers)

  test('V1 every setting is checked, and a fault is named by its path', async () => {
    const proactive = { id: 'cart', message: 'Hello', when: { seconds: 5 } }
    const named = (count: number) =>
      Object.fromEntries(Array.from({ length: count }, (_, at) => [`name-${at}`, 'Wort']))
    const wrong: [object, string[]][] = [
      [{ appearance: { primaryColor: '#123456' } }, ['appearance.primaryColor']],
      [{ appearance: { accent: 'red' } }, ['appearance.accent']],
      [{ appearance: { logo: 'javascript:alert(1)' } }, ['appearance.logo']],
      [{ launcher: { offset: { side: -1 } } }, ['launcher.offset.side']],
      [{ chatWindow: { title: 'a\u0000b' } }, ['chatWindow.title']],
      [{ chatWindow: { quickReplies: Array(7).fill('?') } }, ['chatWindow.quickReplies']],
      [{ behaviour: { pageContext: 'sometimes' } }, ['behaviour.pageContext']],
      [{ behaviour: { proactive: [{ ...proactive, when: {} }] } }, ['behaviour.proactive.0.when']],
      [{ behaviour: { proactive: [proactive, proactive] } }, ['behaviour.proactive']],
      [
        { behaviour: { proactive: [{ ...proactive, message: 'a\u0000b' }] } },
        ['behaviour.proactive.0.message'],
      ],
      [{ preChatForm: { fields: [{ name: 'why', type: 'select' }] } }, ['preChatForm.fields.0.options']],
      [{ preChatForm: { fields: [{ name: 'why' }, { name: 'why' }] } }, ['preChatForm.fields']],
      [{ businessHours: { timezone: 'Europe/Atlantis' } }, ['businessHours.timezone']],
      [{ businessHours: { week: { mon: [{ from: '17:00', to: '09:00' }] } } }, ['businessHours.week.mon.0']],
      [{ businessHours: { closedOn: ['2027-02-30'] } }, ['businessHours.closedOn.0']],
      [{ localeStrings: { 'not a language': {} } }, ['localeStrings.not a language']],
      [{ localeStrings: { de: { greeting: 'Hallo' } } }, ['localeStrings.de.greeting']],
      [{ localeStrings: { de: { labels: named(11) } } }, ['localeStrings.de.labels']],
      [{ localeStrings: { de: { proactive: named(21) } } }, ['localeStrings.de.proactive']],
    ]
    const most = { localeStrings: { de: { labels: named(10), proactive: named(20) } } }
    const { body: widget, status } = await create(most)
    expect(status).toBe(201)
    for (const [settings, paths] of wrong) {
      expect(faultPaths(await create(settings)), JSON.stringify(settings)).toEqual(paths)
      expect(faultPaths(await change(widget.id, settings))).toEqual(paths)
    }
  })

  test('V1 what is not said has its default, also where the row was written before there was one', async () => {
    const { body: widget } = await create({ appearance: { accent: '#aa0000' } })
    expect(widget.appearance).toEqual({ accent: '#aa0000', scheme: 'auto', position: 'end' })
    const old = `update widgets set appearance = '{"primaryColor": "#1f6f5c"}', behaviour = '{}' where id = $1`
    await parley.owner.query(old, [widget.id])
    const read = await workspace.owner.call<WidgetView>('get', `/api/v1/widgets/${widget.id}`)
    expect(read.status).toBe(200)
    expect(read.body.appearance).toEqual({ accent: '#1f6f54', scheme: 'auto', position: 'end' })
    expect(read.body.behaviour).toMatchObject({ storage: 'interaction', language: 'en', proactive: [] })
    // What stands there from before keeps nobody from changing something else.
    expect((await change(widget.id, { launcher: { icon: 'smile' } })).status).toBe(200)
  })

  test('V1 a page is told all it needs, and may keep it for a minute', async () => {
    const agentId = await newAgent(workspace)
    const { id, publicKey } = await newWidget(workspace, agentId)
    await change(id, {
      chatWindow: { title: 'Ask us', quickReplies: ['Where is my parcel?'] },
      businessHours: { enabled: true, timezone: 'UTC', week: {}, offlineMessage: 'Nobody is here.' },
      localeStrings: { de: { title: 'Fragen' } },
    })
    const { status, headers, body } = await configOf(publicKey)
    expect(status, JSON.stringify(body)).toBe(200)
    expect(headers.get('cache-control')).toBe('public, max-age=60')
    expect(headers.get('vary')).toMatch(/\borigin\b/i)
    expect(headers.get('access-control-allow-origin')).toBe('*')
    expect(body).toMatchObject({
      ...{ id, identityRequired: false, offlineMessage: 'Nobody is here.' },
      chatWindow: { title: 'Ask us', quickReplies: ['Where is my parcel?'], rating: true },
      hours: { open: false, opensAt: null, closesAt: null },
      ownWords: { de: { title: 'Fragen' } },
      agent: { id: agentId, avatar: null, welcome: null },
      files: { maxBytes: 3 * 1024 * 1024 },
    })
    expect(body.agent?.name).toMatch(/^Agent /)
    expect(body.files.types).toContain('image/png')
    for (const hidden of ['allowedDomains', 'businessHours', 'tenantId', 'publicKey'])
      expect(body).not.toHaveProperty(hidden)
  })

  test('V1 an agent that does not answer is not introduced', async () => {
    const agentId = await newAgent(workspace)
    const { publicKey } = await newWidget(workspace, agentId)
    await parley.owner.query(`update agents set status = 'paused' where id = $1`, [agentId])
    expect((await configOf(publicKey)).body.agent).toBeNull()
  })

  test('V3 of a widget nothing is told on a page where it is not allowed, nor where there is none', async () => {
    const { publicKey } = await newWidget(workspace)
    expectProblem(await configOf(publicKey, { origin: 'https://elsewhere.example' }), 'forbidden')
    expectProblem(await configOf(publicKey, { origin: 'null' }), 'forbidden')
    expect((await configOf(publicKey, {})).status).toBe(200)
    expectProblem(await configOf(`${publicKey}x`), 'not_found')
    expectProblem(await configOf('widget_nothing'), 'not_found')
    const { publicKey: off } = await newWidget(workspace)
    await parley.owner.query('update widgets set active = false where public_key = $1', [off])
    expectProblem(await configOf(off), 'not_found')
  })
})

import { generateKeyPairSync } from 'node:crypto'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import type { ErrorCode } from '../../src/protocol/index.ts'
import { databaseKinds } from '../support/databases.ts'
import {
  inSeconds,
  type KnowingWidget,
  knock,
  knowingWidget,
  knownVisit,
  signed,
} from '../support/identities.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import type { Workspace } from '../support/people.ts'
import { expectProblem, faultPaths } from '../support/problems.ts'
import { quickMember, quickWorkspace } from '../support/quickPeople.ts'
import { newWidget, visit } from '../support/sockets.ts'

interface Contact {
  readonly id: string
  readonly externalId: string | null
  readonly email: string | null
  readonly name: string | null
  readonly phone: string | null
  readonly verified: boolean
}

/** V3: who a visitor is, signed by the site. */
describe('signed identity', () => {
  let parley: TestParley
  let workspace: Workspace
  let widget: KnowingWidget

  beforeAll(async () => {
    parley = await startParley(databaseKinds.at(-1) ?? 'embedded')
    workspace = await quickWorkspace(parley)
    widget = await knowingWidget(workspace)
  })
  afterAll(() => parley?.remove())

  const contactsOf = async (externalId: string): Promise<Contact[]> => {
    const { body } = await workspace.owner.call<{ items: Contact[] }>(
      'get',
      `/api/v1/contacts?externalId=${externalId}`,
    )
    return body.items
  }
  const path = (id: string, what: string) => `/api/v1/widgets/${id}/${what}`

  test('S5: a secret is shown once, sealed where it is stored, and in no list, page or audit entry', async () => {
    const { secret, id } = widget
    const stored = await parley.owner.query<{ material: string }>(
      'select material from widget_identities where widget_id = $1',
      [id],
    )
    expect(stored.rows[0]?.material).toBeTruthy()
    expect(stored.rows[0]?.material).not.toContain(secret)
    const pages = await Promise.all(
      [
        `/api/v1/widgets/${id}`,
        '/api/v1/widgets',
        path(id, 'identity'),
        `/api/v1/audit?resourceId=${id}`,
      ].map(at => workspace.owner.call('get', at)),
    )
    expect(pages.map(({ status }) => status)).toEqual([200, 200, 200, 200])
    for (const page of pages) {
      expect(JSON.stringify(page.body)).not.toContain(secret)
      expect(JSON.stringify(page.body)).not.toContain(stored.rows[0]?.material)
    }
    expect(pages[2]?.body).toMatchObject({ algorithm: 'HS256', publicKey: null })
    expect(JSON.stringify(pages[3]?.body)).toContain('widget.identity_set')
  })

  test('S5: a widget that is deleted, or changed, leaves nothing of its secret in the audit log', async () => {
    const gone = await knowingWidget(workspace)
    await workspace.owner.call('patch', `/api/v1/widgets/${gone.id}`, { identityRequired: true })
    expect((await workspace.owner.call('delete', `/api/v1/widgets/${gone.id}`)).status).toBe(204)
    const { rows } = await parley.owner.query('select * from audit_logs where resource_id = $1', [gone.id])
    expect(rows).toHaveLength(4)
    expect(JSON.stringify(rows)).not.toMatch(new RegExp(`${gone.secret}|material`))
    const left = await parley.owner.query('select 1 from widget_identities where widget_id = $1', [gone.id])
    expect(left.rows).toEqual([])
  })

  test('a new secret ends what the former one signed; without one nobody can prove anything', async () => {
    const own = await knowingWidget(workspace)
    const identity = await signed({ sub: 'rotated' }, own.secret)
    const ask = () => knock(parley, { widget: own.publicKey, identity })
    expect((await ask()).status).toBe(201)
    const second = await workspace.owner.call<{ secret: string }>('post', path(own.id, 'identity-secret'))
    expectProblem(await ask(), 'unauthenticated')
    const again = await signed({ sub: 'rotated' }, second.body.secret)
    expect((await knock(parley, { widget: own.publicKey, identity: again })).status).toBe(201)
    expect((await workspace.owner.call('delete', path(own.id, 'identity'))).status).toBe(204)
    expectProblem(await knock(parley, { widget: own.publicKey, identity: again }), 'unauthenticated')
    expectProblem(await workspace.owner.call('delete', path(own.id, 'identity')), 'not_found')
    expect(await contactsOf('rotated')).toHaveLength(1)
  })

  test('EdDSA: a public key as PEM or JWK checks what the private one signed, and is no secret for HS256', async () => {
    const own = await newWidget(workspace)
    const pair = generateKeyPairSync('ed25519')
    const pem = pair.publicKey.export({ type: 'spki', format: 'pem' }).toString()
    const jwk = JSON.stringify(pair.publicKey.export({ format: 'jwk' }))
    const letIn = async (identity: string) =>
      (await knock(parley, { widget: own.publicKey, identity })).status
    for (const publicKey of [pem, jwk]) {
      const answer = await workspace.owner.call('put', path(own.id, 'identity-key'), { publicKey })
      expect(answer.status).toBe(204)
      expect(await letIn(await signed({ sub: 'ed' }, pair.privateKey, 'EdDSA'))).toBe(201)
      const stranger = generateKeyPairSync('ed25519').privateKey
      expect(await letIn(await signed({ sub: 'ed' }, stranger, 'EdDSA'))).toBe(401)
      for (const secret of [pem, pem.trim(), jwk])
        expect(await letIn(await signed({ sub: 'ed' }, secret))).toBe(401)
    }
    const shown = await workspace.owner.call<{ publicKey: string }>('get', path(own.id, 'identity'))
    expect(shown.body).toMatchObject({ algorithm: 'EdDSA', publicKey: pem })
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2_048 }).publicKey
    const unfit = [
      ...['nonsense', '{}', '{"kty":"OKP"}', '[]'],
      rsa.export({ type: 'spki', format: 'pem' }).toString(),
      pair.privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
      JSON.stringify(pair.privateKey.export({ format: 'jwk' })),
    ]
    for (const publicKey of unfit)
      expect(
        faultPaths(await workspace.owner.call('put', path(own.id, 'identity-key'), { publicKey })),
      ).toEqual(['publicKey'])
  })

  test('S3: no role below admin decides by what people are known', async () => {
    const manager = await quickMember(parley, workspace, 'agent_admin')
    expectProblem(await manager.call('post', path(widget.id, 'identity-secret')), 'forbidden')
    expectProblem(await manager.call('delete', path(widget.id, 'identity')), 'forbidden')
  })

  test('S4: what is not signed for this widget, in its way and for now, proves nothing', async () => {
    const other = await knowingWidget(workspace)
    const { secret } = widget
    const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const claims = { sub: 'mallory', exp: inSeconds(600) }
    const good = await signed(claims, secret)
    const [head = '', body = '', mac = ''] = good.split('.')
    const refused: Record<string, readonly [string, ErrorCode]> = {
      garbage: ['garbage', 'unauthenticated'],
      'three empty parts': ['..', 'unauthenticated'],
      'no algorithm': [`${encode({ alg: 'none' })}.${encode(claims)}.`, 'unauthenticated'],
      'no algorithm, with a signature': [`${encode({ alg: 'none' })}.${body}.${mac}`, 'unauthenticated'],
      'another algorithm of the same secret': [await signed(claims, secret, 'HS512'), 'unauthenticated'],
      'the secret of another widget': [await signed(claims, other.secret), 'unauthenticated'],
      'the public key of the widget': [await signed(claims, widget.publicKey), 'unauthenticated'],
      'other claims': [`${head}.${encode({ ...claims, sub: 'alice' })}.${mac}`, 'unauthenticated'],
      'a key of its own': [
        `${encode({ alg: 'HS256', jwk: { kty: 'oct', k: 'AAAA' } })}.${body}.${mac}`,
        'unauthenticated',
      ],
      'for another widget': [await signed({ ...claims, aud: other.publicKey }, secret), 'unauthenticated'],
      'for nobody': [await signed({ ...claims, aud: [] }, secret), 'unauthenticated'],
      'for no name': [await signed({ ...claims, aud: '' }, secret), 'unauthenticated'],
      'for others': [
        await signed({ ...claims, aud: [other.publicKey, widget.id] }, secret),
        'unauthenticated',
      ],
      'not yet': [await signed({ ...claims, nbf: inSeconds(300) }, secret), 'unauthenticated'],
      expired: [await signed({ ...claims, exp: inSeconds(-60) }, secret), 'token_expired'],
    }
    for (const [what, [identity, code]] of Object.entries(refused)) {
      const answer = await knock(parley, { widget: widget.publicKey, identity })
      expect({ what, code: expectProblem(answer, code).code }).toEqual({ what, code })
    }
    expect(await contactsOf('mallory')).toEqual([])
    expect(await contactsOf('alice')).toEqual([])
    // Without an audience it is good wherever its signature is.
    for (const audience of [{ aud: widget.publicKey }, { aud: ['elsewhere', widget.publicKey] }, {}])
      await knownVisit(parley, widget, { ...claims, ...audience })
  })

  test('an identity must say who and until when, and what it says must be storable', async () => {
    const { secret, publicKey } = widget
    const faultsOf = async (claims: Record<string, unknown>) => {
      const identity = await signed({ exp: inSeconds(600), ...claims }, secret)
      return faultPaths(await knock(parley, { widget: publicKey, identity }))
    }
    expect(await faultsOf({})).toEqual(['identity.sub'])
    expect(await faultsOf({ sub: 'x', exp: undefined })).toEqual(['identity.exp'])
    expect(await faultsOf({ sub: 'x', exp: inSeconds(25 * 3_600) })).toEqual(['identity.exp'])
    expect(await faultsOf({ sub: 'x'.repeat(201) })).toEqual(['identity.sub'])
    expect(await faultsOf({ sub: ' ', email: 'nobody', name: 'a\u0000b', phone: '1'.repeat(41) })).toEqual(
      ['email', 'name', 'phone', 'sub'].map(field => `identity.${field}`),
    )
    await knownVisit(parley, widget, {
      sub: 'x',
      exp: inSeconds(24 * 3_600),
      iat: inSeconds(0),
      plan: 'gold',
    })
  })

  test('S4: two names of the site are never one person: what would have to be tidied up is refused', async () => {
    const bob = await knownVisit(parley, widget, { sub: 'bob' })
    for (const sub of [
      ' bob',
      'bob ',
      '\u00a0bob\u00a0',
      'bob\n',
      '\tbob',
      '\ufeffbob',
      'bob\u2028',
      'bo\u0085b',
    ]) {
      const identity = await signed({ sub }, widget.secret)
      const answer = await knock(parley, { widget: widget.publicKey, identity })
      expect({ sub, faults: new Set(faultPaths(answer)) }).toEqual({ sub, faults: new Set(['identity.sub']) })
    }
    // Members, who type by hand, have it tidied up: it is the same person.
    expectProblem(await workspace.owner.call('post', '/api/v1/contacts', { externalId: ' bob ' }), 'conflict')
    for (const sub of ['Bob', 'b ob', 'bob\u200b'])
      expect((await knownVisit(parley, widget, { sub })).contactId).not.toBe(bob.contactId)
    expect(await contactsOf('bob')).toMatchObject([{ id: bob.contactId }])
  })

  test('V3: an identity is one contact, made at first and brought up to date later, whatever was there before', async () => {
    const first = await knownVisit(parley, widget, { sub: 'u-1', name: 'Ada', email: 'ADA@people.example' })
    const [made] = await contactsOf('u-1')
    const facts = { id: first.contactId, externalId: 'u-1', verified: true, phone: null }
    expect(made).toMatchObject({ ...facts, name: 'Ada', email: 'ada@people.example' })
    const second = await knownVisit(parley, widget, { sub: 'u-1', name: 'Ada L.', phone: '+49 30 1' })
    expect(second.contactId).toBe(first.contactId)
    expect(await contactsOf('u-1')).toMatchObject([
      { ...facts, name: 'Ada L.', email: 'ada@people.example', phone: '+49 30 1' },
    ])
    // Nothing new: nothing is written, and nothing is told.
    const entries = async () =>
      (await parley.owner.query('select 1 from audit_logs where resource_id = $1', [first.contactId])).rows
        .length
    const before = await entries()
    expect(before).toBe(2)
    await knownVisit(parley, widget, { sub: 'u-1', name: 'Ada L.' })
    expect(await entries()).toBe(before)
    const known = await workspace.owner.call<Contact>('post', '/api/v1/contacts', { externalId: 'u-2' })
    expect(known.body.verified).toBe(false)
    expect((await knownVisit(parley, widget, { sub: 'u-2' })).contactId).toBe(known.body.id)
    expect(await contactsOf('u-2')).toMatchObject([{ verified: true }])
  })

  test('S3: the same name of another workspace is another person', async () => {
    const elsewhere = await quickWorkspace(parley)
    const there = await knowingWidget(elsewhere)
    const here = await knownVisit(parley, widget, { sub: 'everywhere' })
    expect((await knownVisit(parley, there, { sub: 'everywhere' })).contactId).not.toBe(here.contactId)
    const identity = await signed({ sub: 'everywhere' }, there.secret)
    expectProblem(await knock(parley, { widget: widget.publicKey, identity }), 'unauthenticated')
  })

  test('where an identity is required nobody comes in without one, however they came before', async () => {
    const own = await knowingWidget(workspace)
    await workspace.owner.call('patch', `/api/v1/widgets/${own.id}`, { identityRequired: true })
    expectProblem(await knock(parley, { widget: own.publicKey }), 'identity_required')
    const known = await knownVisit(parley, own, { sub: `required-${newId()}` })
    const { resume } = known
    expectProblem(await knock(parley, { widget: own.publicKey, resume }), 'identity_required')
    // Nor by the way of a widget that requires none.
    expectProblem(await knock(parley, { widget: widget.publicKey, resume }), 'identity_required')
    const plain = await newWidget(workspace)
    expectProblem(await knock(parley, { widget: plain.publicKey, resume }), 'identity_required')
  })

  test('S4: what an identity gave lasts at its widget, until what proved it is replaced or removed', async () => {
    const own = await knowingWidget(workspace)
    const sub = `bound-${newId()}`
    const first = await knownVisit(parley, own, { sub })
    const back = await visit(parley.url, own.publicKey, first.resume)
    const again = await visit(parley.url, own.publicKey, back.resume)
    expect(again.contactId).toBe(first.contactId)
    const elsewhere = await knownVisit(parley, widget, { sub })
    const anonymous = await visit(parley.url, own.publicKey)
    const refused = async (resume: string) =>
      expectProblem(await knock(parley, { widget: own.publicKey, resume }), 'identity_required')
    await refused(elsewhere.resume)

    const { body } = await workspace.owner.call<{ secret: string }>('post', path(own.id, 'identity-secret'))
    for (const { resume } of [first, back, again]) await refused(resume)
    const renewed = await knownVisit(parley, { ...own, secret: body.secret }, { sub }, again.resume)
    expect(renewed.contactId).toBe(first.contactId)
    expect((await visit(parley.url, own.publicKey, renewed.resume)).contactId).toBe(first.contactId)
    expect((await workspace.owner.call('delete', path(own.id, 'identity'))).status).toBe(204)
    await refused(renewed.resume)
    expect((await workspace.owner.call('post', path(own.id, 'identity-secret'))).status).toBe(201)
    await refused(renewed.resume)
    // Nobody else is affected: neither another widget's visitors nor those without a name.
    expect((await visit(parley.url, widget.publicKey, elsewhere.resume)).contactId).toBe(first.contactId)
    expect((await visit(parley.url, own.publicKey, anonymous.resume)).contactId).toBe(anonymous.contactId)
  })
})

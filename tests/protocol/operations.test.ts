import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { newId } from '../../src/kernel/index.ts'
import { databaseKinds } from '../support/databases.ts'
import { startParley, type TestParley } from '../support/parley.ts'
import { expectProblem } from '../support/problems.ts'
import { quickWorkspace } from '../support/quickPeople.ts'
import { send } from '../support/rawHttp.ts'

const metricsToken = 'a token for the metrics page'

const kind = databaseKinds.at(-1) ?? 'embedded'

describe('G7: what operators and browsers see', () => {
  let parley: TestParley
  let guarded: TestParley
  beforeAll(async () => {
    parley = await startParley(kind)
    guarded = await startParley(kind, { METRICS_TOKEN: metricsToken })
  })
  afterAll(async () => {
    await parley.remove()
    await guarded.remove()
  })

  test('every answer carries a request id: the one that was given if it is one, else its own', async () => {
    const given = `req-${newId()}`
    for (const path of ['/api/v1/status', '/api/v1/tenant', '/nowhere', '/healthz', '/']) {
      const answer = await send(parley, { path, headers: { 'x-request-id': given } })
      expect(answer.headers.get('x-request-id')).toBe(given)
    }
    for (const bad of [
      'short',
      'x'.repeat(65),
      'with space',
      '<script>alert(1)</script>',
      'a\tbcdefghij',
      undefined,
    ]) {
      const answer = await send(parley, {
        path: '/api/v1/tenant',
        headers: bad === undefined ? {} : { 'x-request-id': bad },
      })
      expect(expectProblem(answer, 'unauthenticated').requestId).toMatch(/^[0-9a-f-]{36}$/)
    }
  })

  test('headers keep browsers careful and tell nothing about the software', async () => {
    for (const path of [
      '/',
      '/api/v1/status',
      '/api/v1/tenant',
      '/nowhere',
      '/healthz',
      '/api/openapi.json',
    ]) {
      const { headers } = await send(parley, { path })
      expect(headers.get('x-content-type-options'), path).toBe('nosniff')
      expect(headers.get('content-security-policy'), path).toMatch(
        /default-src 'self'.*frame-ancestors 'none'|frame-ancestors 'none'.*default-src 'self'/,
      )
      expect(headers.get('content-security-policy'), path).not.toMatch(/script-src[^;]*unsafe/)
      expect(headers.get('referrer-policy'), path).toBe('strict-origin-when-cross-origin')
      expect(headers.get('strict-transport-security'), path).toMatch(/max-age=\d{7,}/)
      expect(headers.get('x-frame-options'), path).toMatch(/DENY|SAMEORIGIN/)
      for (const name of ['x-powered-by', 'server', 'etag-weak'])
        expect(headers.has(name), `${path} ${name}`).toBe(false)
      expect(headers.has('access-control-allow-origin'), path).toBe(false)
    }
    for (const path of ['/api/v1/status', '/api/v1/tenant']) {
      expect((await send(parley, { path })).headers.get('cache-control')).toBe('no-store')
    }
  })

  test('health and readiness answer without a credential', async () => {
    expect((await send(parley, { path: '/healthz' })).body).toEqual({ status: 'alive' })
    expect((await send(parley, { path: '/readyz' })).body).toEqual({ status: 'ready' })
  })

  test('metrics count by pattern, never by id, and carry no text of a request', async () => {
    const { owner } = await quickWorkspace(parley)
    const made = await owner.call<{ id: string }>('post', '/api/v1/contacts', { name: 'Not for metrics' })
    await owner.call('get', `/api/v1/contacts/${made.body.id}`)
    await owner.call('get', `/api/v1/contacts/${newId()}`)
    await send(parley, { path: `/nowhere-${newId()}` })
    const { status, headers, text } = await send(parley, { path: '/metrics' })
    expect(status).toBe(200)
    expect(headers.get('content-type')).toMatch(/^text\/plain/)
    expect(text).toMatch(
      /^parley_http_requests_total\{method="GET",route="\/api\/v1\/contacts\/:id",status="200"\} 1$/m,
    )
    expect(text).toMatch(
      /^parley_http_requests_total\{method="GET",route="\/api\/v1\/contacts\/:id",status="404"\} 1$/m,
    )
    expect(text).toMatch(
      /^parley_http_requests_total\{method="POST",route="\/api\/v1\/contacts",status="201"\} 1$/m,
    )
    expect(text).toMatch(/^parley_http_requests_total\{method="GET",route="other",status="404"\} \d+$/m)
    expect(text).toMatch(
      /^parley_http_request_seconds_count\{method="GET",route="\/api\/v1\/contacts\/:id"\} 2$/m,
    )
    expect(text).toMatch(/^parley_transactions_total\{role="parley_app",result="committed"\} \d+$/m)
    expect(text).not.toMatch(/[0-9a-f]{8}-[0-9a-f]{4}-|Not for metrics|Bearer/)
    expect(text.match(/^parley_process_cpu_seconds_total \d/m)).not.toBeNull()
  })

  test('with a token set, metrics need it', async () => {
    for (const authorization of [
      undefined,
      'Bearer wrong',
      `Basic ${metricsToken}`,
      'Bearer',
      metricsToken,
    ]) {
      const headers = authorization === undefined ? {} : { authorization }
      expectProblem(await send(guarded, { path: '/metrics', headers }), 'unauthenticated')
    }
    const answer = await send(guarded, {
      path: '/metrics',
      headers: { authorization: `Bearer ${metricsToken}` },
    })
    expect(answer.status).toBe(200)
  })

  test('without a token, metrics are for this machine: a proxy does not count as it', async () => {
    const behind = await startParley(kind, { TRUST_PROXY: '1' })
    try {
      const from = (address: string) =>
        send(behind, { path: '/metrics', headers: { 'x-forwarded-for': address } })
      expectProblem(await from('203.0.113.7'), 'unauthenticated')
      expectProblem(await from('127.0.0.1, 203.0.113.7'), 'unauthenticated')
    } finally {
      await behind.remove()
    }
  })

  test('an overlong header or an unknown method ends without harm', async () => {
    const long = await send(parley, { path: '/api/v1/status', headers: { 'x-long': 'x'.repeat(20_000) } })
    expect(long.status).toBe(431)
    expect((await send(parley, { path: '/api/v1/status' })).status).toBe(200)
  })
})

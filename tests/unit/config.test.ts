import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inspect } from 'node:util'
import { describe, expect, test } from 'vitest'
import { ConfigError, describeSettings, type Environment, parseConfig } from '../../src/config.ts'

const faultsOf = (environment: Environment): readonly string[] => {
  try {
    parseConfig(environment)
  } catch (error) {
    if (error instanceof ConfigError) return error.faults
    throw error
  }
  return []
}
const secret = 'x'.repeat(32)

describe('the configuration', () => {
  test('nothing set is a working configuration of this machine only', () => {
    const config = parseConfig({})
    expect(config.http).toMatchObject({
      port: 3000,
      host: '127.0.0.1',
      trustProxy: 0,
    })
    expect(config.database.url).toBeUndefined()
    expect(config.seedDemo).toBe(true)
    expect(config.accounts).toEqual({ signUp: true, masterAdminEmails: [], oauth: {} })
  })

  test('all faults are named at once, each by its setting', () => {
    const faults = faultsOf({
      PORT: '70000',
      PUBLIC_URL: 'ftp://x',
      TRUST_PROXY: 'yes',
      PARLEY_SECRET: 'short',
      DATABASE_URL: 'mysql://x',
      REDIS_URL: 'localhost',
      SMTP_URL: 'x',
      SIGN_UP: 'maybe',
      REQUESTS_PER_MINUTE: '0',
      SIGN_INS_PER_MINUTE: '-1',
      METRICS_TOKEN: 'short',
      LOG_LEVEL: 'loud',
      GOOGLE_CLIENT_ID: 'id-without-secret',
      GITHUB_CLIENT_SECRET: 'secret-without-id',
      MAX_FILE_MIB: '0',
      S3_ENDPOINT: 'https://s3.example/path',
      S3_BUCKET: 'No Bucket',
      S3_REGION: 'here',
      S3_ACCESS_KEY_ID: 'key-without-secret',
      OPENAI_BASE_URL: 'https://user:password@models.example/v1',
      OPENAI_MODEL: 'a model',
      OPENAI_CHEAP_MODEL: 'x'.repeat(201),
      MODEL_PRICES: '{"a-model": {"input": -1}}',
      RERANK_URL: 'https://ranking.example/v2/rerank',
      OUTGOING_ALLOWED: 'wiki.example, 10.0.0.300',
    })
    expect(faults.map(fault => fault.split(':')[0]).sort()).toEqual([
      'DATABASE_URL',
      'GITHUB_CLIENT_ID',
      'GOOGLE_CLIENT_SECRET',
      'LOG_LEVEL',
      'MAX_FILE_MIB',
      'METRICS_TOKEN',
      'MODEL_PRICES',
      'OPENAI_BASE_URL',
      'OPENAI_CHEAP_MODEL',
      'OPENAI_MODEL',
      'OUTGOING_ALLOWED',
      'PARLEY_SECRET',
      'PORT',
      'PUBLIC_URL',
      'REDIS_URL',
      'REQUESTS_PER_MINUTE',
      'RERANK_MODEL',
      'S3_BUCKET',
      'S3_ENDPOINT',
      'S3_SECRET_ACCESS_KEY',
      'SIGN_INS_PER_MINUTE',
      'SIGN_UP',
      'SMTP_URL',
      'TRUST_PROXY',
    ])
    const { message } = new ConfigError(faults)
    for (const fault of faults) expect(message).toContain(fault)
  })

  test('numbers are whole and within bounds', () => {
    for (const PORT of ['-1', '1.5', '65536', '3000x', '0x10', '1e3', '٣'])
      expect(faultsOf({ PORT }), PORT).toHaveLength(1)
    expect(parseConfig({ PORT: ' 8080 ' }).http.port).toBe(8080)
    expect(parseConfig({ PORT: '' }).http.port).toBe(3000)
    // One workspace has all connections but one, and needs two.
    expect(faultsOf({ DATABASE_POOL_SIZE: '2' })).toHaveLength(1)
    expect(parseConfig({ DATABASE_POOL_SIZE: '3' }).database.poolSize).toBe(3)
  })

  test('a server database needs a secret that all nodes share', () => {
    expect(faultsOf({ DATABASE_URL: 'postgresql://u:p@h/d' })).toEqual([
      expect.stringMatching(/^PARLEY_SECRET: /),
    ])
    const config = parseConfig({ DATABASE_URL: 'postgresql://u:p@h/d', PARLEY_SECRET: secret })
    expect(config.seedDemo).toBe(false)
  })

  test('the store for files is configured as a whole or not at all', () => {
    const whole = {
      S3_ENDPOINT: 'https://s3.example/',
      S3_BUCKET: 'parley-files',
      S3_REGION: 'eu-central-1',
      S3_ACCESS_KEY_ID: 'a-key',
      S3_SECRET_ACCESS_KEY: secret,
    }
    const mib = 1024 * 1024
    const limits = { file: 20 * mib, strangers: 100 * mib, tenant: 10_240 * mib }
    expect(parseConfig({}).files).toEqual({ limits, s3: undefined })
    const { s3 } = parseConfig(whole).files
    expect(s3).toMatchObject({ bucket: 'parley-files', region: 'eu-central-1', accessKeyId: 'a-key' })
    expect(s3?.secretAccessKey.reveal()).toBe(secret)
    for (const name of Object.keys(whole))
      expect(faultsOf({ ...whole, [name]: undefined }), name).toEqual([
        expect.stringMatching(new RegExp(`^${name}: `)),
      ])
  })

  test('models: built in with nothing, OpenAI with a key, any service with its address and a model', () => {
    const modelsOf = (environment: Environment) => parseConfig(environment).models
    expect(modelsOf({})).toEqual({ openai: undefined, rerank: undefined, prices: {} })
    expect(modelsOf({ OPENAI_API_KEY: secret }).openai).toMatchObject({
      baseUrl: undefined,
      model: 'gpt-4.1',
      cheapModel: 'gpt-4.1-mini',
      embeddingModel: 'text-embedding-3-small',
    })
    const local = { OPENAI_BASE_URL: 'http://localhost:11434/v1/', OPENAI_MODEL: 'small' }
    expect(modelsOf(local).openai).toMatchObject({
      apiKey: undefined,
      model: 'small',
      cheapModel: 'small',
      embeddingModel: undefined,
    })
    expect(faultsOf({ ...local, OPENAI_MODEL: undefined })).toEqual([
      expect.stringMatching(/^OPENAI_MODEL: /),
    ])
    expect(faultsOf({ OPENAI_EMBEDDING_MODEL: 'm' })).toEqual([
      expect.stringMatching(/^OPENAI_EMBEDDING_MODEL: needs/),
    ])
    expect(faultsOf({ RERANK_API_KEY: secret })).toEqual([expect.stringMatching(/^RERANK_URL: /)])
    const ranking = { RERANK_URL: 'https://ranking.example/v2/rerank', RERANK_MODEL: 'r' }
    expect(modelsOf(ranking).rerank).toEqual({ url: ranking.RERANK_URL, apiKey: undefined, model: 'r' })
  })

  test('prices are numbers from 0 for known kinds of tokens, and nothing else', () => {
    const prices = { 'a-model': { input: 2, output: 8.5 }, other: { embedding: 0 }, ranks: { rerank: 2 } }
    expect(parseConfig({ MODEL_PRICES: JSON.stringify(prices) }).models.prices).toEqual(prices)
    for (const MODEL_PRICES of ['no', '[]', '3', '{"m": 3}', '{"m": {"input": "2"}}', '{"m": {"inputs": 2}}'])
      expect(faultsOf({ MODEL_PRICES }), MODEL_PRICES).toEqual([expect.stringMatching(/^MODEL_PRICES: /)])
  })

  test('no value is ever repeated, neither by a fault nor by printing the configuration', () => {
    const marked = 'hunter2hunter2hunter2hunter2hunter2'
    const names = [...describeSettings().matchAll(/^#([A-Z0-9_]+)=/gm)].map(([, name = '']) => name)
    expect(names.length).toBeGreaterThan(20)
    for (const name of names) {
      // A value in the wrong place may be a secret.
      for (const value of [marked, `${marked}://${marked}`])
        expect(faultsOf({ [name]: value }).join('\n')).not.toContain('hunter2')
    }
    const config = parseConfig({
      PARLEY_SECRET: marked,
      DATABASE_URL: `postgresql://u:${marked}@h/d`,
      REDIS_URL: `redis://:${marked}@h`,
      SMTP_URL: `smtp://u:${marked}@h`,
      METRICS_TOKEN: marked,
      GOOGLE_CLIENT_ID: 'id',
      GOOGLE_CLIENT_SECRET: marked,
      S3_ENDPOINT: 'https://s3.example',
      S3_BUCKET: 'parley-files',
      S3_REGION: 'here',
      S3_ACCESS_KEY_ID: 'id',
      S3_SECRET_ACCESS_KEY: marked,
      OPENAI_API_KEY: marked,
      RERANK_URL: 'https://ranking.example/v2/rerank',
      RERANK_MODEL: 'r',
      RERANK_API_KEY: marked,
    })
    expect(inspect(config, { depth: 9 }) + JSON.stringify(config)).not.toContain('hunter2')
  })

  test('addresses are tidied: no trailing slash, lists split, lower case', () => {
    const config = parseConfig({
      PUBLIC_URL: 'https://chat.example//',
      MASTER_ADMIN_EMAILS: ' A@b.example ,, C@d.example',
    })
    expect(config.http.publicUrl).toBe('https://chat.example')
    expect(config.accounts.masterAdminEmails).toEqual(['a@b.example', 'c@d.example'])
  })

  test('several addresses of Redis are those of a cluster; a comma alone belongs to a password', () => {
    const [one, other] = ['redis://:a,b@one:6379', 'redis://other:6379']
    const urls = (list: string, cluster: string) =>
      parseConfig({ REDIS_URL: list, REDIS_CLUSTER: cluster }).redis?.urls.map(url => url.reveal())
    expect(urls(one, 'false')).toEqual([one])
    expect(urls(`${one},${other}`, 'true')).toEqual([one, other])
    expect(faultsOf({ REDIS_URL: `${one},${other}` })).toEqual([expect.stringMatching(/^REDIS_URL: /)])
  })

  test('.env.example names every setting, as the program describes them', () => {
    expect(readFileSync(join(import.meta.dirname, '../../.env.example'), 'utf8')).toBe(describeSettings())
  })
})

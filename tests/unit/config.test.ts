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
    })
    expect(faults.map(fault => fault.split(':')[0]).sort()).toEqual([
      'DATABASE_URL',
      'GITHUB_CLIENT_ID',
      'GOOGLE_CLIENT_SECRET',
      'LOG_LEVEL',
      'MAX_FILE_MIB',
      'METRICS_TOKEN',
      'PARLEY_SECRET',
      'PORT',
      'PUBLIC_URL',
      'REDIS_URL',
      'REQUESTS_PER_MINUTE',
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
    expect(parseConfig({}).files).toEqual({ maxBytes: 20 * 1024 * 1024, s3: undefined })
    const { s3 } = parseConfig(whole).files
    expect(s3).toMatchObject({ bucket: 'parley-files', region: 'eu-central-1', accessKeyId: 'a-key' })
    expect(s3?.secretAccessKey.reveal()).toBe(secret)
    for (const name of Object.keys(whole))
      expect(faultsOf({ ...whole, [name]: undefined }), name).toEqual([
        expect.stringMatching(new RegExp(`^${name}: `)),
      ])
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

  test('.env.example names every setting, as the program describes them', () => {
    expect(readFileSync(join(import.meta.dirname, '../../.env.example'), 'utf8')).toBe(describeSettings())
  })
})

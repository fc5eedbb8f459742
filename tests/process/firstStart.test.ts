import { execFileSync } from 'node:child_process'
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { demoOwner, everything, nodeCommand, startProgram, workplace } from '../support/processes.ts'

vi.setConfig({ testTimeout: 60_000 })

interface Named {
  readonly id: string
}

/** A shell in a network of its own that has nothing but itself; undefined where that needs rights we lack. */
function withoutNetwork(): readonly string[] | undefined {
  const wrap = ['unshare', '-n', 'sh', '-c', 'ip link set lo up && exec "$@"', 'sh']
  try {
    execFileSync('unshare', [...wrap.slice(1), 'true'], { stdio: 'ignore' })
    return wrap
  } catch {
    return undefined
  }
}

const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)

describe('the first start, with nothing configured and an empty home', () => {
  test('serves in seconds, prints where and how to sign in, and the next start finds all of it again', async () => {
    await using at = await workplace()
    const began = performance.now()
    let contacts: Named[]
    let printed: string
    {
      await using first = startProgram(at)
      const { url } = await first.serving()
      console.log(`first start: ${Math.round(performance.now() - began)} ms until it serves`)
      expect((await fetch(`${url}/`)).status).toBe(200)
      expect((await fetch(`${url}/api/docs`)).status).toBe(200)
      expect(first.stdout()).toContain(`API          ${url}/api/docs\n`)
      expect(first.stdout()).toContain(`Demo shop    ${url}/demo\n`)
      const shop = await (await fetch(`${url}/demo`)).text()
      expect(shop).toMatch(/<script async src="\/widget.js" data-widget="widget_\w+">/)
      expect((await fetch(`${url}/widget.js`)).status).toBe(200)
      expect(first.stderr()).toBe('')

      const owner = await demoOwner(first)
      contacts = await everything<Named>(owner, '/api/v1/contacts')
      expect(contacts.length).toBeGreaterThan(0)
      expect((await everything(owner, '/api/v1/widgets')).length).toBe(1)
      expect((await everything(owner, '/api/v1/conversations')).length).toBeGreaterThan(0)
      // Whoever asks at once is answered from all of the documents.
      const sources = await everything<Named & { status: string }>(owner, '/api/v1/knowledge/sources')
      expect(new Set(sources.map(({ status }) => status))).toEqual(new Set(['ready']))
      printed = /Demo login.*\n/.exec(first.stdout())?.[0] ?? ''
      expect(await first.stop()).toEqual({ code: 0, signal: null })
      expect(first.stderr()).toBe('')
    }

    const again = performance.now()
    await using second = startProgram(at)
    const owner = await demoOwner(second)
    console.log(`second start: ${Math.round(performance.now() - again)} ms until it serves and signs in`)
    expect(printed).not.toBe('')
    expect(second.stdout()).toContain(printed)
    const ids = (list: readonly Named[]) => list.map(({ id }) => id).sort()
    expect(ids(await everything<Named>(owner, '/api/v1/contacts'))).toEqual(ids(contacts))
  })

  test('what it keeps is for its owner alone, and nothing is written anywhere else', async () => {
    await using at = await workplace()
    {
      await using program = startProgram(at)
      await program.serving()
      expect(mode(at.data)).toBe('700')
      expect(mode(join(at.data, 'db'))).toBe('700')
      for (const secret of ['secret', 'demo-password']) expect(mode(join(at.data, secret))).toBe('600')
      const secrets = ['secret', 'demo-password'].map(name =>
        readFileSync(join(at.data, name), 'utf8').trim(),
      )
      expect(secrets[0]?.length).toBeGreaterThanOrEqual(43)
      // The demo password is shown to whoever starts it; the signing secret to nobody.
      expect(program.stdout()).toContain(secrets[1])
      expect(program.stdout() + program.stderr()).not.toContain(secrets[0])
      await program.stop()
    }
    for (const folder of [at.home, at.work, at.temporary]) expect(readdirSync(folder)).toEqual([])
    expect(readdirSync(at.root).sort()).toEqual(['data', 'home', 'tmp', 'work'])
  })

  test('the default data folder is .parley in the working folder', async () => {
    await using at = await workplace()
    await using program = startProgram(at, { environment: { PARLEY_DATA: '' } })
    await program.serving()
    expect(readdirSync(at.work)).toEqual(['.parley'])
    expect(existsSync(at.data)).toBe(false)
    expect(mode(join(at.work, '.parley'))).toBe('700')
  })

  const isolated = withoutNetwork()
  test.skipIf(isolated === undefined)('needs no network', async () => {
    await using at = await workplace()
    await using program = startProgram(at, {
      command: [...(isolated ?? []), ...nodeCommand],
      // Outside nobody can ask it over HTTP, so it has to tell.
      environment: { LOG_LEVEL: 'trace' },
    })
    await program.serving()
    expect(await program.stop()).toEqual({ code: 0, signal: null })
    expect(program.stderr()).toBe('')
    expect(program.stdout()).not.toMatch(/ENETUNREACH|EAI_AGAIN|ENOTFOUND|"level":"(warn|error|fatal)"/)
  })
})

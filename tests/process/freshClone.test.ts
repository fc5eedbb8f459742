import { execFileSync } from 'node:child_process'
import { copyFileSync, existsSync, lstatSync, mkdirSync } from 'node:fs'
import { homedir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { lockFolder } from '../../src/db/embedded/index.ts'
import { eventually } from '../support/eventually.ts'
import {
  databasePid,
  demoOwner,
  everything,
  linesWith,
  startProgram,
  workplace,
} from '../support/processes.ts'

const repository = fileURLToPath(new URL('../..', import.meta.url))

/** What a clone of this working folder would hold: everything that is tracked or could be. */
function clone(to: string): void {
  const list = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: repository })
  for (const file of list.toString('utf8').split('\0').filter(Boolean)) {
    const from = join(repository, file)
    if (!existsSync(from) || !lstatSync(from).isFile()) continue
    mkdirSync(dirname(join(to, file)), { recursive: true })
    copyFileSync(from, join(to, file))
  }
}

// Somewhere between 20 and 60 seconds, most of it npm's: the promise of the README, word for word.
test('a fresh clone: `npm ci && npm start` with the Node of this machine serves, and Ctrl-C ends it', {
  timeout: 240_000,
}, async () => {
  await using at = await workplace()
  clone(at.work)
  const cache = join(homedir(), '.npm')
  const userConfig = join(homedir(), '.npmrc')
  const environment = {
    // Not the Node that the project brings: the point is that it need not be there.
    PATH: (process.env.PATH ?? '')
      .split(delimiter)
      .filter(folder => !folder.includes('node_modules'))
      .join(delimiter),
    // Where packages come from is this machine's business; everything else starts from an empty home.
    ...(existsSync(userConfig) ? { NPM_CONFIG_USERCONFIG: userConfig } : {}),
    ...(existsSync(cache) ? { NPM_CONFIG_CACHE: cache } : {}),
    NPM_CONFIG_UPDATE_NOTIFIER: 'false',
    // This very install has just filled the cache; what is asked of the network again may stall.
    NPM_CONFIG_PREFER_OFFLINE: 'true',
    NPM_CONFIG_FETCH_TIMEOUT: '30000',
  }
  const node = execFileSync('node', ['--version'], { env: environment }).toString().trim()
  const began = performance.now()
  {
    await using install = startProgram(at, { command: ['npm', 'ci'], environment })
    const exit = await install.ended
    expect(exit, install.stdout() + install.stderr()).toEqual({ code: 0, signal: null })
  }
  const installed = performance.now()
  await using program = startProgram(at, { command: ['npm', 'start'], environment })
  await program.serving(30_000)
  console.log(
    `Node ${node}: npm ci ${Math.round(installed - began)} ms, npm start ${Math.round(performance.now() - installed)} ms until it serves`,
  )
  expect(program.stderr().replaceAll(/^npm warn Unknown .*\n/gm, '')).toBe('')
  const owner = await demoOwner(program)
  expect((await everything(owner, '/api/v1/contacts')).length).toBeGreaterThan(0)
  program.signalGroup('SIGINT')
  // npm itself ends as whoever was interrupted does; the program beneath it has stopped in good order.
  await program.ended
  await eventually('the database has left', () => databasePid(at) === undefined)
  lockFolder(at.data, 'parley').release()
  expect(linesWith(program, '"stopping"').length).toBe(1)
  expect(program.stderr()).not.toMatch(/^\s+at /m)
})

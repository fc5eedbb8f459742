import { spawn } from 'node:child_process'
import { randomInt } from 'node:crypto'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const given = process.argv.slice(2)

/** One for all that is drawn, so that a second run draws the same. */
const seed = String(randomInt(2 ** 31))
const seeds = { SIMULATION_SEED: seed, FUZZ_SEED: seed, ISOLATION_SEED: seed }

/**
 * Everything that `npm test` checks, cheapest first: a fault in the style is told before any server is started. Arguments go
 * to vitest: `npm test -- tests/isolation`.
 */
const steps: readonly (readonly [string, () => Promise<number>])[] = [
  ['format and lint', () => run(['biome', 'ci', '.'])],
  [
    'import law',
    () => run(['depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'loadtest', 'widget']),
  ],
  ['types', () => run(['tsc'])],
  ['types of the widget', () => run(['tsc', '-p', 'widget'])],
  ['types of its tests', () => run(['tsc', '-p', 'tests/unit/widget'])],
  ['tests', test],
]

/** More than these say that the change is at fault, and not what else the machine had to do. */
const filesWithSecondRun = 5

/**
 * Files that failed beside others run once more with nothing beside them: real servers and browsers on a machine that others use as well are late
 * now and then, in more ways than can be told apart. They are named at the end, because a race that shows only under load is a
 * fault too; what fails twice fails the run, and so does a counterexample that was found once.
 */
async function test(): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'parley-run-'))
  try {
    const list = join(folder, 'failed')
    const code = await run(['vitest', 'run', ...given], { PARLEY_FAILED_FILES: list })
    const failed =
      code === 0 ? [] : (await readFile(list, 'utf8').catch(() => '')).split('\n').filter(Boolean)
    if (failed.length === 0 || failed.length > filesWithSecondRun) return code
    console.log(`\n── tests, second run, alone: ${failed.join(', ')}`)
    const second = await run(['vitest', 'run', '--maxWorkers=1', ...failed])
    for (const file of failed)
      console.log(`*** failed beside others${second === 0 ? ', passed alone' : ''}: ${file}`)
    return second
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

function run([command, ...args]: readonly string[], environment: NodeJS.ProcessEnv = {}): Promise<number> {
  return new Promise((resolve, reject) => {
    const env = { ...seeds, ...process.env, ...environment }
    const child = spawn(command ?? '', args, { stdio: 'inherit', env, shell: process.platform === 'win32' })
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
}

for (const [name, step] of steps) {
  console.log(`\n── ${name}`)
  const started = Date.now()
  const code = await step()
  if (code !== 0) {
    console.error(`\n${name}: failed`)
    process.exit(code)
  }
  console.log(`${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

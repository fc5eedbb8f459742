import { spawn } from 'node:child_process'

/**
 * Everything that `npm test` checks, cheapest first: a fault in the style is told before any server is started. Arguments go
 * to vitest: `npm test -- tests/isolation`.
 */
const steps: readonly (readonly [string, readonly string[]])[] = [
  ['format and lint', ['biome', 'ci', '.']],
  ['import law', ['depcruise', '--config', '.dependency-cruiser.cjs', 'src', 'loadtest', 'widget']],
  ['types', ['tsc']],
  ['types of the widget', ['tsc', '-p', 'widget']],
  ['types of its tests', ['tsc', '-p', 'tests/unit/widget']],
  ['tests', ['vitest', 'run', ...process.argv.slice(2)]],
]

function run([command, ...args]: readonly string[]): Promise<number> {
  return new Promise((resolve, reject) => {
    const child = spawn(command ?? '', args, { stdio: 'inherit', shell: process.platform === 'win32' })
    child.on('error', reject)
    child.on('close', code => resolve(code ?? 1))
  })
}

for (const [name, command] of steps) {
  console.log(`\n── ${name}`)
  const started = Date.now()
  const code = await run(command)
  if (code !== 0) {
    console.error(`\n${name}: failed`)
    process.exit(code)
  }
  console.log(`${name}: ${((Date.now() - started) / 1000).toFixed(1)} s`)
}

import { createRequire } from 'node:module'

/**
 * `npm run build`: bundles the widget into `dist/widget`, compressed, and fails when it has grown beyond its budgets. With
 * `--if-possible`, as `npm ci` calls it, nothing is said or done where development tools are not installed (`npm ci --omit=dev`).
 */
const { resolve } = createRequire(import.meta.url)

// What other packages need of them as well may be there alone.
const absent = ['esbuild', 'preact'].filter(name => {
  try {
    return resolve(name) === undefined
  } catch {
    return true
  }
})

if (absent.length === 0) await run()
else if (!process.argv.includes('--if-possible')) fail(`${absent.join(' and ')} is not installed: npm ci.`)

async function run(): Promise<void> {
  try {
    const { buildWidget } = await import('./bundle.ts')
    const { budgets } = await buildWidget()
    for (const { what, bytes, most } of budgets)
      process.stdout.write(`${what}: ${bytes} of ${most} bytes, gzip\n`)
  } catch (error) {
    fail(error instanceof Error ? error.message : String(error))
  }
}

function fail(why: string): never {
  process.stderr.write(`The widget was not built. ${why}\n`)
  process.exit(1)
}

/**
 * `npm run bench -- NAME [NAME…] [--short] [--json] [--gate] [--profile FOLDER] [--chunks NUMBER]`
 *
 * With --json, standard output carries one JSON line per benchmark and nothing else; without, a summary for people. Whatever
 * happens on the way goes to standard error. Exit code: 0 all ran, 1 one failed (or, with --gate, missed a target), 2 wrong usage.
 */
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { destination, pino } from 'pino'
import { benchmarks } from './benchmarks/index.ts'
import { assertComplete, type Benchmark, type BenchmarkContext } from './harness/benchmark.ts'
import { type Environment, environment } from './harness/environment.ts'
import { jsonLine, missedTargets, type Result, summary } from './harness/report.ts'

const usage = 'npm run bench -- NAME [NAME…] [--short] [--json] [--gate] [--profile FOLDER] [--chunks NUMBER]'

const list = (): string =>
  [
    usage,
    '',
    ...benchmarks.map(({ name, summary }) => `  ${name}  ${summary}`),
    '',
    '  --short  shorter rounds, as many of them',
    '  --json   one JSON line per benchmark on standard output',
    '  --gate   a missed target fails the run',
    '  --profile FOLDER  the processes under test leave their CPU profiles there',
    '  --chunks NUMBER  how many chunks retrieval has; 200000 unless given',
  ].join('\n')

class WrongUsage extends Error {}

interface Wanted {
  readonly chosen: readonly Benchmark[]
  readonly short: boolean
  readonly json: boolean
  readonly gate: boolean
  readonly profile?: string | undefined
  readonly chunks?: number | undefined
}

function readArguments(): Wanted {
  const { names, values } = parsed()
  const chosen = names.map(name => {
    const benchmark = benchmarks.find(candidate => candidate.name === name)
    if (!benchmark) throw new WrongUsage(`There is no benchmark ${name}.`)
    return benchmark
  })
  const { chunks, ...others } = values
  return { chosen, ...others, chunks: chunks === undefined ? undefined : wholeNumber(chunks) }
}

function wholeNumber(text: string): number {
  if (!/^[1-9]\d{3,7}$/.test(text)) throw new WrongUsage('--chunks takes a number from 1000.')
  return Number(text)
}

function parsed() {
  const off = { type: 'boolean', default: false } as const
  try {
    const { positionals, values } = parseArgs({
      allowPositionals: true,
      options: { short: off, json: off, gate: off, profile: { type: 'string' }, chunks: { type: 'string' } },
    })
    return { names: positionals, values }
  } catch (error) {
    throw new WrongUsage(error instanceof Error ? error.message : String(error))
  }
}

async function runOne(
  benchmark: Benchmark,
  environment: Environment,
  { profile, chunks }: Pick<Wanted, 'profile' | 'chunks'>,
): Promise<Result> {
  const undo = new AsyncDisposableStack()
  try {
    const outcome = await benchmark.run(contextFor(benchmark, environment.short, undo, { profile, chunks }))
    assertComplete(benchmark, outcome)
    return { benchmark, outcome, environment }
  } finally {
    await undo.disposeAsync()
  }
}

const profileArguments = (folder: string | undefined, name: string): string[] =>
  folder === undefined ? [] : ['--cpu-prof', `--cpu-prof-dir=${folder}`, `--cpu-prof-name=${name}.cpuprofile`]

const contextFor = (
  benchmark: Benchmark,
  short: boolean,
  undo: AsyncDisposableStack,
  { profile, chunks }: Pick<Wanted, 'profile' | 'chunks'>,
): BenchmarkContext => ({
  short,
  chunks,
  undo,
  log: pino({ level: 'warn' }, destination({ dest: 2, sync: true })),
  profile: name => profileArguments(profile && resolve(profile), name),
  progress: line => console.error(`${benchmark.name}: ${line}`),
})

async function main(): Promise<number> {
  const { chosen, short, json, gate, ...wanted } = readArguments()
  if (chosen.length === 0) {
    // Not a result, so not for whoever reads results.
    if (json) console.error(list())
    else console.log(list())
    return 0
  }
  let failed = false
  for (const benchmark of chosen) {
    try {
      const result = await runOne(benchmark, await environment(short), wanted)
      if (json) {
        console.error(summary(result))
        console.log(jsonLine(result))
      } else {
        console.log(summary(result))
      }
      if (gate && missedTargets(result).length > 0) failed = true
    } catch (error) {
      console.error(`${benchmark.name}: failed:`, error)
      failed = true
    }
  }
  return failed ? 1 : 0
}

try {
  process.exitCode = await main()
} catch (error) {
  if (!(error instanceof WrongUsage)) throw error
  console.error(`${error.message}\n\n${list()}`)
  process.exitCode = 2
}

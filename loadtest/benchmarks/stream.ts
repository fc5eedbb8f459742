import { readdir, readFile } from 'node:fs/promises'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Benchmark, BenchmarkContext, Metrics, Outcome } from '../harness/benchmark.ts'
import { type Child, loadCore, serverCore, startChild } from '../harness/children.ts'
import { type TemporaryDatabase, temporaryDatabase } from '../harness/database.ts'
import { newVisitor, newWorkspace, type Program, startProgram, type Workspace } from '../harness/program.ts'
import { medians } from '../harness/rounds.ts'
import type { Plan, Streamed } from '../stream/load.ts'

const parallel = 200
const rounds = 5
const tokensPerSecond = 150
/** Of an answer. Longer ones make conversations that are summed up before the last round, which asks the model as well. */
const words = 150
/** Of the model, before its first word. */
const thinksMs = 30
/** As the product measures its event loop: an idle one shows this. */
const resolutionMs = 10
/** One that the documents answer without doubt: a doubt would have the model word it anew first. */
const question = 'Can orders be changed or cancelled free of charge until they are handed to the carrier?'
const vocabulary =
  'Ja: bis zur Übergabe an den Spediteur 🚚 können Aufträge kostenlos geändert werden [1].'.split(' ')

export const stream: Benchmark = {
  name: 'stream',
  summary: `what the product adds to a model's first word, against the model's own stream; ${parallel} answers at once at ${tokensPerSecond} words/s; medians, and of mismatches and frames the worst round`,
  targets: [
    { key: 'ttft_beyond_retrieval_p50_ms', comparison: '<=', value: 5 },
    { key: 'ttft_added_p99_ms', comparison: '<=', value: 20 },
    { key: 'frames_per_s_max', comparison: '<=', value: 30 },
    { key: 'mismatches', comparison: '<=', value: 0 },
    { key: 'loop_lag_p99_ms', comparison: '<=', value: 50 },
  ],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const database = await temporaryDatabase(context)
  const model = startChild(context, 'stream/model.ts', { core: loadCore })
  const text = Array.from({ length: words }, (_, at) => vocabulary[at % vocabulary.length]).join(' ')
  const modelUrl = await model.call<string>('speak', text, tokensPerSecond, thinksMs)
  const service = { OPENAI_BASE_URL: modelUrl, OPENAI_API_KEY: 'none', OPENAI_MODEL: 'scripted' }
  const program = await startProgram(context, database, service)
  const workspace = await newWorkspace(program, database, 0)
  await openAgent(program, workspace)
  await readDocuments(program, workspace, database)
  const visitors = Array.from({ length: parallel }, () => newVisitor(program, workspace.widgetKey))
  const tokens = (await Promise.all(visitors)).map(({ token }) => token)
  const load = startChild(context, 'stream/load.ts', { core: loadCore })
  const plan: Plan = { url: program.url, widget: workspace.widgetKey, tokens, question }
  await load.call('connect', plan)
  const floor = startChild(context, 'stream/floor.ts', { core: serverCore })
  const floorLoad = startChild(context, 'stream/load.ts', { core: loadCore })
  await floorLoad.call('connect', { ...plan, url: await floor.call<string>('listen', modelUrl) })
  const parts = { load, model, modelUrl, program, database, floor, floorLoad }
  context.progress('warming up')
  await measure(parts, context, 0)
  const figures: Metrics[] = []
  for (let round = 0; round < rounds; round++) {
    context.progress(`round ${round + 1} of ${rounds}`)
    figures.push(await measure(parts, context, round))
  }
  const most = (key: string) => Math.max(...figures.map(figure => figure[key] ?? Number.NaN))
  const worst = { mismatches: most('mismatches'), frames_per_s_max: most('frames_per_s_max') }
  return {
    metrics: { ...medians(figures), ...worst, loop_lag_p99_ms_worst: most('loop_lag_p99_ms') },
    rounds: figures,
    versions: { postgres: database.serverVersion },
  }
}

interface Parts {
  readonly load: Child
  readonly model: Child
  readonly modelUrl: string
  readonly program: Program
  readonly database: TemporaryDatabase
  /** A bare program in the place of the product, and its visitors. */
  readonly floor: Child
  readonly floorLoad: Child
}

/** A few at a time through the product, the floor and the bare client, in turn; then all at once through the first two. */
async function measure(parts: Parts, { short }: BenchmarkContext, round: number): Promise<Metrics> {
  const { load, model, modelUrl, database, floorLoad } = parts
  // Of fewer the 99th percentile would be the slowest.
  const count = short ? 100 : parallel
  // One after the other, so that none waits for another's beginning.
  const spreadMs = count * 60
  const since = new Date()
  await model.call('asked')
  let own: number[] = []
  let streamed = nothing
  let least = nothing
  const sides = [
    async () => {
      own = await load.call<number[]>('askModel', modelUrl, count, spreadMs)
    },
    async () => {
      streamed = await load.call<Streamed>('ask', count, spreadMs)
    },
    async () => {
      least = await floorLoad.call<Streamed>('ask', count, spreadMs)
    },
  ]
  for (const side of round % 2 === 0 ? sides : sides.toReversed()) await side()
  const retrievalMs = await retrievalP50(database, since)
  const { product, floor } = await crowds(parts, round)
  const questions = await model.call<number>('asked')
  const answers = 3 * count + 2 * parallel
  if (questions !== answers) throw new Error(`the model was asked ${questions} times, for ${answers} answers`)
  const added = ({ firstMs }: Streamed, share: number) => quantile(firstMs, share) - quantile(own, 0.5)
  return {
    ttft_added_p50_ms: added(streamed, 0.5),
    ttft_added_p99_ms: added(streamed, 0.99),
    ttft_beyond_retrieval_p50_ms: added(streamed, 0.5) - retrievalMs,
    model_ttft_p50_ms: quantile(own, 0.5),
    retrieval_p50_ms: retrievalMs,
    ttft_added_crowd_p50_ms: added(product, 0.5),
    frames_per_s_max: Math.max(...streamed.framesPerSecond, ...product.framesPerSecond),
    mismatches: streamed.mismatches + product.mismatches,
    loop_lag_p99_ms: product.lagMs,
    cpu_ms_per_answer: product.cpuMs / parallel,
    floor_added_p50_ms: added(least, 0.5),
    floor_added_p99_ms: added(least, 0.99),
    floor_added_crowd_p50_ms: added(floor, 0.5),
    floor_loop_lag_p99_ms: floor.lagMs,
    floor_cpu_ms_per_answer: floor.cpuMs / parallel,
  }
}

const nothing: Streamed = { firstMs: [], framesPerSecond: [], mismatches: 0 }

interface Crowd extends Streamed {
  readonly lagMs: number
  readonly cpuMs: number
}

async function crowds(parts: Parts, round: number): Promise<{ product: Crowd; floor: Crowd }> {
  const { load, program, floor, floorLoad } = parts
  const productLag = () => loopLagMs(program)
  const floorLag = () => floor.call<number>('lag')
  if (round % 2 === 1) {
    const least = await crowd(floorLoad, floor, floorLag)
    return { product: await crowd(load, program, productLag), floor: least }
  }
  const product = await crowd(load, program, productLag)
  return { product, floor: await crowd(floorLoad, floor, floorLag) }
}

/** `lag` since it was last read. */
async function crowd(load: Child, { cpu }: Pick<Child, 'cpu'>, lag: () => Promise<number>): Promise<Crowd> {
  await lag()
  const before = cpu()
  const streamed = await load.call<Streamed>('ask', parallel, 1_000)
  const cpuMs = 1_000 * (cpu() - before)
  return { ...streamed, cpuMs, lagMs: Math.max(0, (await lag()) - resolutionMs) }
}

function quantile(values: readonly number[], share: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.ceil(share * sorted.length) - 1] ?? Number.NaN
}

async function retrievalP50({ owner }: TemporaryDatabase, since: Date): Promise<number> {
  const { rows } = await owner.query<{ ms: number }>(
    'select percentile_cont(0.5) within group (order by latency_ms) as ms from retrievals where created_at >= $1',
    [since],
  )
  return rows[0]?.ms ?? Number.NaN
}

/** Since it was last read: reading begins anew. */
async function loopLagMs({ url }: Program): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  return 1_000 * Number(/^parley_nodejs_eventloop_lag_p99_seconds (\S+)/m.exec(text)?.[1])
}

async function call<Body>(
  { url }: Program,
  { founder }: Workspace,
  method: string,
  path: string,
  body: object,
): Promise<Body> {
  const response = await fetch(`${url}/api/v1/${path}`, {
    method,
    headers: { 'content-type': 'application/json', authorization: `Bearer ${founder.token}` },
    body: JSON.stringify(body),
  })
  if (!response.ok) throw new Error(`${path}: ${response.status} ${await response.text()}`)
  return (await response.json()) as Body
}

/** Without tools, so that each answer is one question to the model. */
async function openAgent(program: Program, workspace: Workspace): Promise<void> {
  const agent = { name: 'Agent', instructions: 'You answer for a shop.', tools: [] }
  const { id: agentId } = await call<{ id: string }>(program, workspace, 'POST', 'agents', agent)
  await call(program, workspace, 'POST', `agents/${agentId}/publish`, { note: '' })
  await call(program, workspace, 'PATCH', `widgets/${workspace.widgetId}`, { agentId })
}

/** Those of the demo, read by the program. */
async function readDocuments(
  program: Program,
  workspace: Workspace,
  { owner }: TemporaryDatabase,
): Promise<void> {
  const folder = new URL('../../src/knowledge/demo/', import.meta.url)
  const names = (await readdir(folder)).filter(name => name.endsWith('.md'))
  for (const name of names) {
    const text = await readFile(new URL(name, folder), 'utf8')
    await call(program, workspace, 'POST', 'knowledge/sources', { type: 'text', name, text })
  }
  for (let attempt = 0; attempt < 300; attempt++) {
    const { rowCount } = await owner.query("select from knowledge_sources where status = 'ready'")
    if (rowCount === names.length) return
    await sleep(200)
  }
  throw new Error('the documents were not read')
}

import { type Browser, chromium } from 'playwright-core'
import { provideServices } from '../../tests/support/services/index.ts'
import { buildWidget } from '../../widget/bundle.ts'
import type { Benchmark, BenchmarkContext, Outcome } from '../harness/benchmark.ts'
import { temporaryDatabase } from '../harness/database.ts'
import { newWorkspace, type Program, startProgram, type Workspace } from '../harness/program.ts'
import { interleave, medians } from '../harness/rounds.ts'
import { pages, startShop } from '../widget/shopSite.ts'
import { visit } from '../widget/visit.ts'

export const widget: Benchmark = {
  name: 'widget',
  summary:
    'what the widget costs a page before and after it is opened, in Chromium with a CPU that is four times slower; beside it the page without it, and the least that loads Preact and Socket.IO',
  targets: [
    { key: 'loader_gzip_bytes', comparison: '<=', value: 4_096 },
    { key: 'app_gzip_bytes', comparison: '<=', value: 40_960 },
  ],
  run,
}

async function run(context: BenchmarkContext): Promise<Outcome> {
  const { budgets } = await buildWidget()
  const sizeOf = (what: string) => budgets.find(budget => budget.what === what)?.bytes ?? Number.NaN
  const sizes = { loader_gzip_bytes: sizeOf('loader'), app_gzip_bytes: sizeOf('app') }
  const database = await temporaryDatabase(context)
  const program = await startProgram(context, database)
  const workspace = await newWorkspace(program, database, 0)
  await allow(program, workspace, '127.0.0.1')
  const shop = await startShop(context, { url: program.url, widgetKey: workspace.widgetKey })
  const { browser, version } = await startChromium(context)
  const sides = pages.map(name => ({ name, run: () => visit(browser, shop, name) }))
  const measured = await interleave(sides, {
    rounds: context.short ? 5 : 15,
    warmUpMs: 0,
    durationMs: 0,
    progress: context.progress,
  })
  const rounds = measured.map(({ with: own, without, floor }) => ({
    ...sizes,
    before_open_bytes: own.beforeOpenBytes,
    open_bytes: own.openBytes,
    panel_interactive_ms: own.interactiveMs,
    blocking_ms: own.blockingMs,
    load_blocking_ms: own.loadBlockingMs,
    without_bytes: without.beforeOpenBytes,
    without_blocking_ms: without.blockingMs,
    floor_open_bytes: floor.openBytes,
    floor_interactive_ms: floor.interactiveMs,
    floor_blocking_ms: floor.blockingMs,
    interactive_ratio: own.interactiveMs / floor.interactiveMs,
  }))
  return {
    metrics: medians(rounds),
    rounds,
    versions: { postgres: database.serverVersion, chromium: version },
  }
}

/** The widget takes visitors of the shop. */
async function allow({ url }: Program, { widgetId, founder }: Workspace, domain: string): Promise<void> {
  const response = await fetch(`${url}/api/v1/widgets/${widgetId}`, {
    method: 'PATCH',
    headers: { 'content-type': 'application/json', authorization: `Bearer ${founder.token}` },
    body: JSON.stringify({ allowedDomains: [domain] }),
  })
  if (response.status !== 200) throw new Error(`widget: ${response.status} ${await response.text()}`)
}

async function startChromium({
  undo,
  progress,
}: BenchmarkContext): Promise<{ browser: Browser; version: string }> {
  const services = await provideServices(['chromium'], progress)
  undo.defer(() => services.stop())
  const executablePath = services.provided.get('chromium')?.details.path
  if (executablePath === undefined)
    throw new Error(`no chromium: ${services.missing.flatMap(missing => missing.reasons).join('; ')}`)
  const browser = await chromium.launch({
    executablePath,
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-background-networking',
      '--disable-quic',
    ],
  })
  undo.defer(() => browser.close())
  return { browser, version: browser.version() }
}

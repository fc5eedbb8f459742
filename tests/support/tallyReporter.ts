import { writeFileSync } from 'node:fs'
import type { Reporter, TestModule } from 'vitest/node'
import { missingServices } from './globalSetup.ts'

/** The last lines of a run: what could not be had, loudly, and the tally in plain words. */
export default class TallyReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const tally = { passed: 0, failed: 0, skipped: 0 }
    const late: string[] = []
    const list = process.env.PARLEY_FAILED_FILES
    if (list) writeFileSync(list, filesToRunAgain(modules).join('\n'))
    for (const module of modules) {
      if (module.state() === 'failed' && module.errors().length > 0) tally.failed += 1
      for (const test of module.children.allTests()) {
        const { state } = test.result()
        if (test.diagnostic()?.flaky) late.push(`${module.relativeModuleId}: ${test.fullName}`)
        if (state === 'passed' || state === 'failed') tally[state] += 1
        else tally.skipped += 1
      }
    }
    for (const { name, reasons } of missingServices) {
      console.log(`\n*** SKIPPED, because ${name} could not be had:`)
      for (const reason of reasons) console.log(`***   ${reason}`)
    }
    for (const name of late) console.log(`\nat the second try, late at the first: ${name}`)
    console.log(`\ntests: ${tally.passed} passed, ${tally.failed} failed, ${tally.skipped} skipped`)
  }
}

/** What failed; nothing where a property was refuted or the checker of the simulation has found something, which no load explains. */
function filesToRunAgain(modules: readonly TestModule[]): string[] {
  const failed = modules.filter(module => module.state() === 'failed')
  return failed.some(isRefuted) ? [] : failed.map(({ relativeModuleId }) => relativeModuleId)
}

const isRefuted = (module: TestModule): boolean =>
  module.relativeModuleId.includes('tests/simulation/') ||
  [...module.children.allTests('failed')].some(test =>
    test.result().errors?.some(({ message }) => message.startsWith('Property failed')),
  )

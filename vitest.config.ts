import { defineConfig } from 'vitest/config'
import FileOrder from './tests/support/fileOrder.ts'

export default defineConfig({
  test: {
    include: ['tests/**/*.test.ts'],
    globalSetup: ['tests/support/globalSetup.ts'],
    reporters: ['default', 'tests/support/tallyReporter.ts'],
    pool: 'forks',
    maxWorkers: 2,
    sequence: { sequencer: FileOrder },
    testTimeout: 60_000,
    hookTimeout: 120_000,
    // What did not come in time on a machine that others use as well has a second try, and is named at the end of the run. What came and is
    // wrong has none.
    retry: {
      count: 1,
      condition: /^not within \d+ ms|^(Test|Hook) timed out in \d+ms|Timeout \d+ms exceeded/,
    },
    execArgv: ['--disable-warning=ExperimentalWarning'],
  },
})

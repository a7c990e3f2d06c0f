import { defineConfig } from 'vitest/config'

/** Suites against other people's stand-ins for AWS and with other people's clients: run.sh starts what they need. */
export default defineConfig({
  test: {
    include: ['test/third-party/**/*.test.ts'],
    pool: 'forks',
    // One suite waits for a lease to end, which is a minute: the others run beside it.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
  },
})

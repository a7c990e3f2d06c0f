import { defineConfig } from 'vitest/config'

/** `npm run check:mutations`: each mutation of the ledger's rules is a test. */
export default defineConfig({
  test: { include: ['test/mutations/*.test.ts'], pool: 'forks', testTimeout: 60_000, hookTimeout: 120_000 },
})

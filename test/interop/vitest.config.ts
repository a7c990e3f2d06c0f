import { defineConfig } from 'vitest/config'

/** Suites with clients in other languages: run.sh builds them. */
export default defineConfig({
  test: { include: ['test/interop/**/*.test.ts'], pool: 'forks', testTimeout: 60_000, hookTimeout: 60_000 },
})

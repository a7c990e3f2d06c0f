import { defineConfig } from 'vitest/config'

/** The copies that mutations.test.ts makes. They share workers: no copy imports another. */
export default defineConfig({
  test: { include: ['.cache/mutations/**/*.test.ts'], exclude: [], pool: 'threads', isolate: false, maxWorkers: 2 },
})

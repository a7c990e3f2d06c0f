import { defineConfig } from 'vitest/config'

/** The image's build, replayed without an engine; it installs from the registry, so it takes a while. */
export default defineConfig({
  test: {
    include: ['test/image/**/*.test.ts'],
    pool: 'forks',
    fileParallelism: false,
    testTimeout: 60_000,
    hookTimeout: 600_000,
  },
})

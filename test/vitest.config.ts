import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [
      'test/third-party/**',
      'test/chart/**',
      'test/image/**',
      'test/interop/**',
      'test/mutations/**',
      'test/postgres/**',
      'test/simulation/**',
      'node_modules/**',
    ],
    pool: 'forks',
    // The slow files wait for processes that they start, so one worker per core would leave the cores idle.
    maxWorkers: availableParallelism() + 1,
    // Brokers and commands start in half the CPU time when their compiled code is kept between starts.
    env: { NODE_COMPILE_CACHE: fileURLToPath(new URL('../node_modules/.cache/node-compile', import.meta.url)) },
    // Bounds only turn a hang into a failure: they hold on a machine that does other work beside.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
  },
})

import { defineConfig } from 'vitest/config'

/** `npm run check:simulation`: thousands of simulated hours of agents, people, faults and brokers that die. */
export default defineConfig({
  test: { include: ['test/simulation/*.test.ts'], pool: 'forks', testTimeout: 120_000, hookTimeout: 120_000 },
})

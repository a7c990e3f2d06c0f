import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { FakeBroker } from '../support/fake-broker.ts'

const agent = fileURLToPath(new URL('../support/agent-that-forgets.ts', import.meta.url))

test('a program that has done its work exits although its grant is still watched', async () => {
  const broker = await FakeBroker.start(systemClock)
  try {
    const { stdout } = await promisify(execFile)(process.execPath, [agent], { env: broker.env, timeout: 60_000 })
    expect(stdout).toBe('ASIAEXAMPLE1')
    expect(broker.countOf('WatchGrant')).toBe(1)
  } finally {
    await broker.stop()
  }
})

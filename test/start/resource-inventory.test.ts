import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import { resourceInventory } from '../../src/start/rules/resource-inventory.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/settle.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-inventory-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

async function start(reach: object | undefined) {
  const clock = new ManualClock()
  const partHealth = new PartHealth({ logger: createLogger({ level: 'fatal' }), clock })
  const surroundings = { config: { identity: { reloadEvery: 5_000 }, reach }, clock, partHealth }
  const part = await resourceInventory.start(surroundings as unknown as Parameters<typeof resourceInventory.start>[0])
  return {
    arns: () => part.value.current()?.arns,
    problems: () => partHealth.problems(),
    async reloadUntil(look: () => boolean) {
      while (!look()) {
        await until(() => clock.sleepers === 1)
        await clock.advance(5_000)
      }
    },
    stop: () => part.stop?.(),
  }
}

test('a changed inventory counts within seconds; a broken one is a problem, and the last good one stays', async () => {
  const file = join(folder, 'inventory.jsonl')
  writeFileSync(file, '"arn:aws:s3:::one"\n')
  const { arns, problems, reloadUntil, stop } = await start({ inventoryFile: file })
  expect(arns()).toEqual(['arn:aws:s3:::one'])
  writeFileSync(file, '"arn:aws:s3:::one"\n"arn:aws:s3:::two"\n')
  await reloadUntil(() => arns()?.length === 2)
  writeFileSync(file, '"arn:aws:s3:::one"\n"no ARN"\n')
  await reloadUntil(() => problems().length > 0)
  expect(problems()).toMatchObject([{ component: 'resource-inventory', code: 'RESOURCE_INVENTORY_INVALID' }])
  expect(arns()).toHaveLength(2)
  await stop()
})

test('without the setting there is none', async () => {
  const { arns, problems } = await start(undefined)
  expect([arns(), problems()]).toEqual([undefined, []])
})

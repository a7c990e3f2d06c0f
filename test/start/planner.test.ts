import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import { LiveConfig } from '../../src/start/reload/live-config.ts'
import { planner } from '../../src/start/rules/planner.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/settle.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/ops'
const TASK = {
  purpose: 'Stop a dev instance',
  roleArn: ROLE,
  ttlSeconds: 600,
  access: [{ actions: ['ec2:StopInstances'], resources: ['arn:aws:ec2:eu-west-1:123456789012:instance/i-1'] }],
}
const overrides = (action: string, risk: string) =>
  `overrides: [{ action: '${action}', class: ${risk}, reason: 'dev machines are stopped every night' }]\n`

let folder: string
const place = (name: string) => join(folder, name)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-planner-'))
  writeFileSync(place('labels.yaml'), "labels: [{ label: env:dev, resources: ['arn:aws:s3:::dev'] }]\n")
})
afterEach(() => rmSync(folder, { recursive: true }))

async function startPlanner() {
  const clock = new ManualClock()
  const logger = createLogger({ level: 'fatal' })
  const partHealth = new PartHealth({ logger, clock })
  const config = {
    identity: { reloadEvery: 5_000 },
    roles: [{ arn: ROLE, allowWildcard: false, allowWildcardReads: true, revocation: { kind: 'none' } }],
    grants: { minTaskTime: 60_000, maxTaskTime: 3_600_000 },
    aws: { profile: 'aws' },
    labels: { file: place('labels.yaml') },
    actions: { overridesFile: place('actions.yaml') },
  }
  const liveConfig = new LiveConfig(config as never)
  const rolePolicies = { current: () => ({ find: () => undefined }) }
  const surroundings = { config, liveConfig, clock, logger, partHealth, rolePolicies } as unknown as Parameters<
    typeof planner.start
  >[0]
  const part = await planner.start(surroundings)
  return {
    classes: () => part.value.plan('spiffe://example.org/ops', TASK).classes,
    /** The files are real: reading them takes its own time. */
    async reloadUntil(look: () => boolean) {
      await clock.advance(5_000)
      await until(look)
    },
    problems: () => partHealth.problems(),
    ready: () => part.notReady?.() === undefined,
    stop: () => part.stop?.(),
  }
}

test('a lowered class is in the plan, and on the status until the file lowers it no more', async () => {
  writeFileSync(place('actions.yaml'), overrides('ec2:StopInstances', 'write'))
  const { classes, reloadUntil, problems, stop } = await startPlanner()
  expect(classes()).toEqual(['write'])
  expect(problems()).toMatchObject([
    {
      component: 'actions',
      finding: 'lowered-ec2:StopInstances',
      code: 'ACTION_CLASS_LOWERED',
      explanation: expect.stringMatching(/counts as write instead of destructive.*every night/),
    },
  ])
  writeFileSync(place('actions.yaml'), overrides('ec2:StopInstances', 'escalation'))
  await reloadUntil(() => problems().length === 0)
  expect(classes()).toEqual(['escalation'])
  await stop()
})

test('a file that turns bad keeps the last good overrides, and the labels are not to blame', async () => {
  writeFileSync(place('actions.yaml'), overrides('ec2:StopInstances', 'permissions'))
  const { classes, reloadUntil, problems, stop } = await startPlanner()
  writeFileSync(place('actions.yaml'), overrides('iam:PassRole', 'write'))
  await reloadUntil(() => problems().length > 0)
  expect(classes()).toEqual(['permissions'])
  expect(problems()).toMatchObject([{ component: 'actions', code: 'ACTION_OVERRIDES_INVALID' }])
  await stop()
})

test('without overrides that ever loaded nothing is planned, since a raised class would pass for a lower one', async () => {
  writeFileSync(place('actions.yaml'), overrides('ec2:StopInstance', 'permissions'))
  const { classes, reloadUntil, ready, stop } = await startPlanner()
  expect(ready()).toBe(false)
  expect(classes).toThrow(expect.objectContaining({ code: 'POLICY_UNAVAILABLE' }))
  writeFileSync(place('actions.yaml'), overrides('ec2:StopInstances', 'permissions'))
  await reloadUntil(() => ready() === true)
  expect(classes()).toEqual(['permissions'])
  await stop()
})

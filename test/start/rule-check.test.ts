import { expect, test } from 'vitest'
import { createOperatorDirectory } from '../../src/admin/operators/operator-directory.ts'
import { PartHealth } from '../../src/core/health/part-health.ts'
import { createLogger } from '../../src/core/log.ts'
import { type LabelSet, parseLabels } from '../../src/plan/labels/labels.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'
import { ruleCheck } from '../../src/start/rules/rule-check.ts'
import { setOf } from '../policy/policy-fixtures.ts'
import { ManualClock } from '../support/manual-clock.ts'

const POLICIES = setOf(
  '@id("delete") @approval("owners:1") permit (principal in Stint::Team::"data", action, resource) when { resource.within.contains("env:staging") };',
)
const REGISTRY = parseRegistry(`agents:
  - { name: ci, match: 'spiffe://example.org/ci/*', owner: mara@example.org, team: data, purpose: builds, expires: 2099-01-01 }`)
const label = (name: string) => parseLabels({ labels: [{ label: name, resources: ['arn:aws:s3:::a'] }] })

async function startCheck(labels: LabelSet, over: { minimumAssurance?: object } = {}) {
  const clock = new ManualClock()
  const logger = createLogger({ level: 'fatal' })
  const partHealth = new PartHealth({ logger, clock })
  const expiresAt = new Date(clock.now().getTime() + 3_600_000)
  const olga = {
    name: 'olga',
    role: 'approver',
    groups: ['owners'],
    subjects: [],
    tokenSha256: 'a'.repeat(64),
    expiresAt,
  }
  const rules = { labels }
  const config = {
    identity: { reloadEvery: 5_000, domains: { 'example.org': {} }, oidc: [] },
    roles: [],
    admin: { operators: [olga] },
    labels: { file: 'labels.yaml' },
    registry: { file: 'agents.yaml' },
    policy: { approvalsRequiredFor: [], allowWaivers: false },
    approvals: { byClass: {}, minimumAssurance: over.minimumAssurance ?? {} },
  }
  const part = await ruleCheck.start({
    ...{ config, liveConfig: { current: () => config }, clock, logger, partHealth },
    registry: { status: { value: REGISTRY } },
    policies: { status: { value: POLICIES } },
    planner: { labels: () => rules.labels },
    operators: createOperatorDirectory({ rows: [olga], clock }),
  } as unknown as Parameters<typeof ruleCheck.start>[0])
  return { clock, partHealth, rules, stop: () => part.stop?.() }
}

test('an approval that nobody can give any more is on the status when the last token expires', async () => {
  const { clock, partHealth, stop } = await startCheck(label('env:staging'))
  expect(partHealth.problems()).toEqual([])
  await clock.advance(3_600_000)
  expect(partHealth.problems()).toMatchObject([
    {
      component: 'policy',
      finding: 'approval-unanswerable',
      explanation: expect.stringMatching(/group owners.*\[delete\]$/),
    },
  ])
  await stop()
})

test('an assurance that no vote can have is on the status', async () => {
  const { partHealth, stop } = await startCheck(label('env:staging'), { minimumAssurance: { destructive: 'step_up' } })
  expect(partHealth.problems()).toMatchObject([
    {
      finding: 'approval-unanswerable',
      explanation: expect.stringMatching(/minimumAssurance\.destructive asks for step_up/),
    },
  ])
  await stop()
})

test('a label that a policy names and no file has is on the status until it exists', async () => {
  const { clock, partHealth, rules, stop } = await startCheck(label('env:stagin'))
  expect(partHealth.problems()).toMatchObject([
    { component: 'policy', finding: 'unknown-name', explanation: expect.stringMatching(/did you mean env:stagin\?/) },
  ])
  rules.labels = label('env:staging')
  await clock.advance(5_000)
  expect(partHealth.problems()).toEqual([])
  await stop()
})

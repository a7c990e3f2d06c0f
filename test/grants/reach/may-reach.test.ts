import { expect, test } from 'vitest'
import { createReachService } from '../../../src/grants/reach/reach-service.ts'
import { parseLabels } from '../../../src/plan/labels/labels.ts'
import { decide } from '../../../src/policy/decide.ts'
import { setOf } from '../../policy/policy-fixtures.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/data'
const AGENT = 'spiffe://example.org/ci/deploy'
const REGISTRATION = {
  ...{ name: 'ci-deploy', match: AGENT, owner: 'ann', team: 'data', purpose: 'to test' },
  expiresAt: new Date('2099-01-01'),
}
const labels = parseLabels({
  labels: [
    { label: 'env:staging', resources: ['arn:aws:s3:::staging', 'arn:aws:s3:::staging/*'] },
    { label: 'env:prod', resources: ['arn:aws:s3:::prod', 'arn:aws:s3:::prod/*'], marks: ['production'] },
  ],
})
const POLICIES = `
@id("staging-read") permit (principal in Stint::Team::"data", action in [Stint::Action::"read", Stint::Action::"list"], resource)
when { resource.within.contains("env:staging") };
@id("staging-write") @approval("owners:1") permit (principal, action == Stint::Action::"write", resource)
when { resource.within.contains("env:staging") };
@id("prod-never") forbid (principal, action, resource) when { resource.touches.contains("env:prod") };
@id("get-only") permit (principal, action == Stint::Action::"tag", resource)
when { resource.within.contains("env:staging") && context.action == "s3:PutObjectTagging" };
`

function service() {
  const set = setOf(POLICIES)
  return createReachService({
    ledger: undefined as never,
    clock: { now: () => new Date('2026-11-21T12:00:00Z') },
    reachOf: () => undefined,
    inventory: () => undefined,
    lookup: () => REGISTRATION,
    named: (name) => (name === 'ci-deploy' ? REGISTRATION : undefined),
    trustDomainOf: () => 'example.org',
    rules: () => ({
      labels,
      roles: [{ roleArn: ROLE, rule: ROLE }],
      ttlSeconds: 60,
      actionsPerClass: 1_000,
      approvalsRequiredFor: ['destructive', 'permissions', 'escalation'],
      decide: (input) => decide(set, input),
    }),
  })
}
const all = { limit: 200 }

test('what an agent may do unasked, after an approval and never, by its policies', async () => {
  const { subject, entries } = await service().may('ci-deploy', all)
  expect(subject).toBe(AGENT)
  const outcome = (label: string, risk: string) =>
    entries.find((entry) => entry.label === label && entry.class === risk)?.outcome
  expect(outcome('env:staging', 'read')).toBe('unasked')
  expect(outcome('env:staging', 'write')).toBe('waits')
  expect(outcome('env:staging', 'destructive')).toBe('forbidden')
  expect(outcome('env:prod', 'read')).toBe('forbidden')
  expect(outcome('', 'read')).toBe('forbidden')
  // A policy on the name of an action: what was tried is not all answered alike.
  expect(outcome('env:staging', 'tag')).toBe('depends')
  expect(entries.find((entry) => entry.label === 'env:staging' && entry.class === 'write')).toMatchObject({
    policies: ['staging-write'],
    anyOf: ['owners'],
    example: expect.stringMatching(/^s3:\w+ on arn:aws:s3:::staging/),
  })
})

test('pages together have every entry once, in order', async () => {
  const whole = (await service().may(AGENT, all)).entries
  const read: unknown[] = []
  let cursor: string | undefined
  do {
    const page = await service().may(AGENT, { limit: 7, cursor })
    read.push(...page.entries)
    cursor = page.nextCursor
  } while (cursor !== undefined)
  expect(read).toEqual(whole)
  await expect(service().may(AGENT, { limit: 7, cursor: 'bm8' })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
})

test('a name that no registration has is refused', async () => {
  await expect(service().may('nobody', all)).rejects.toMatchObject({ code: 'REGISTRATION_NOT_FOUND' })
})

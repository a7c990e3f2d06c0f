import assert from 'node:assert/strict'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import { NO_LABELS } from '../../../src/plan/labels/labels.ts'
import { checkPolicies, formatPolicyCheck } from '../../../src/policy/check-policies.ts'
import { parsePolicyTests } from '../../../src/policy/testing/policy-test-file.ts'
import { createPolicyTestPlanner } from '../../../src/policy/testing/policy-test-planner.ts'
import { formatPolicyTests, type PolicyTestPlanner, runPolicyTests } from '../../../src/policy/testing/policy-tests.ts'
import { parseRegistry } from '../../../src/registry/parse-registry.ts'
import { pairOf, planOf } from '../policy-fixtures.ts'

const POLICIES = `
@id("reads") permit (principal in Stint::Team::"data", action in Stint::Action::"read", resource) when { resource.within.contains("data:invoices") };
@id("never-reached") @approval("owners:1") permit (principal, action in Stint::Action::"write", resource) when { resource.within.contains("x") };`
const oneCase = (lines: string) => `cases:
  - name: a case
    agent: { subject: spiffe://example.org/ci/deploy, owner: mara@example.org, team: data }
    task: { role: 'arn:aws:iam::123456789012:role/x', access: [{ actions: [s3:GetObject], resources: ['*'] }], ttl: 15m }
    ${lines}
`
const plan: PolicyTestPlanner = (subject, task, labels) =>
  planOf([pairOf({ within: labels ? Object.keys(labels) : ['data:invoices'] })], task, subject)

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stint-policy-tests-'))
  await writeFile(join(directory, 'a.cedar'), POLICIES)
})
afterEach(() => rm(directory, { recursive: true }))

const run = async (text: string, planner = plan, approvalsRequiredFor: readonly 'read'[] = []) => {
  await writeFile(join(directory, 'a.test.yaml'), text)
  return runPolicyTests({ directory, plan: planner, approvals: { approvalsRequiredFor } })
}

const REGISTRY = parseRegistry(`agents:
  - { name: ci, match: 'spiffe://example.org/ci/*', owner: mara@example.org, team: data, purpose: builds, expires: 2099-01-01 }`)
const caseOf = (agent: string) => `cases:
  - { name: a case, agent: ${agent}, expect: permit, task: { role: 'arn:aws:iam::123456789012:role/x', access: [{ actions: [s3:GetObject], resources: ['*'] }], ttl: 15m } }`
for (const { name, agent, registry, differences } of [
  {
    name: 'an agent by its name alone',
    agent: 'spiffe://example.org/ci/deploy',
    registry: REGISTRY,
    differences: /^$/,
  },
  {
    name: 'an agent by its name alone, and no registrations',
    agent: 'spiffe://example.org/ci/deploy',
    registry: undefined,
    differences: /must give the owner and team/,
  },
  {
    name: 'an agent that nobody registered',
    agent: 'spiffe://example.org/cd/deploy',
    registry: REGISTRY,
    differences: /no registration covers/,
  },
  {
    name: 'another team than the registration',
    agent: '{ subject: spiffe://example.org/ci/deploy, team: web }',
    registry: REGISTRY,
    differences: /says team web, and the registration ci says data/,
  },
])
  test(`a case with ${name} ${differences.source === '^$' ? 'passes' : 'fails'}`, async () => {
    await writeFile(join(directory, 'a.test.yaml'), caseOf(agent))
    const options = { directory, plan, approvals: { approvalsRequiredFor: [] }, ...(registry && { registry }) }
    const { results } = await runPolicyTests(options)
    assert.match(results[0]?.differences.join('\n') ?? '', differences)
  })

for (const { name, lines, passes, differences } of [
  { name: 'the right outcome', lines: 'expect: permit', passes: true },
  { name: 'the wrong outcome', lines: 'expect: deny', passes: false, differences: /expected deny, got permit/ },
  { name: 'the right policies', lines: 'expect: permit\n    policies: [reads]', passes: true },
  {
    name: 'other policies',
    lines: 'expect: permit\n    policies: [writes]',
    passes: false,
    differences: /\[writes\] to decide, got \[reads\]/,
  },
  {
    name: 'an approval that is not asked',
    lines: 'expect: permit\n    approval: [owners]',
    passes: false,
    differences: /approval by \[owners\], got nobody/,
  },
  { name: 'labels of its own', lines: 'expect: deny\n    labels: { other: [arn:aws:s3:::a] }', passes: true },
])
  test(`a case that expects ${name} ${passes ? 'passes' : 'fails'}`, async () => {
    const report = await run(oneCase(lines))
    assert.equal(report.ok, passes)
    assert.match(report.results[0]?.differences.join('\n') ?? '', differences ?? /^$/)
    assert.match(formatPolicyTests(report), passes ? /1 passed, 0 failed/ : /FAIL {2}a\.test\.yaml: a case\n.+expected/)
  })

for (const { name, text, differences } of [
  {
    name: 'a task file',
    text: 'purpose: to read\nroleArn: r\nttl: 15m\naccess: [{ actions: [s3:GetObject], resources: ["*"] }]\n',
    differences: /^$/,
  },
  {
    name: 'a task file without a role',
    text: 'purpose: to read\nttl: 15m\naccess: []\n',
    differences: /TASK_INVALID, .*task\.yaml:1:1: roleArn/,
  },
  {
    name: 'a task file without a time',
    text: 'purpose: to read\nroleArn: r\nttl: soon\naccess: []\n',
    differences: /task\.yaml:3:6: ttl must be a duration/,
  },
  { name: 'a task file that is not there', text: undefined, differences: /TASK_INVALID, The task file .*task\.yaml/ },
])
  test(`a case with ${name} ${differences.source === '^$' ? 'passes' : 'fails with its place'}`, async () => {
    if (text !== undefined) await writeFile(join(directory, 'task.yaml'), text)
    const agent = '{ subject: spiffe://example.org/ci/deploy, owner: mara@example.org, team: data }'
    const { results } = await run(`cases: [{ name: a, agent: ${agent}, expect: permit, task: ./task.yaml }]`)
    assert.match(results[0]?.differences.join('\n') ?? '', differences)
  })

test('policies that no case reaches are named', async () => {
  assert.deepEqual((await run(oneCase('expect: permit'))).untested, ['never-reached'])
})

test('a class that needs approval is seen by a case', async () => {
  assert.ok((await run(oneCase('expect: approval\n    approval: [any]'), plan, ['read'])).ok)
})

test('a task that comes to no plan fails its case with the code, and the others still run', async () => {
  const planner: PolicyTestPlanner = (subject, task) => {
    if (task.ttlSeconds === 900) throw new StintError('ACTION_UNKNOWN', { explanation: 's3:GetObjekt is unknown.' })
    return plan(subject, task)
  }
  const two = oneCase('expect: permit') + oneCase('expect: permit').replace('cases:\n', '').replace('15m', '5m')
  const { results } = await run(two, planner)
  assert.deepEqual(
    results.map(({ passed }) => passed),
    [false, true],
  )
  assert.match(results[0]?.differences[0] ?? '', /ACTION_UNKNOWN/)
})

test('the time of a case may carry an offset', () => {
  const [parsed] = parsePolicyTests({
    name: 'a.test.yaml',
    text: oneCase('expect: permit\n    at: 2026-11-21T13:00:00+01:00'),
  })
  assert.equal(parsed?.at.toISOString(), '2026-11-21T12:00:00.000Z')
})

for (const { name, text } of [
  { name: 'an unknown key', text: oneCase('expect: permit\n    expct: deny') },
  { name: 'an unknown outcome', text: oneCase('expect: allow') },
  { name: 'no outcome', text: oneCase('policies: []') },
  { name: 'a malformed subject', text: oneCase('expect: permit').replace('spiffe://', 'https://') },
  { name: 'a malformed time limit', text: oneCase('expect: permit').replace('15m', '15 minutes') },
  { name: 'a time that is none', text: oneCase('expect: permit\n    at: yesterday') },
  { name: 'no cases', text: 'cases: []' },
  { name: 'a key written twice', text: oneCase('expect: permit\n    expect: deny') },
  { name: 'too many aliases', text: `cases: &a [${'*b, '.repeat(5)}1]` },
  { name: 'no YAML', text: '{' },
])
  test(`a file of cases with ${name} is refused`, () => {
    assert.throws(() => parsePolicyTests({ name: 'a.test.yaml', text }), { code: 'POLICY_INVALID' })
  })

test('cases for a set that cannot be used are refused', async () => {
  await writeFile(join(directory, 'b.cedar'), 'permit')
  await assert.rejects(run(oneCase('expect: permit')), { code: 'POLICY_INVALID' })
})

test('a check says whether the set would be used, and why not', async () => {
  const good = await checkPolicies(directory)
  assert.ok(good.ok)
  assert.match(
    formatPolicyCheck(good),
    /^ok: 2 policies, 0 warnings, hash [0-9a-f]{64}\nnames not compared with: labels, /,
  )
  await writeFile(join(directory, 'b.cedar'), 'permit (principal, action, resource);')
  const bad = await checkPolicies(directory)
  assert.equal(bad.ok, false)
  assert.match(formatPolicyCheck(bad), /^b\.cedar:1:1: error: .+@id/)
  assert.equal((await checkPolicies(join(directory, 'nowhere'))).errors.length, 1)
})

test('a case may have labels by tag, and a task with conditions', async () => {
  const role = 'arn:aws:iam::123456789012:role/x'
  const limits = { minTtlSeconds: 60, maxTtlSeconds: 3_600 }
  const real = createPolicyTestPlanner({ labels: NO_LABELS, roles: new Map([[role, {}]]), limits })
  await writeFile(
    join(directory, 'a.cedar'),
    `@id("stop-dev") permit (principal, action in Stint::Action::"destructive", resource) when { resource.within.contains("env:dev") };`,
  )
  const caseWith = (conditions: string, expected: string) => `
  - name: ${expected}
    agent: { subject: spiffe://example.org/ci/deploy, owner: mara@example.org, team: data }
    labels: { 'env:dev': { tags: [{ key: env, values: [dev] }] } }
    expect: ${expected}
    task:
      role: ${role}
      ttl: 15m
      access:
        - actions: [ec2:StopInstances]
          resources: ['arn:aws:ec2:eu-west-1:123456789012:instance/*']
          conditions: [${conditions}]`
  const { ok, results } = await run(
    `cases:${caseWith('{ key: aws:ResourceTag/env, values: [dev] }', 'permit')}${caseWith('', 'deny')}`,
    real,
  )
  assert.ok(ok, JSON.stringify(results.map(({ differences }) => differences)))
})

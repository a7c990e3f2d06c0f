import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'vitest'
import { parse } from 'yaml'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { checkPolicies } from '../../src/policy/check-policies.ts'
import { DEFAULT_APPROVALS_REQUIRED_FOR, decide } from '../../src/policy/decide.ts'
import { formatProblem } from '../../src/policy/policy-directory.ts'
import { compilePolicySet } from '../../src/policy/policy-set.ts'
import { parsePolicyTests } from '../../src/policy/testing/policy-test-file.ts'
import { createPolicyTestPlanner } from '../../src/policy/testing/policy-test-planner.ts'
import { formatPolicyTests, runPolicyTests } from '../../src/policy/testing/policy-tests.ts'
import { setOf } from './policy-fixtures.ts'

const EXAMPLES = new URL('../../docs/examples/policies', import.meta.url).pathname
const DOCS = readFileSync(new URL('../../docs/policy.md', import.meta.url), 'utf8')
const blocks = [...DOCS.matchAll(/^```(.+)\n([\s\S]*?)^```$/gm)]
  .map(([, kind = '', text = '']) => ({ kind, text }))
  // Commands need a broker; the reference of the command line is checked elsewhere.
  .filter(({ kind }) => kind !== 'sh')
const plan = createPolicyTestPlanner({
  labels: parseLabels({ labels: [] }),
  roles: new Map([['arn:aws:iam::123456789012:role/stint/agent-data', {}]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3600 },
})

test('the example set loads without a warning and its cases pass', async () => {
  const check = await checkPolicies(EXAMPLES)
  assert.ok(check.ok)
  assert.deepEqual(check.warnings, [])
  const report = await runPolicyTests({
    directory: EXAMPLES,
    plan,
    approvals: { approvalsRequiredFor: DEFAULT_APPROVALS_REQUIRED_FOR },
  })
  assert.ok(report.ok, formatPolicyTests(report))
  assert.deepEqual(report.untested, [])
})

for (const [index, { kind, text }] of blocks.entries())
  test(`block ${index + 1} of docs/policy.md (${kind}) is as it says`, async () => {
    if (kind === 'yaml') {
      const policies = setOf(blocks[0]?.text ?? '')
      for (const { agent: given, task, labels, at, authMethod, expect } of parsePolicyTests({
        name: 'docs.test.yaml',
        text,
      })) {
        assert.ok(typeof task === 'object')
        const { roleArn, ttlSeconds } = task
        const context = { roleArn, ttlSeconds, authMethod, now: at }
        const agent = { owner: '', team: '', registration: 'test', ...given }
        const input = { agent, plan: await plan(agent.subject, task, labels), context, approvalsRequiredFor: [] }
        assert.equal(decide(policies, input).outcome, expect)
      }
      return
    }
    if (kind === 'yaml labels') {
      assert.ok(parseLabels(parse(text)).labels.length > 0)
      return
    }
    const { problems } = compilePolicySet([{ name: 'docs', text }])
    const errors = problems.filter(({ severity }) => severity === 'error')
    assert.equal(errors.length > 0, kind === 'cedar refused', problems.map(formatProblem).join('\n'))
  })

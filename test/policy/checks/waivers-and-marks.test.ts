import assert from 'node:assert/strict'
import { test } from 'vitest'
import { parseLabels } from '../../../src/plan/labels/labels.ts'
import { checkAgainst } from '../../../src/policy/check-policies.ts'
import { formatProblem } from '../../../src/policy/policy-directory.ts'
import { setOf } from '../policy-fixtures.ts'

const LABELS = [
  { label: 'prod', resources: ['arn:aws:s3:::prod-*'], marks: ['production'] },
  { label: 'staging', resources: ['arn:aws:s3:::staging-*'], marks: ['nonproduction'] },
  { label: 'other', resources: ['arn:aws:s3:::other-*'] },
]
const waiver = (classes: string, condition = 'true') =>
  `@id("w") @approval("none") @reason("reviewed by Mara") permit (principal, action in [${classes
    .split(' ')
    .map((name) => `Stint::Action::"${name}"`)
    .join()}], resource) when { ${condition} };`
const problemsOf = (text: string, { labels = LABELS, allowWaivers = true, requiredFor = ['destructive'] } = {}) =>
  checkAgainst(setOf(text).policies, {
    labels: { set: parseLabels({ labels }), file: 'labels.yaml' },
    approvals: { allowWaivers, approvalsRequiredFor: requiredFor as never },
  }).map(formatProblem)

for (const { name, problems, says } of [
  {
    name: 'where the configuration allows none',
    problems: problemsOf(waiver('write'), { allowWaivers: false }),
    says: /error: This waiver has no effect: the configuration does not allow waivers \(policy\.allowWaivers is false\)/,
  },
  {
    name: 'of destroying where no label is nonproduction',
    problems: problemsOf(waiver('destructive'), { labels: LABELS.filter(({ label }) => label !== 'staging') }),
    says: /error: This waiver never applies: .* no label has that mark/,
  },
  {
    name: 'of destroying within a label that is not nonproduction',
    problems: problemsOf(waiver('destructive permissions', 'resource.within.contains("other")')),
    says: /warning: This waiver applies only within a label marked nonproduction \(staging\); other does not have that mark/,
  },
  {
    name: 'for reading, where reading needs no approval',
    problems: problemsOf(waiver('list read')),
    says: /warning: This waiver has no effect unless another permit/,
  },
  {
    name: 'for reading that needs one',
    problems: problemsOf(waiver('read'), { requiredFor: ['read'] }),
    says: undefined,
  },
  { name: 'for writing', problems: problemsOf(waiver('write destructive')), says: undefined },
  {
    name: 'of destroying within nonproduction',
    problems: problemsOf(waiver('destructive', 'resource.within.contains("staging")')),
    says: undefined,
  },
])
  test(`a waiver ${name} is ${says ? 'reported' : 'fine'}`, () => {
    assert.equal(problems.length, says ? 1 : 0, problems.join('\n'))
    if (says) assert.match(problems[0] ?? '', says)
  })

test('labels of two accounts share nothing, whatever their region', () => {
  const labels = [
    { label: 'p', resources: ['arn:aws:*:*:111111111111:*', 'arn:aws:ec2:*:111111111111:*'], marks: ['production'] },
    { label: 'n', resources: ['arn:aws:*:*:222222222222:*', 'arn:aws:ec2:*:222222222222:*'], marks: ['nonproduction'] },
  ]
  assert.deepEqual(problemsOf('@id("p") permit (principal, action, resource) when { true };', { labels }), [])
})

test('labels of production and nonproduction that share resources are reported with both patterns', () => {
  const labels = [
    ...LABELS,
    { label: 'all', resources: ['arn:aws:s3:::x', 'arn:aws:s3:::*-data'], marks: ['nonproduction'] },
  ]
  const problems = problemsOf('@id("p") permit (principal, action, resource) when { true };', { labels })
  assert.equal(problems.length, 1)
  assert.match(
    problems[0] ?? '',
    /^labels\.yaml:1:1: warning: prod is marked production and all nonproduction.*arn:aws:s3:::prod-\* and arn:aws:s3:::\*-data/,
  )
})

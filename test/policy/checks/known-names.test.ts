import assert from 'node:assert/strict'
import { test } from 'vitest'
import { checkAgainst } from '../../../src/policy/check-policies.ts'
import { type KnownNames, listLooked } from '../../../src/policy/checks/known-names.ts'
import { formatProblem } from '../../../src/policy/policy-directory.ts'
import { setOf } from '../policy-fixtures.ts'

const from = (source: string, ...names: string[]) => ({ source, names })
const KNOWN: KnownNames = {
  label: from('labels.yaml', 'env:prod', 'env:staging'),
  team: from('agents.yaml', 'data', 'web'),
  owner: from('agents.yaml', 'mara@example.org'),
  registration: from('agents.yaml', 'ci-deploy'),
  agent: {
    ...from('agents.yaml', 'spiffe://example.org/ci/*'),
    has: (subject) => subject.startsWith('spiffe://example.org/ci/'),
  },
  trustDomain: from('The configuration', 'example.org'),
  role: from('The configuration', 'arn:aws:iam::123456789012:role/stint/data'),
  group: from('The configuration', 'owners'),
}
const permit = (condition: string, scope = 'principal', annotations = '') =>
  `@id("p") ${annotations} permit (${scope}, action, resource) when { ${condition} };`
const problemsOf = (text: string, known = KNOWN, countApprovers?: (group: string) => number) =>
  checkAgainst(setOf(text).policies, { known, ...(countApprovers && { countApprovers }) }).map(formatProblem)

// Every way in which docs/policy.md lets a policy name something outside itself.
for (const { text, says } of [
  {
    text: permit('resource.within.contains("env:prd")'),
    says: /^test\.cedar:1:\d+: error: labels\.yaml has no label "env:prd"; did you mean env:prod\? \[p\]$/,
  },
  {
    text: permit('resource.touches.containsAny(["env:staging", "env:stage"])'),
    says: /"env:stage"; did you mean env:staging/,
  },
  { text: permit('["nothing-like-it"].containsAll(resource.within)'), says: /has no label "nothing-like-it"\. \[p\]$/ },
  { text: permit('true', 'principal in Stint::Team::"dta"'), says: /no team "dta"; did you mean data/ },
  { text: permit('true', 'principal is Stint::Agent in Stint::Team::"dta"'), says: /no team "dta"/ },
  { text: permit('principal in Stint::Team::"dta"'), says: /no team "dta"/ },
  { text: permit('["dta"].contains(principal.team)'), says: /no team "dta"/ },
  {
    text: permit('true', 'principal == Stint::Agent::"spiffe://example.org/cd/a"'),
    says: /no registration that covers the agent "spiffe:\/\/example\.org\/cd\/a"/,
  },
  { text: permit('principal.subject == "spiffe://example.com/ci/a"'), says: /no registration that covers the agent/ },
  { text: permit('principal.owner == "maria@example.org"'), says: /no owner "maria@example.org"; did you mean mara@/ },
  { text: permit('principal.registration != "ci-deplyo"'), says: /did you mean ci-deploy/ },
  { text: permit('principal.trustDomain == "example.com"'), says: /no trust domain "example.com"/ },
  {
    text: permit('context.roleArn == "arn:aws:iam::123456789012:role/stint/dat"'),
    says: /no role .*did you mean arn:/,
  },
  {
    text: permit('true', 'principal', '@approval("owner:1")'),
    says: /^test\.cedar:1:20: .*in the group "owner"; did you mean owners/,
  },
  { text: permit('context.flags.contains("secrets")'), says: /Stint has no flag "secrets"; did you mean secret/ },
  {
    text: permit('context.conditions.hasTag("aws:RequestRegion")'),
    says: /no condition key "aws:RequestRegion"; did you mean aws:RequestedRegion/,
  },
  {
    text: permit(
      'context.conditions.hasTag("ec2:instanceType") && ["t3.micro"].containsAll(context.conditions.getTag("ec2:instanceType"))',
    ),
    says: /no condition key "ec2:instanceType"; did you mean ec2:InstanceType/,
  },
  { text: permit('context.authMethod == "x509"'), says: /no authentication method "x509"/ },
  { text: permit('context.action == "s3:GetObjekt"'), says: /s3:GetObjekt/ },
  { text: permit('context.action == "s3:getobject"'), says: /spelled "s3:GetObject"/ },
])
  test(`a policy that says ${text} names something that exists nowhere`, () => {
    const problems = problemsOf(text)
    assert.equal(problems.length, 1, problems.join('\n'))
    assert.match(problems[0] ?? '', says)
  })

test('names that exist are no problem, nor a pattern, nor the group any', () => {
  const text = permit(
    'resource.within.contains("env:prod") && principal.subject like "spiffe://other.org/*" && context.flags.contains("secret") && context.conditions.hasTag("aws:ResourceTag/env") && context.action == "s3:GetObject"',
    'principal == Stint::Agent::"spiffe://example.org/ci/a"',
    '@approval("any:1")',
  )
  assert.deepEqual(problemsOf(text), [])
})

test('the place of a name is its own line and column', () => {
  const text =
    '@id("p")\npermit (principal, action, resource) when {\n  resource.within.contains("é") &&\n  resource.within.contains("env:prd") };'
  assert.match(problemsOf(text).at(-1) ?? '', /^test\.cedar:4:28: .*"env:prd"/)
})

test('kinds that nobody gave are not judged, and are said', () => {
  assert.deepEqual(problemsOf(permit('resource.within.contains("x")', 'principal in Stint::Team::"y"'), {}), [])
  const { label, team, agent, owner, registration } = KNOWN
  assert.ok(label && team && agent && owner && registration)
  assert.deepEqual(listLooked({ label, team, agent, owner, registration }), {
    checked: ['labels', 'registrations'],
    notChecked: ['operators', 'roles', 'trust domains'],
  })
})

for (const { group, wanted = 1, count, says } of [
  { group: 'owners', count: 0, says: /warning: Nobody can give this approval now: no operator in the group owners/ },
  { group: 'any', count: 0, says: /warning: Nobody can give this approval now: no operator has the role/ },
  // It exists nowhere, which is said once.
  { group: 'owner', count: 0, says: /error: .*did you mean owners/ },
  { group: 'owners', count: 1, says: undefined },
  { group: 'owners', wanted: 3, count: 2, says: /needs 3 people, and only 2 operators in the group owners have/ },
  { group: 'owners', wanted: 2, count: 1, says: /needs 2 people, and only 1 operator in the group owners has/ },
  { group: 'owners', wanted: 2, count: 2, says: undefined },
])
  test(`an approval of ${group}:${wanted} by ${count} people is ${says ? 'a problem' : 'fine'}`, () => {
    const problems = problemsOf(permit('true', 'principal', `@approval("${group}:${wanted}")`), KNOWN, () => count)
    assert.equal(problems.length, says ? 1 : 0)
    if (says) assert.match(problems[0] ?? '', says)
  })

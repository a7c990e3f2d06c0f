import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { stint } from '../support/cli.ts'

const ROLE = 'arn:aws:iam::123456789012:role/stint/agent-data'
const CONFIG = `identity:
  server: { certificateFile: svid.pem, privateKeyFile: svid.key }
  domains: { example.org: { file: bundle.json } }
registry: { file: agents.yaml }
policy: { directory: policies, approvalsRequiredFor: [read] }
labels: { file: labels.yaml }
roles: [{ arn: '${ROLE}', revocation: { kind: none } }]
aws: { region: eu-central-1 }
ledger: { file: ledger.db }
admin:
  operators:
    - { name: olga, role: approver, groups: [owners], tokenSha256: ${'a'.repeat(64)}, expiresAt: 2020-01-01T00:00:00Z }
`
const AGENTS = `agents:
  - { name: ci, match: 'spiffe://example.org/ci/*', owner: mara@example.org, team: data, purpose: builds, expires: 2099-01-01 }
`
const LABELS = "labels: [{ label: data:invoices, resources: ['arn:aws:s3:::invoices/*'] }]\n"
const POLICY =
  '@id("reads") permit (principal in Stint::Team::"data", action in Stint::Action::"read", resource) when { resource.within.contains("data:invoices") };\n'
const CASE = (role: string) => `cases:
  - name: an invoice
    agent: spiffe://example.org/ci/deploy
    task: { role: '${role}', access: [{ actions: [s3:GetObject], resources: ['arn:aws:s3:::invoices/*'] }], ttl: 15m }
    expect: approval
    approval: [any]
`

let folder: string
const place = (...parts: string[]) => join(folder, ...parts)
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-policy-'))
  mkdirSync(place('policies'))
  writeFileSync(place('stint.yaml'), CONFIG)
  writeFileSync(place('agents.yaml'), AGENTS)
  writeFileSync(place('labels.yaml'), LABELS)
  writeFileSync(place('policies', 'a.cedar'), POLICY)
})
afterEach(() => rmSync(folder, { recursive: true }))

test('policy check compares names with everything that the configuration names', async () => {
  const good = await stint(['policy', 'check', '--config', place('stint.yaml')])
  expect(good.stdout).toMatch(/^ok: 1 policies, 0 warnings/)
  expect(good.stdout).toContain('names compared with: labels, registrations, operators, roles, trust domains\n')
  expect(good.exitCode).toBe(0)

  writeFileSync(place('labels.yaml'), LABELS.replace('data:invoices', 'data:invoice'))
  const bad = await stint(['policy', 'check'], { env: { STINT_CONFIG: place('stint.yaml') } })
  expect(bad.stdout).toMatch(
    /^a\.cedar:1:\d+: error: .*labels\.yaml has no label "data:invoices"; did you mean data:invoice\? \[reads\]$/m,
  )
  expect(bad.exitCode).toBe(1)
})

test('policy check warns of an approval that nobody can give, and an unknown group is an error', async () => {
  const asks = (group: string) => POLICY.replace('permit', `@approval("${group}:1") permit`)
  writeFileSync(place('policies', 'a.cedar'), asks('owners'))
  const expired = await stint(['policy', 'check', '--config', place('stint.yaml')])
  expect(expired.stdout).toMatch(/warning: Nobody can give this approval now: no operator in the group owners/)
  expect(expired.exitCode).toBe(0)
  writeFileSync(place('policies', 'a.cedar'), asks('onwers'))
  const unknown = await stint(['policy', 'check', '--config', place('stint.yaml')])
  expect(unknown.stdout).toMatch(
    /error: The configuration has no operator in the group "onwers"; did you mean owners\?/,
  )
  expect(unknown.exitCode).toBe(1)
})

test('policy check of a named directory looks at the files of its flags only, and says what it did not look at', async () => {
  const env = { STINT_CONFIG: place('not-there.yaml') }
  const bare = await stint(['policy', 'check', place('policies')], { env })
  expect(bare.stdout).toMatch(
    /^names not compared with: labels, registrations, operators, roles, trust domains \(see --config/m,
  )
  const some = await stint(['policy', 'check', place('policies'), '--labels', place('labels.yaml'), '-o', 'json'], {
    env,
  })
  expect(JSON.parse(some.stdout)).toMatchObject({
    ok: true,
    checked: ['labels'],
    notChecked: ['registrations', 'operators', 'roles', 'trust domains'],
  })
})

test('policy check lists every problem of a labels file by its place', async () => {
  writeFileSync(place('bad.yaml'), 'labels:\n  - { label: a, marks: [prod] }\n  - { label: b, resources: [1] }\n')
  const { exitCode, stderr } = await stint(['policy', 'check', place('policies'), '--labels', place('bad.yaml')])
  expect(exitCode).toBe(1)
  const [first = '', second = '', ...others] = stderr.split('\n')
  expect(first).toMatch(
    /^stint: LABELS_INVALID: 2 problems, the first at .*bad\.yaml:2:25: labels\.0\.marks\.0 must be one/,
  )
  expect(second).toMatch(/^ {2}.*bad\.yaml:3:29: labels\.1\.resources\.0 must be a text$/)
  expect(others).toEqual([''])
})

test('policy test with a configuration knows its roles, agents, labels and approvals', async () => {
  writeFileSync(place('policies', 'a.test.yaml'), CASE(ROLE))
  const good = await stint(['policy', 'test', '--config', place('stint.yaml')])
  expect(good).toMatchObject({ exitCode: 0, stderr: '' })
  writeFileSync(place('policies', 'a.test.yaml'), CASE(ROLE.replace('data', 'date')))
  const bad = await stint(['policy', 'test', '--config', place('stint.yaml')])
  expect(bad.stdout).toMatch(/ROLE_UNKNOWN/)
  expect(bad.exitCode).toBe(1)
  const bare = [
    'policy',
    'test',
    place('policies'),
    '--labels',
    place('labels.yaml'),
    '--registry',
    place('agents.yaml'),
  ]
  const anyRole = await stint([...bare, '--approvals-for', 'read'])
  expect(anyRole).toMatchObject({ exitCode: 0 })
  expect(anyRole.stderr).toMatch(/roles were not checked/)
})

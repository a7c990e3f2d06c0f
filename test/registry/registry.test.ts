import assert from 'node:assert/strict'
import { mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, test } from 'vitest'
import { hasCode, StintError } from '../../src/core/errors.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'
import { followRegistry, loadRegistry } from '../../src/registry/registry-file.ts'
import { ManualClock } from '../support/manual-clock.ts'

const NOW = new Date('2026-11-21T12:00:00Z')
const entry = (fields: Record<string, string> = {}) =>
  `  - ${JSON.stringify({
    name: 'ci',
    match: 'spiffe://example.org/ci/*',
    owner: 'mara@example.org',
    team: 'data',
    purpose: 'Nightly reconciliation',
    expires: '2027-06-30',
    ...fields,
  })}\n`
const file = (...entries: string[]) => `agents:\n${entries.join('')}`

const REGISTRY = parseRegistry(
  file(
    entry({ name: 'domain', match: 'spiffe://wide.example/*' }),
    entry({ name: 'ci' }),
    entry({ name: 'ci-release', match: 'spiffe://example.org/ci/release/*' }),
    entry({ name: 'ci-release-eu', match: 'spiffe://example.org/ci/release/eu', expires: '2026-11-21T12:00:00Z' }),
    entry({ name: 'api', match: 'spiffe://example.org/billing/api', expires: '2026-11-21T12:00:01Z' }),
  ),
)

// SPIFFE-ID 2: trust domain and path are compared as they are, segment by segment.
for (const { subject, registration } of [
  { subject: 'spiffe://example.org/ci/deploy', registration: 'ci' },
  { subject: 'spiffe://example.org/ci/a/b/c', registration: 'ci' },
  { subject: 'spiffe://example.org/ci/release', registration: 'ci' },
  { subject: 'spiffe://example.org/ci/release/us', registration: 'ci-release' },
  { subject: 'spiffe://example.org/billing/api', registration: 'api' },
  { subject: 'spiffe://wide.example/x', registration: 'domain' },
  { subject: 'spiffe://wide.example/x/y', registration: 'domain' },
])
  test(`${subject} is covered by ${registration}`, () => {
    assert.equal(REGISTRY.lookup(subject, NOW).name, registration)
  })

for (const { subject, code } of [
  { subject: 'spiffe://example.org/ci', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://example.org/cix', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://example.org/cix/deploy', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://example.org/CI/deploy', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://example.org/billing/api/v2', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://example.org/a/ci/deploy', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://other.example/ci/deploy', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://example.org.evil.example/ci/deploy', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://wide.example', code: 'AGENT_UNREGISTERED' },
  { subject: 'spiffe://example.org/ci/*', code: 'SPIFFE_ID_INVALID' },
  { subject: 'spiffe://example.org/ci/../billing/api', code: 'SPIFFE_ID_INVALID' },
  { subject: '', code: 'SPIFFE_ID_INVALID' },
  // The most specific one counts, also when it has expired and a wider one has not.
  { subject: 'spiffe://example.org/ci/release/eu', code: 'REGISTRATION_EXPIRED' },
])
  test(`${subject || 'an empty subject'} is refused with ${code}`, () => {
    assert.throws(() => REGISTRY.lookup(subject, NOW), { code })
  })

test('a registration ends at its instant, and at an unreadable time', () => {
  const subject = 'spiffe://example.org/billing/api'
  assert.equal(REGISTRY.lookup(subject, new Date('2026-11-21T12:00:00.999Z')).name, 'api')
  assert.throws(() => REGISTRY.lookup(subject, new Date('2026-11-21T12:00:01Z')), { code: 'REGISTRATION_EXPIRED' })
  assert.throws(() => REGISTRY.lookup(subject, new Date(Number.NaN)), { code: 'REGISTRATION_EXPIRED' })
})

test('a day stands for its start in UTC, and a review date is kept', () => {
  const { registrations } = parseRegistry(file(entry({ review: '2027-03-31' })))
  assert.equal(registrations[0]?.expiresAt.toISOString(), '2027-06-30T00:00:00.000Z')
  assert.equal(registrations[0]?.reviewAt?.toISOString(), '2027-03-31T00:00:00.000Z')
})

// RFC 3339 promises offsets, and a person in another zone writes them.
test('an expiry may carry an offset and a fraction', () => {
  const { registrations } = parseRegistry(file(entry({ expires: '2027-06-30T14:00:00.5+02:00' })))
  assert.equal(registrations[0]?.expiresAt.toISOString(), '2027-06-30T12:00:00.500Z')
})

for (const { name, text, path, line } of [
  {
    name: 'a missing owner',
    text: file(entry(), entry().replace('"owner":"mara@example.org",', '')),
    path: 'agents.1.owner',
    line: 3,
  },
  { name: 'an unknown key', text: file(entry({ ownr: 'x' })), path: 'agents.0', line: 2 },
  { name: 'an unknown key at the top', text: `${file(entry())}agent: []\n`, path: '', line: 1 },
  { name: 'an empty purpose', text: file(entry({ purpose: '' })), path: 'agents.0.purpose', line: 2 },
  {
    name: 'a bidirectional override in an owner',
    text: file(entry({ owner: 'a\u202Eb' })),
    path: 'agents.0.owner',
    line: 2,
  },
  {
    name: 'an expiry that is no day',
    text: file(entry({ expires: '2027-02-30' })),
    path: 'agents.0.expires',
    line: 2,
  },
  {
    name: 'an expiry without a zone',
    text: file(entry({ expires: '2027-02-03T10:00:00' })),
    path: 'agents.0.expires',
    line: 2,
  },
  {
    name: 'a match of another scheme',
    text: file(entry({ match: 'https://example.org/ci/*' })),
    path: 'agents.0.match',
    line: 2,
  },
  {
    name: 'a star within a segment',
    text: file(entry({ match: 'spiffe://example.org/ci-*' })),
    path: 'agents.0.match',
    line: 2,
  },
  {
    name: 'a star in the middle',
    text: file(entry({ match: 'spiffe://example.org/*/deploy' })),
    path: 'agents.0.match',
    line: 2,
  },
  { name: 'a star for the trust domain', text: file(entry({ match: 'spiffe://*' })), path: 'agents.0.match', line: 2 },
  {
    name: 'a trust domain without a path',
    text: file(entry({ match: 'spiffe://example.org' })),
    path: 'agents.0.match',
    line: 2,
  },
  {
    name: 'a name that is taken',
    text: file(entry(), entry({ match: 'spiffe://example.org/x' })),
    path: 'agents.1.name',
    line: 3,
  },
  { name: 'a match that is taken', text: file(entry(), entry({ name: 'b' })), path: 'agents.1.match', line: 3 },
  { name: 'a key written twice', text: 'agents: []\nagents: []\n', path: '', line: 2 },
  { name: 'an alias', text: `a: &a [1]\nagents: [*a, *a]\n`, path: '', line: 1 },
  { name: 'text that is no YAML', text: 'agents: [', path: '', line: 1 },
  { name: 'an empty file', text: '', path: '', line: 1 },
  { name: 'a second document', text: `${file(entry())}---\nagents: []\n`, path: '', line: 3 },
  { name: 'thousands of levels', text: `agents: ${'['.repeat(20_000)}`, path: '', line: 1 },
])
  test(`a registry with ${name} is refused at its place`, () => {
    const problems = problemsOf(() => parseRegistry(text))
    assert.ok(
      problems.some((problem) => problem.path === path && problem.line === line),
      JSON.stringify(problems),
    )
  })

test('all problems are listed', () => {
  const problems = problemsOf(() => parseRegistry(file(entry({ owner: '' }), entry({ match: 'x', expires: 'never' }))))
  assert.deepEqual(problems.map(({ path }) => path).sort(), ['agents.0.owner', 'agents.1.expires', 'agents.1.match'])
})

let directory: string
beforeEach(async () => {
  directory = await mkdtemp(join(tmpdir(), 'stint-registry-'))
})
afterEach(() => rm(directory, { recursive: true }))

test('a store follows its file through a link, and a bad version leaves the last good one', async () => {
  const clock = new ManualClock()
  const problems: (StintError | undefined)[] = []
  const link = join(directory, 'agents.yaml')
  await writeFile(join(directory, 'one.yaml'), file(entry()))
  await writeFile(join(directory, 'two.yaml'), file(entry({ name: 'renamed' })))
  await writeFile(join(directory, 'bad.yaml'), file(entry()).slice(0, -30))
  const swapTo = async (target: string) => {
    await symlink(target, `${link}.new`)
    await rename(`${link}.new`, link)
    await store.check()
  }
  const store = followRegistry({ file: link, clock, onState: (problem) => problems.push(problem) })
  const nameNow = () => store.current().lookup('spiffe://example.org/ci/deploy', NOW).name
  await store.start()
  assert.throws(nameNow, { code: 'REGISTRY_INVALID' })
  await swapTo('one.yaml')
  assert.equal(nameNow(), 'ci')
  await swapTo('bad.yaml')
  assert.equal(nameNow(), 'ci')
  assert.ok(hasCode(store.status.problem?.error, 'REGISTRY_INVALID'))
  await swapTo('two.yaml')
  assert.equal(nameNow(), 'renamed')
  assert.equal(store.status.problem, undefined)
  assert.deepEqual(
    problems.map((problem) => problem !== undefined),
    [true, false, true, false],
  )
  await store.stop()
})

function problemsOf(action: () => unknown): { path: string; line: number }[] {
  try {
    action()
  } catch (error) {
    assert.ok(error instanceof StintError && error.code === 'REGISTRY_INVALID', String(error))
    return (error.details.problems ?? []) as { path: string; line: number }[]
  }
  return assert.fail('was accepted')
}

test('a registry file that is not there is named', async () => {
  const file = join(directory, 'agents.yaml')
  await assert.rejects(loadRegistry(file), ({ message }: Error) => message.includes(`${file} cannot be read (ENOENT)`))
})

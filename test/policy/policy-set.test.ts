import assert from 'node:assert/strict'
import { test } from 'vitest'
import { POLICY_LIMITS } from '../../src/policy/cedar/policy-text.ts'
import { decide } from '../../src/policy/decide.ts'
import { formatProblem } from '../../src/policy/policy-directory.ts'
import { compilePolicySet } from '../../src/policy/policy-set.ts'
import { inputOf, pairOf, setOf } from './policy-fixtures.ts'

const compile = (text: string) => compilePolicySet([{ name: 'a.cedar', text }])
const errorsIn = (text: string) => compile(text).problems.filter(({ severity }) => severity === 'error')
const permit = (condition: string, annotations = '@id("p")') =>
  `${annotations} permit (principal, action in Stint::Action::"read", resource) when { ${condition} };`
const repeated = (text: string, times: number, glue: string) => Array<string>(times).fill(text).join(glue)

// Positions: https://docs.cedarpolicy.com/policies/syntax-policy.html for what each has to look like.
for (const { name, text, at, says } of [
  { name: 'a policy without @id', text: '\n  permit (principal, action, resource);', at: '2:3', says: /no @id/ },
  { name: 'an @id with odd characters', text: permit('true', '@id("class:write")'), at: '1:1', says: /@id is/ },
  { name: 'a misspelt annotation', text: permit('true', '@id("p") @aproval("owners:1")'), at: '1:1', says: /@aproval/ },
  {
    name: 'a syntax error',
    text: `// é\n${permit('true')}\n${permit('+', '@id("q") @description("é")')}`,
    at: '3:97',
    says: /token/,
  },
  {
    name: 'a misspelt context attribute',
    text: permit('context.ttlSecond > 3'),
    at: '1:79',
    says: /did you mean `ttlSeconds`/,
  },
  {
    name: 'a misspelt team type',
    text: '@id("p") permit (principal in Stint::Tem::"data", action, resource);',
    at: '1:31',
    says: /did you mean `Stint::Team`/,
  },
  {
    name: 'an unknown class',
    text: '@id("p") permit (principal, action in Stint::Action::"delete", resource);',
    at: '1:39',
    says: /Stint::Action/,
  },
  { name: 'a wrong type', text: permit('resource.arn > 3'), at: '1:79', says: /expected Long/ },
  {
    name: 'a template',
    text: '@id("p") permit (principal == ?principal, action, resource);',
    at: '1:31',
    says: /Templates/,
  },
  {
    name: 'an open string',
    text: '@id("p) permit (principal, action, resource);',
    at: '1:5',
    says: /closing quote|unexpected/,
  },
  {
    name: 'an approval without a count',
    text: permit('true', '@id("p") @approval("owners")'),
    at: '1:1',
    says: /group:1/,
  },
  { name: 'an approval without a value', text: permit('true', '@id("p") @approval'), at: '1:1', says: /group:1/ },
  { name: 'an approval by nobody', text: permit('true', '@id("p") @approval("owners:0")'), at: '1:1', says: /group:1/ },
  {
    name: 'an approval by more people than anybody would ask',
    text: permit('true', '@id("p") @approval("owners:21")'),
    at: '1:1',
    says: /1 to 20/,
  },
  {
    name: 'an approval by two groups without a comma',
    text: permit('true', '@id("p") @approval("owners:2 security:1")'),
    at: '1:1',
    says: /commas between groups/,
  },
  {
    name: 'an approval that names a group twice',
    text: permit('true', '@id("p") @approval("owners:2, owners:1")'),
    at: '1:1',
    says: /names each group once/,
  },
  {
    name: 'an exclusion of somebody unknown',
    text: permit('true', '@id("p") @approval("owners:1") @exclude("olga")'),
    at: '1:1',
    says: /@exclude\("owner"\)/,
  },
  {
    name: 'an exclusion where nobody is asked',
    text: permit('true', '@id("p") @exclude("owner")'),
    at: '1:1',
    says: /belongs to an @approval/,
  },
  {
    name: 'a reuse without a window',
    text: permit('true', '@id("p") @approval("owners:1") @reuse("3")'),
    at: '1:1',
    says: /@reuse\("3 in 8h"\)/,
  },
  {
    name: 'a reuse of one',
    text: permit('true', '@id("p") @approval("owners:1") @reuse("1 in 8h")'),
    at: '1:1',
    says: /2 to 99/,
  },
  {
    name: 'a reuse for longer than a week',
    text: permit('true', '@id("p") @approval("owners:1") @reuse("3 in 8d")'),
    at: '1:1',
    says: /1m to 7d/,
  },
  {
    name: 'a reuse where nobody is asked',
    text: permit('true', '@id("p") @reuse("3 in 8h")'),
    at: '1:1',
    says: /@reuse belongs to an @approval/,
  },
  {
    name: 'a reuse for what is approved once only',
    text: '@id("p") @approval("owners:1") @reuse("3 in 8h") permit (principal, action in Stint::Action::"destructive", resource) when { resource.within.contains("a") };',
    at: '1:1',
    says: /@reuse has no effect: an approval of destructive/,
  },
  {
    name: 'an approval on a forbid',
    text: '@id("p") @approval("owners:1") forbid (principal, action, resource);',
    at: '1:1',
    says: /forbid cannot ask/,
  },
  { name: 'a text after the last semicolon', text: `${permit('true')} permit`, at: '1:93', says: /end of input/ },
])
  test(`a set with ${name} is refused at its place`, () => {
    const errors = errorsIn(text)
    assert.match(errors.map(formatProblem).join('\n'), says)
    assert.ok(
      errors.some(({ line, column }) => `${line}:${column}` === at),
      errors.map(formatProblem).join('\n'),
    )
    assert.equal(compile(text).set, undefined)
  })

test('all problems of all files are listed, in order', () => {
  const { problems } = compilePolicySet([
    { name: 'b.cedar', text: `${permit('true')}\n${permit('true')}` },
    {
      name: 'a.cedar',
      text: `${permit('1 > "a"', '@id("x")')}\n${permit('resource.nope == 1', '@id("y")')}\n${permit('+', '@id("z")')}`,
    },
  ])
  const errors = problems.filter(({ severity }) => severity === 'error')
  assert.deepEqual(
    errors.map(({ file, line }) => `${file}:${line}`),
    ['a.cedar:1', 'a.cedar:2', 'a.cedar:3', 'b.cedar:2'],
  )
})

test('the same @id in two files is refused and both places are named', () => {
  const { problems } = compilePolicySet([
    { name: 'a.cedar', text: permit('true') },
    { name: 'b.cedar', text: permit('true') },
  ])
  const [error] = problems.filter(({ severity }) => severity === 'error')
  assert.equal(error?.file, 'b.cedar')
  assert.match(error?.message ?? '', /a\.cedar:1/)
})

// A request names a pattern: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_elements_resource.html
const forbid = (clause: string) => `@id("f") forbid (principal, action, resource) ${clause};`
const permitAll = (clause: string) => `@id("p") permit (principal, action, resource) ${clause};`
for (const { text, severity } of [
  { text: forbid('when { resource.arn like "arn:aws:s3:::prod*" }'), severity: 'error' },
  {
    text: forbid('when { context.ttlSeconds > 60 && (resource.arn like "*prod*" || resource.touches.contains("a")) }'),
    severity: 'error',
  },
  { text: forbid('when { resource.within.contains("env:prod") }'), severity: 'error' },
  { text: forbid('when { resource.account == "123456789012" }'), severity: 'error' },
  { text: forbid('when { ["123456789012"].contains(resource.account) }'), severity: 'error' },
  { text: forbid('unless { resource.touches.contains("env:dev") }'), severity: 'error' },
  { text: forbid('unless { resource.region != "eu-west-1" }'), severity: 'error' },
  { text: forbid('when { if resource.region == "eu-west-1" then true else false }'), severity: 'error' },
  { text: forbid('unless { ["", "eu-west-1"].contains(resource.region) }'), severity: 'error' },
  { text: forbid('when { [resource.region].containsAny(["", "eu-west-1"]) }'), severity: 'error' },
  { text: forbid('when { [""].contains(resource.region) }'), severity: undefined },
  { text: permitAll('when { ["", "eu-west-1"].contains(resource.region) }'), severity: 'warning' },
  { text: permitAll('when { ["eu-west-1"].contains(resource.region) }'), severity: undefined },
  { text: '@id("f") forbid (principal, action, resource == Stint::Resource::"arn:aws:s3:::prod");', severity: 'error' },
  { text: forbid('when { resource == Stint::Resource::"arn:aws:s3:::prod" }'), severity: 'error' },
  { text: forbid('when { resource.touches.contains("env:prod") }'), severity: undefined },
  { text: forbid('when { resource has arn && resource.touches.containsAny(["env:prod"]) }'), severity: undefined },
  { text: forbid('unless { resource.within.contains("env:dev") }'), severity: undefined },
  { text: forbid('unless { resource.arn like "arn:aws:s3:::dev*" }'), severity: undefined },
  { text: forbid('when { resource.region != "eu-west-1" }'), severity: undefined },
  { text: forbid('when { resource.account == "" }'), severity: undefined },
  { text: forbid('when { context.action == "s3:DeleteBucket" }'), severity: undefined },
  { text: permitAll('when { resource.touches.contains("env:dev") }'), severity: 'warning' },
  { text: permitAll('when { !resource.within.contains("env:prod") }'), severity: 'warning' },
  { text: permitAll('unless { resource.arn like "*prod*" }'), severity: 'warning' },
  { text: permitAll('when { resource.arn like "arn:aws:s3:::dev*" }'), severity: undefined },
  {
    text: permitAll('when { resource.within.contains("env:dev") } unless { resource.touches.contains("env:prod") }'),
    severity: undefined,
  },
  {
    text: permitAll('when { ["env:dev", "env:test"].containsAll(resource.touches) && resource.account != "" }'),
    severity: undefined,
  },
  // Of a condition a wider request has more values, or none at all.
  ...[
    { clause: 'when { HAS && ["dev"].containsAll(GET) }', permits: undefined, forbids: 'error' },
    { clause: 'when { HAS && GET.contains("dev") }', permits: 'warning', forbids: 'error' },
    { clause: 'when { HAS && GET.containsAll(["dev"]) }', permits: 'warning', forbids: 'error' },
    { clause: 'when { HAS && GET == ["dev"] }', permits: 'warning', forbids: 'error' },
    { clause: 'when { !HAS }', permits: 'warning', forbids: undefined },
    { clause: 'when { HAS }', permits: undefined, forbids: 'error' },
    { clause: 'unless { HAS && ["dev"].containsAll(GET) }', permits: 'warning', forbids: undefined },
    { clause: 'unless { HAS && GET.contains("dev") }', permits: 'warning', forbids: 'error' },
  ].flatMap(({ clause, permits, forbids }) => {
    const whole = clause
      .replaceAll('HAS', 'context.conditions.hasTag("aws:ResourceTag/env")')
      .replaceAll('GET', 'context.conditions.getTag("aws:ResourceTag/env")')
    return [
      { text: permitAll(whole), severity: permits },
      { text: forbid(whole), severity: forbids },
    ]
  }),
])
  test(`soundness: ${text} is ${severity ? `a ${severity}` : 'fine'}`, () => {
    const found = compile(text).problems.filter(({ message }) => /wide/.test(message))
    assert.deepEqual([...new Set(found.map((problem) => problem.severity))], severity ? [severity] : [])
  })

for (const { condition, warns } of [
  { condition: 'resource.arn like "arn:aws:s3:::dev*"', warns: true },
  { condition: 'context.roleArn like "*:role/stint*"', warns: true },
  { condition: 'resource.arn like "arn:aws:s3:::dev-*"', warns: false },
  { condition: 'resource.arn like "arn:aws:s3:::dev/*"', warns: false },
  { condition: 'resource.arn like "*dev"', warns: false },
  // Actions are named so.
  { condition: 'context.action like "s3:Get*"', warns: false },
])
  test(`a policy when ${condition} ${warns ? 'has a warning for its open end' : 'has none'}`, () => {
    const found = compile(permit(condition)).problems.filter(({ message }) =>
      /no separator before the \*/.test(message),
    )
    assert.equal(found.length, warns ? 1 : 0)
  })

test('a permit without any condition is a warning', () => {
  const { set, problems } = compile('@id("p") permit (principal, action, resource);')
  assert.ok(set)
  assert.equal(problems[0]?.severity, 'warning')
})

test('no policies at all is a set that denies everything, with a warning', () => {
  const { set } = compilePolicySet([])
  assert.equal(set?.warnings.length, 1)
  assert.equal(set && decide(set, inputOf([pairOf()])).outcome, 'deny')
})

test('the hash covers ids and texts, and neither files nor order nor space between', () => {
  const [one, two] = [permit('true', '@id("one")'), permit('context.ttlSeconds < 60', '@id("two")')]
  const { hash } = setOf(`${one}${two}`)
  assert.match(hash, /^[0-9a-f]{64}$/)
  assert.equal(setOf(`// moved\n${two}\n\n${one}\n`).hash, hash)
  const apart = compilePolicySet([
    { name: 'x.cedar', text: two },
    { name: 'y.cedar', text: one },
  ])
  assert.equal(apart.set?.hash, hash)
  assert.notEqual(setOf(one).hash, hash)
  assert.notEqual(setOf(`${one}${two.replace('60', '61')}`).hash, hash)
  assert.notEqual(setOf(`${one}${two.replace('"two"', '"three"')}`).hash, hash)
  assert.notEqual(setOf(`${one}${two.replace('@id', '@approval("owners:1") @id')}`).hash, hash)
})

// Cedar's WebAssembly stack ends at some 130 brackets, or 300 operators or conditionals in a row (measured, 4.13.0).
const AT_LIMITS = [
  { name: 'brackets', at: (n: number) => `${'('.repeat(n)}true${')'.repeat(n)}`, limit: POLICY_LIMITS.depth - 1 },
  {
    name: 'sets',
    at: (n: number) => `${'['.repeat(n)}1${']'.repeat(n)} == ${'['.repeat(n)}1${']'.repeat(n)}`,
    limit: POLICY_LIMITS.depth - 1,
  },
  { name: 'operators', at: (n: number) => repeated('true', n + 1, ' && '), limit: POLICY_LIMITS.operators },
  { name: 'sums', at: (n: number) => `${repeated('1', n, ' + ')} > 0`, limit: POLICY_LIMITS.operators },
  {
    name: 'conditionals',
    at: (n: number) => `${'if true then true else '.repeat(n)}true`,
    limit: POLICY_LIMITS.conditionals,
  },
]
for (const { name, at, limit } of AT_LIMITS) {
  test(`a policy at the limit of ${name} can be judged`, () => {
    const decision = decide(setOf(permit(at(limit))), inputOf([pairOf()]))
    assert.equal(decision.outcome, 'permit')
  })
  for (const beyond of [limit + 1, 5_000])
    test(`a policy with ${beyond} ${name} is refused before Cedar sees it`, () => {
      assert.match(errorsIn(permit(at(beyond)))[0]?.message ?? '', /the limit is/)
    })
}

test('a policy at every limit at once can be judged', () => {
  const { depth, operators, conditionals } = POLICY_LIMITS
  const inner = `${'if 1 > 2 then true else '.repeat(conditionals)}${repeated('1', operators - conditionals, ' + ')} > 0`
  const text = permit(`${'('.repeat(depth - 1)}${inner}${')'.repeat(depth - 1)}`)
  assert.equal(decide(setOf(text), inputOf([pairOf()])).outcome, 'permit')
})

test('brackets and semicolons in strings and comments do not count', () => {
  const text = `// ((( ; "\n${permit(`resource.arn != "${'('.repeat(99)};\\"//"`)} // ]]\n`
  assert.ok(compile(text).set)
})

test('a policy beyond 64 Ki characters is refused', () => {
  const text = permit(`resource.arn != "${'x'.repeat(POLICY_LIMITS.characters)}"`)
  assert.match(errorsIn(text)[0]?.message ?? '', /characters/)
})

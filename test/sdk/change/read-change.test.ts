import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { CHANGE_ACTIONS, CHANGE_LIMITS, declaredChangeSchema } from '../../../src/plan/declared-change.ts'
import { readChange } from '../../../src/sdk/index.ts'

// Shapes: developer.hashicorp.com/terraform/internals/json-format; AWS CloudFormation API Reference, "DescribeChangeSet". Written
// for these tests: no terraform program made them.
const vector = (name: string) => readFileSync(new URL(`../../vectors/changes/${name}`, import.meta.url))
const bytes = (value: unknown) => Buffer.from(typeof value === 'string' ? value : JSON.stringify(value))
const plan = (resources: unknown, more: object = {}) =>
  bytes({ format_version: '1.2', resource_changes: resources, ...more })
const resource = (actions: unknown, more: object = {}) => ({
  ...{ address: 'aws_s3_bucket.a', type: 'aws_s3_bucket', mode: 'managed', change: { actions } },
  ...more,
})

test('a Terraform plan comes to its deletes and replacements first, and no value of it', () => {
  const file = vector('terraform-plan.json')
  const change = readChange(file)
  expect(change).toEqual({
    kind: 'terraform_plan',
    sha256: createHash('sha256').update(file).digest('hex'),
    counts: { delete: 2, replace: 2, forget: 1, update: 1, import: 1, create: 1, read: 1 },
    resources: [
      { action: 'delete', type: 'aws_dynamodb_table', address: 'aws_dynamodb_table.sessions["eu"]' },
      { action: 'delete', type: 'aws_instance', address: 'aws_instance.web (deposed 3d9c3c9d)' },
      { action: 'replace', type: 'aws_db_instance', address: 'aws_db_instance.main' },
      { action: 'replace', type: 'aws_ebs_volume', address: 'aws_ebs_volume.scratch' },
      { action: 'forget', type: 'aws_sqs_queue', address: 'aws_sqs_queue.kept' },
      { action: 'update', type: 'aws_s3_object', address: 'aws_s3_object.motd' },
      { action: 'import', type: 'aws_iam_role', address: 'aws_iam_role.adopted' },
      { action: 'create', type: 'aws_instance', address: 'module.app.aws_instance.web[0]' },
      { action: 'read', type: 'aws_ami', address: 'data.aws_ami.base' },
    ],
  })
  expect(JSON.stringify(change)).not.toContain('hunter2')
})

test('a CloudFormation change set comes to the same words', () => {
  const change = readChange(vector('change-set.json'))
  expect(change).toMatchObject({
    kind: 'cloudformation_change_set',
    reference: 'arn:aws:cloudformation:eu-central-1:123456789012:changeSet/release-42/0b1f2c3d',
    counts: { delete: 1, replace: 1, may_replace: 1, unknown: 2, forget: 1, update: 1, import: 1, create: 1 },
  })
  expect(change.resources.map(({ action, address }) => `${action} ${address}`)).toEqual([
    'delete OldTable (shop-old-table)',
    'replace Database (shop-database-1abc)',
    'may_replace Instance (i-0abc)',
    'unknown Guess',
    'unknown Nested',
    'forget KeptBucket (shop-kept)',
    'update Role (shop-role)',
    'import Adopted (adopted)',
    'create Queue',
  ])
  expect(JSON.stringify(change)).not.toContain('hunter2')
})

test('the file that is applied is known by its own digest', () => {
  const artifact = Buffer.from([0x50, 0x4b, 0xff, 0x00])
  const { artifactSha256 } = readChange(plan([]), artifact)
  expect(artifactSha256).toBe(createHash('sha256').update(artifact).digest('hex'))
})

for (const { name, file, says } of [
  { name: 'no JSON', file: bytes('resource "aws_s3_bucket" "a" {}'), says: /is not JSON/ },
  { name: 'a saved plan itself', file: Buffer.from([0x50, 0x4b, 3, 4, 0xff]), says: /is not JSON/ },
  { name: 'a list', file: bytes([]), says: /neither format_version nor Changes/ },
  { name: 'null', file: bytes('null'), says: /neither/ },
  { name: 'a task', file: bytes({ purpose: 'x' }), says: /neither/ },
  {
    name: 'a later major version',
    file: bytes({ format_version: '2.0', resource_changes: [] }),
    says: /another format/,
  },
  { name: 'a version that is a number', file: bytes({ format_version: 1 }), says: /format_version/ },
  { name: 'a state', file: bytes({ format_version: '1.0', values: {} }), says: /this is a state/ },
  { name: 'a plan that failed', file: plan([], { errored: true }), says: /the plan failed/ },
  { name: 'resource_changes that are no list', file: plan({}), says: /resource_changes must be a list/ },
  {
    name: 'a change that is none',
    file: plan([resource('x', { change: 'delete' })]),
    says: /resource_changes\[0\]\.change/,
  },
  { name: 'actions that are no list', file: plan([resource('delete')]), says: /actions must be a list/ },
  {
    name: 'a resource without an address',
    file: plan([resource(['delete'], { address: 7 })]),
    says: /type and an address/,
  },
  {
    name: 'a part of a change set',
    file: bytes({ Changes: [], NextToken: 'more' }),
    says: /only a part/,
  },
  { name: 'a change set that failed', file: bytes({ Changes: [], Status: 'FAILED' }), says: /CREATE_COMPLETE/ },
  { name: 'a change without a resource', file: bytes({ Changes: [{ Type: 'Hook' }] }), says: /ResourceType/ },
  {
    name: 'a very deep file',
    file: bytes(`{"format_version":"1.2","planned_values":${'['.repeat(200_000)}`),
    says: /is not JSON/,
  },
  { name: 'more bytes than are taken', file: Buffer.alloc(32 * 1024 * 1024 + 1, 0x20), says: /bytes/ },
])
  test(`${name} is CHANGE_INVALID, and the message repeats no secret`, () => {
    expect(() => readChange(file)).toThrow(expect.objectContaining({ code: 'CHANGE_INVALID' }))
    expect(() => readChange(file)).toThrow(says)
  })

test('a deep file that is whole is read', () => {
  const deep = `${'['.repeat(50_000)}${']'.repeat(50_000)}`
  expect(readChange(bytes(`{"format_version":"1.2","resource_changes":[],"planned_values":${deep}}`)).counts).toEqual(
    {},
  )
})

describe('whatever a file says, the broker takes what was read', () => {
  for (const { name, found, address } of [
    { name: 'control and bidi characters', found: 'a\u001b[2K\u202eb\nc', address: 'a\\u{1b}[2K\\u{202e}b\\u{a}c' },
    { name: 'stacked marks', found: `a${'\u0301'.repeat(9)}`, address: `a${'\\u{301}'.repeat(9)}` },
    { name: 'many blanks', found: 'a      b', address: `a${'\\u{20}'.repeat(6)}b` },
    { name: 'a lone surrogate', found: 'a\ud800', address: 'a\\u{d800}' },
    { name: 'a name of an object', found: '__proto__', address: '__proto__' },
  ])
    test(`also ${name}`, () => {
      const change = readChange(plan([resource(['delete'], { address: found })]))
      expect(change.resources[0]?.address).toBe(address)
      expect(declaredChangeSchema.safeParse(change).error).toBeUndefined()
    })

  test('also names that are too long, whose ends stay', () => {
    const address = `module.${'x'.repeat(500)}.aws_s3_bucket.the_end`
    const change = readChange(plan([resource(['delete'], { address, type: 't'.repeat(500) })]))
    expect(change.resources[0]?.address).toMatch(/^module\.x+….*the_end$/)
    expect(declaredChangeSchema.safeParse(change).error).toBeUndefined()
  })

  test('also long names of wide characters, cut anywhere', () => {
    for (let n = 150; n < 250; n += 1) {
      const change = readChange(
        plan([resource(['delete'], { address: `${'a'.repeat(n % 7)}${'\u{1f600}'.repeat(n)}` })]),
      )
      expect(declaredChangeSchema.safeParse(change).error).toBeUndefined()
    }
  })

  test('also actions that no version has yet, which count as unknown', () => {
    const change = readChange(plan([resource(['explode']), resource([7]), resource([]), resource(['constructor'])]))
    expect(change.counts).toEqual({ unknown: 4 })
    expect(declaredChangeSchema.safeParse(change).error).toBeUndefined()
  })

  test('also thousands of resources: a delete at the very end is listed first', () => {
    const many = Array.from({ length: 5_000 }, (_, n) => resource(['create'], { address: `aws_s3_bucket.n${n}` }))
    const change = readChange(plan([...many, resource(['delete'], { address: 'aws_s3_bucket.precious' })]))
    expect(change.counts).toEqual({ delete: 1, create: 5_000 })
    expect(change.resources).toHaveLength(CHANGE_LIMITS.resources)
    expect(change.resources[0]).toMatchObject({ action: 'delete', address: 'aws_s3_bucket.precious' })
    expect(declaredChangeSchema.safeParse(change).error).toBeUndefined()
  })

  test('also every action, each in its place', () => {
    const change = readChange(vector('terraform-plan.json'))
    const places = change.resources.map(({ action }) => CHANGE_ACTIONS.indexOf(action))
    expect(places).toEqual(places.toSorted((a, b) => a - b))
  })
})

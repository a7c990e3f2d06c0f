import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { stint } from '../support/cli.ts'

test('actions explain shows class, flags, every reason, resource types and condition keys, without a broker', async () => {
  const { stdout, exitCode } = await stint(['actions', 'explain', 'LAMBDA:createfunction'])
  expect(exitCode).toBe(0)
  expect(stdout).toMatch(/^Action: +lambda:CreateFunction$/m)
  expect(stdout).toMatch(/^Class: +escalation$/m)
  expect(stdout).toMatch(/^Flags: +outlives$/m)
  expect(stdout).toMatch(/^Why: +write \(aws\): /m)
  expect(stdout).toMatch(/^ +\+outlives \(model\): .*\(Role\)$/m)
  expect(stdout).toMatch(/^ +escalation \+outlives \(overlay\): /m)
  expect(stdout).toMatch(/^Resources: +function: arn:\$\{Partition\}:lambda:/m)
  expect(stdout).toMatch(/^On "\*": +if the operator allows it/m)
  expect(stdout).toMatch(/^Condition keys: +aws:ResourceTag\/$/m)
})

test('actions explain lists what wildcards stand for, and several actions, in one table', async () => {
  const { stdout } = await stint(['actions', 'explain', 's3:Put*Acl', 'sqs:DeleteMessage'])
  const [heading, ...lines] = stdout.trimEnd().split('\n')
  expect(heading).toBe('ACTION\tCLASS\tFLAGS\tWHY')
  expect(lines.map((line) => line.split('\t').slice(0, 2))).toEqual([
    ['s3:PutBucketAcl', 'permissions'],
    ['s3:PutObjectAcl', 'permissions'],
    ['s3:PutObjectVersionAcl', 'permissions'],
    ['sqs:DeleteMessage', 'write'],
  ])
})

test('actions explain -o json has a stable shape, also for one action', async () => {
  const { stdout } = await stint(['actions', 'explain', 'ec2:DescribeRegions', '-o', 'json'])
  expect(JSON.parse(stdout)).toEqual({
    tableVersion: expect.stringMatching(/\+[0-9a-f]{8}$/),
    actions: [
      {
        action: 'ec2:DescribeRegions',
        class: 'list',
        flags: [],
        why: expect.any(String),
        reasons: [{ source: 'aws', class: 'list', flags: [], reason: expect.any(String) }],
        resourceTypes: [],
        needsResource: false,
        conditionKeys: ['aws:RequestedRegion'],
      },
    ],
  })
})

test('actions explain says what an unknown action may have meant', async () => {
  const { stderr, exitCode } = await stint(['actions', 'explain', 's3:HeadObject'])
  expect(stderr).toContain('ACTION_UNKNOWN')
  expect(stderr).toContain('s3:GetObject')
  expect(exitCode).not.toBe(0)
})

test('actions explain --overrides gives the operator the last word, and checks the file', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'stint-actions-'))
  const file = join(folder, 'actions.yaml')
  const row = (action: string) =>
    `overrides: [{ action: '${action}', class: write, reason: 'dev machines stop at night' }]\n`
  try {
    writeFileSync(file, row('ec2:StopInstances'))
    const good = await stint(['actions', 'explain', 'ec2:StopInstances', '--overrides', file])
    expect(good.stdout).toMatch(/^Class: +write$/m)
    expect(good.stdout).toMatch(/^ +write \(override\): dev machines stop at night$/m)

    writeFileSync(file, row('iam:PassRole'))
    const bad = await stint(['actions', 'explain', 'ec2:StopInstances', '--overrides', file])
    expect(bad.stderr).toMatch(
      /actions\.yaml:1:\d+: overrides\.0\.class cannot lower iam:PassRole, which is escalation/,
    )
    expect(bad.exitCode).not.toBe(0)
  } finally {
    rmSync(folder, { recursive: true })
  }
})

import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { generateActionTable } from '../../src/aws/action-table/generate.ts'
import { actionsOfService, knownServices } from '../../src/aws/action-table.ts'
import { ACTION_TABLE_VERSION, classify, expandActions, findAction } from '../../src/aws/classify.ts'
import { ACTION_OVERLAY } from '../../src/aws/judging/action-overlay.ts'
import { isDestructive, judgeName, looksOnly, managesPermissions } from '../../src/aws/judging/action-verbs.ts'
import cases from '../vectors/aws/action-classes.json' with { type: 'json' }

test('the committed action table is what the installed data generates', async () => {
  const committed = readFileSync(new URL('../../src/aws/action-table/table.generated.json', import.meta.url), 'utf8')
  expect(await generateActionTable()).toBe(committed)
})

describe('classes', () => {
  for (const { action, class: expected, flags, source } of cases)
    test(`${action} is ${expected}${flags ? ` (${flags.join(', ')})` : ''}: ${source}`, () => {
      const found = classify(action)
      expect(found.class).toBe(expected)
      if (flags) expect(found.flags).toEqual(expect.arrayContaining(flags))
      expect(found.flags.includes('outlives')).toBe(found.outlivesReason !== undefined)
    })

  test('every action of the table has one, and composite access levels are not lost', () => {
    const counts: Record<string, number> = {}
    for (const service of knownServices()) {
      for (const { action, level } of actionsOfService(service)?.values() ?? []) {
        const { class: found } = classify(action)
        counts[found] = (counts[found] ?? 0) + 1
        if (level === 'permissions' && !looksOnly(action.split(':')[1] ?? '')) {
          expect(['permissions', 'escalation'], action).toContain(found)
        }
      }
    }
    expect(counts.permissions).toBeGreaterThan(425) // 425 actions carry "Permissions management, Write" in the data
    expect(counts.tag).toBeGreaterThan(650) // 719 carry "Tagging, Write"
    expect(Object.values(counts).reduce((sum, count) => sum + count, 0)).toBeGreaterThan(22_000)
  })

  test('a delete by name is never below destructive, whatever the service', () => {
    for (const service of knownServices()) {
      for (const { action, level } of actionsOfService(service)?.values() ?? []) {
        // A message is acknowledged by deleting it, and an interactive session is ended by terminating it.
        if (/^sqs:DeleteMessage$|:TerminateSession$/.test(action)) continue
        if (level === 'write' && /:(Batch)?(Delete|Terminate|Purge)[A-Z]/.test(action)) {
          expect(['destructive', 'permissions', 'escalation'], action).toContain(classify(action).class)
        }
      }
    }
  })
})

describe('the overlay', () => {
  test('names actions of the table only, each row with a reason and an effect', () => {
    const named = new Set<string>()
    for (const row of ACTION_OVERLAY) {
      for (const action of row.actions.split(' ')) for (const each of expandActions(action)) named.add(each)
      expect(row.reason.length, row.actions).toBeGreaterThan(10)
      expect(row.class ?? row.level ?? row.flags ?? row.outlives ?? row.reviewed, row.actions).toBeDefined()
    }
    expect(ACTION_OVERLAY.length).toBeGreaterThanOrEqual(150)
    expect(named.size).toBeGreaterThan(500)
  })

  test('is part of the version', () => expect(ACTION_TABLE_VERSION).toMatch(/^\d+\.\d+\.\d+\+[0-9a-f]{8}$/))
})

describe('verbs', () => {
  for (const name of [
    'TerminateInstances',
    'BatchDeleteImage',
    'PurgeQueue',
    'ScheduleKeyDeletion',
    'ESHttpDelete',
    'AdminDisableUser',
    'PartiQLDelete',
    'StopTask',
    'PartiQLDropTable',
    'StopContinuousExport',
    'CancelFHIRExportJobWithDelete',
    'StopInferenceExperiment',
  ])
    test(`${name} is destructive`, () => expect(isDestructive(name)).toBe(true))
  for (const name of [
    'PutObject',
    'CreateStopwatch',
    'UpdateDeletedItems',
    'StartInstances',
    'Undelete',
    'CreateReleaseLabel',
    'CancelKeyDeletion',
    'AbortMultipartUpload',
    'StopQueryExecution',
    'CancelStatement',
    'RejectAttachment',
  ])
    test(`${name} is not`, () => expect(isDestructive(name)).toBe(false))
  for (const name of ['PutResourcePolicy', 'AddPermission', 'DeleteResourcePolicy', 'CreateGrant'])
    test(`${name} manages permissions`, () => expect(managesPermissions(name)).toBe(true))
})

describe('other names', () => {
  for (const [name, expected] of [
    ['PurchaseReservedInstancesOffering', 'destructive'],
    ['ConfirmPurchaseSession', 'destructive'],
    ['CreateProjectMembership', 'permissions'],
    ['EnableOrganizationAdminAccount', 'permissions'],
    ['BatchCreateUser', 'permissions'],
  ] as const)
    test(`${name} is ${expected}`, () => expect(judgeName(name).at(-1)?.class).toBe(expected))
  for (const name of ['UpdatePurchaseOrders', 'RegisterTransitGatewayMulticastGroupMembers', 'CreateUserPool'])
    test(`${name} says nothing`, () => expect(judgeName(name)).toEqual([]))
  test('what only looks is no change of permissions', () => {
    expect(looksOnly('GetResourcePolicy')).toBe('read')
    expect(looksOnly('ListEntities')).toBe('list')
    expect(looksOnly('Getaway')).toBeUndefined()
    expect(looksOnly('PutResourcePolicy')).toBeUndefined()
  })
})

describe('action patterns', () => {
  test('expand to canonical spelling in any case', () => {
    expect(expandActions('S3:getobject')).toEqual(['s3:GetObject'])
    expect(expandActions('s3:GetObjectTagg?ng')).toEqual(['s3:GetObjectTagging'])
    expect(expandActions('s3:getobject*')).toContain('s3:GetObjectVersion')
    expect(expandActions('s3:*').length).toBeGreaterThan(150)
    expect(findAction('IAM:PASSROLE').action).toBe('iam:PassRole')
  })
  for (const input of [
    '',
    '*',
    '*:*',
    's3',
    's3:',
    's*:GetObject',
    's3:GetObjekt',
    's3:Zz*',
    'nope:Get',
    's3:Get Object',
    's3:GetObject\n',
    `s3:${'*a'.repeat(500)}`,
    'constructor:x',
    's3:__proto__',
    's3:GetObject:x',
  ])
    test(`are refused: ${JSON.stringify(input.slice(0, 40))}`, () => {
      expect(() => expandActions(input)).toThrow(expect.objectContaining({ code: 'ACTION_UNKNOWN' }))
    })
})

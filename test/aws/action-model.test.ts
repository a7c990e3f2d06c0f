import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { generateActionModel } from '../../src/aws/judging/model/generate.ts'

/** The shape of botocore's `data/<service>/<version>/service-2.json`, with calls that the real table knows. */
const MODEL = {
  metadata: { endpointPrefix: 'glue' },
  operations: {
    GetConnection: { output: { shape: 'Connection' } },
    GetJob: { output: { shape: 'Paged' } },
    CreateJob: { input: { shape: 'Job' }, output: { shape: 'Paged' } },
    GetJobRun: { input: { shape: 'Job' } },
    GetTable: { output: { shape: 'Credentials' } },
    UpdateJob: { input: { shape: 'Reset' } },
    InventNothing: { output: { shape: 'Connection' } },
  },
  shapes: {
    Text: { type: 'string' },
    Hidden: { type: 'string', sensitive: true },
    Flag: { type: 'boolean' },
    Connection: { type: 'structure', members: { Properties: { shape: 'Properties' }, Again: { shape: 'Connection' } } },
    Properties: { type: 'list', member: { shape: 'Login' } },
    Login: { type: 'structure', members: { Password: { shape: 'Hidden' }, SecretArn: { shape: 'Hidden' } } },
    Paged: { type: 'structure', members: { NextToken: { shape: 'Hidden' }, Name: { shape: 'Hidden' } } },
    Job: { type: 'structure', members: { Name: { shape: 'Text' }, RoleArn: { shape: 'Text' } } },
    Credentials: {
      type: 'structure',
      members: { SecretAccessKey: { shape: 'Text' }, SessionToken: { shape: 'Text' } },
    },
    Reset: {
      type: 'structure',
      members: { PubliclyAccessible: { shape: 'Flag' }, MasterUserPassword: { shape: 'Text' } },
    },
  },
}

let folder: string
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'stint-model-'))
  for (const version of ['2016-01-01', '2017-03-31']) {
    mkdirSync(join(folder, 'glue', version), { recursive: true })
    const model = version === '2017-03-31' ? MODEL : { ...MODEL, operations: {} }
    writeFileSync(join(folder, 'glue', version, 'service-2.json'), JSON.stringify(model))
  }
  writeFileSync(join(folder, 'partitions.json'), '{}')
})
afterAll(() => rmSync(folder, { recursive: true }))

describe('facts of a service model', () => {
  const facts = () =>
    JSON.parse(generateActionModel(folder, '1.2.3')) as { source: string; services: { glue: string[] } }

  test('come from the newest version, and say from where', () => {
    expect(facts().source).toBe('botocore 1.2.3')
    expect(facts().services.glue.length).toBeGreaterThan(0)
  })

  test('name secrets by member and mark, credentials, roles, what opens, and what resets a password; nothing else', () => {
    expect(facts().services.glue).toEqual([
      'CreateJob role RoleArn',
      'GetConnection secret Properties.Password',
      'GetTable credentials SessionToken',
      'UpdateJob admin-password MasterUserPassword',
      'UpdateJob public PubliclyAccessible',
    ])
  })
})

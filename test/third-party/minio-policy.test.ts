import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'
import { actionsOfService } from '../../src/aws/action-table.ts'
import { MAX_SESSION_POLICY_CHARACTERS, withLeaseEnd } from '../../src/aws/session-policy.ts'
import { PROFILES } from '../../src/aws/store-profile.ts'
import { NO_LABELS } from '../../src/plan/labels/labels.ts'
import { createPlanner } from '../../src/plan/planner.ts'
import { describeWithService } from './service.ts'

interface Answer {
  readonly error?: string
  readonly rendered?: string
  readonly allowed?: readonly boolean[]
}

interface Ask {
  readonly action: string
  readonly bucket: string
  readonly object?: string
  readonly at: string
  /** Asked as MinIO asks about actions on one's own account (its DenyOnly): they are allowed unless denied. */
  readonly own?: boolean
}

const ROLE = 'arn:aws:iam:::role/minio'
const MINIO = PROFILES.minio
const END = new Date('2026-11-27T21:00:00Z')
const BEFORE = '2026-11-27T20:59:59Z'
const AFTER = '2026-11-27T21:00:00Z'

const planner = createPlanner({
  labels: NO_LABELS,
  roles: new Map([[ROLE, { allowWildcard: true }]]),
  limits: { minTtlSeconds: 60, maxTtlSeconds: 3_600 },
  profile: MINIO,
})

const plan = (actions: readonly string[], resources: readonly string[]) =>
  planner.plan('spiffe://example.org/agents/reader', {
    purpose: 'to try what MinIO makes of it',
    roleArn: ROLE,
    access: [{ actions, resources }],
    ttlSeconds: 600,
  })

const leased = (policy: string) => withLeaseEnd(policy, END, MINIO.policy.leaseEnd)

/** MinIO's library says which policies it takes, how long it finds them, and what they allow when. */
describeWithService(
  "MinIO's policy library",
  ['STINT_MINIO_POLICY'],
  'test/third-party/minio-policy.sh',
  (settings) => {
    function judge(questions: readonly { readonly policy: string; readonly asks?: readonly Ask[] }[]): Answer[] {
      const input = questions.map((question) => `${JSON.stringify({ asks: [], ...question })}\n`).join('')
      const { stdout, status } = spawnSync(settings.STINT_MINIO_POLICY, { input, encoding: 'utf8', timeout: 60_000 })
      expect(status).toBe(0)
      return stdout
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Answer)
    }

    test('knows exactly the actions that the profile lists, of those that AWS has', () => {
      const actions = [...(actionsOfService('s3') ?? new Map()).values()].map(({ action }) => action as string)
      const answers = judge(
        actions.map((Action) => ({
          policy: JSON.stringify({
            Version: '2012-10-17',
            Statement: [{ Effect: 'Allow', Action, Resource: 'arn:aws:s3:::b/*' }],
          }),
        })),
      )
      const known = actions.filter((_, at) => answers[at]?.error === undefined)
      expect(known.sort()).toEqual([...(MINIO.policy.actions ?? [])].sort())
    })

    test('refuses a lease end that names every action, which is why the profile has another', () => {
      const [aws, minio] = judge([
        { policy: withLeaseEnd(plan(['s3:GetObject'], ['arn:aws:s3:::b/*']).sessionPolicy, END) },
        { policy: leased(plan(['s3:GetObject'], ['arn:aws:s3:::b/*']).sessionPolicy) },
      ])
      expect(aws?.error).toMatch(/aws:CurrentTime/)
      expect(minio?.error).toBeUndefined()
    })

    test('allows what the plan says until the end of the lease, to the second, and nothing else', () => {
      const policy = leased(
        plan(['s3:GetObject', 's3:ListBucket'], ['arn:aws:s3:::b', 'arn:aws:s3:::b/a/*']).sessionPolicy,
      )
      const asks: (Ask & { readonly allowed: boolean })[] = [
        { action: 's3:GetObject', bucket: 'b', object: 'a/x', at: BEFORE, allowed: true },
        { action: 's3:ListBucket', bucket: 'b', at: BEFORE, allowed: true },
        { action: 's3:GetObject', bucket: 'b', object: 'c', at: BEFORE, allowed: false },
        { action: 's3:GetObject', bucket: 'other', object: 'a/x', at: BEFORE, allowed: false },
        { action: 's3:PutObject', bucket: 'b', object: 'a/x', at: BEFORE, allowed: false },
        { action: 'admin:ServerInfo', bucket: '', at: BEFORE, allowed: false },
        { action: 's3:GetObject', bucket: 'b', object: 'a/x', at: AFTER, allowed: false },
        { action: 's3:ListBucket', bucket: 'b', at: AFTER, allowed: false },
        { action: 's3:GetObject', bucket: 'b', object: 'a/x', at: '2027-01-01T00:00:00Z', allowed: false },
      ]
      expect(judge([{ policy, asks }])[0]?.allowed).toEqual(asks.map(({ allowed }) => allowed))
    })

    // CVE-2025-62506 (GHSA-jjjj-jwhf-8rgr)
    test('lets no session make a service account of its user, which would outlive it without a session policy', () => {
      const policy = leased(plan(['s3:GetObject'], ['arn:aws:s3:::b/*']).sessionPolicy)
      const actions = ['CreateServiceAccount', 'UpdateServiceAccount', 'ListServiceAccounts', 'CreateUser']
      const asks = actions.map((name) => ({ action: `admin:${name}`, bucket: '', at: BEFORE, own: true }))
      expect(judge([{ policy, asks }])[0]?.allowed).toEqual(asks.map(() => false))
    })

    test('takes every plan, and finds it no longer than the plan says', () => {
      const wildcards = ['s3:*', 's3:Get*', 's3:Put*', 's3:List*', 's3:Delete*', 's3:ReplicateObject']
      const resources = ['arn:aws:s3:::b', 'arn:aws:s3:::b/*', 'arn:aws:s3:::b/a&b/<c>/*', 'arn:aws:s3:::ü/*', '*']
      const plans = wildcards.flatMap((action) =>
        resources.flatMap((resource) => {
          try {
            return [plan([action], [resource])]
          } catch {
            return [] // no such pair
          }
        }),
      )
      expect(plans.length).toBeGreaterThan(10)
      for (const [at, { error, rendered = '' }] of judge(
        plans.map(({ sessionPolicy }) => ({ policy: leased(sessionPolicy) })),
      ).entries()) {
        expect(error).toBeUndefined()
        expect(Buffer.byteLength(rendered)).toBeLessThanOrEqual(plans[at]?.sessionPolicyCharacters ?? 0)
        expect(plans[at]?.sessionPolicyCharacters).toBeLessThanOrEqual(MAX_SESSION_POLICY_CHARACTERS)
      }
    })
  },
)

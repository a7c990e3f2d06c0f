import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { notedSessions } from '../support/noted-sessions.ts'
import { type AwsHarness, BOUNDARY_POLICY, BOUNDARY_ROLE, INLINE_ROLE, PLAIN_ROLE, startAws } from './harness.ts'

const FURTHER_POLICY = 'arn:aws:iam::123456789012:policy/stint-deny-2'
const never = new AbortController().signal
let aws: AwsHarness
beforeEach(async () => {
  aws = await startAws()
})
afterEach(() => aws.close())

test('doctor hears who we are for STS, and how far its clock is', async () => {
  aws.server.script('GetCallerIdentity', { kind: 'date', skewMs: 90_000 })
  expect(await aws.provider.probes.identity(never)).toMatchObject({
    ok: true,
    details: { account: '123456789012', arn: 'arn:aws:iam::123456789012:user/broker', skewMs: 90_000 },
  })
})

test('doctor hears by a code that STS cannot be reached or does not know us', async () => {
  const unreachable = aws.with({ stsEndpoint: 'http://127.0.0.1:1' })
  expect(await unreachable.probes.identity(never)).toMatchObject({ ok: false, code: 'PROVIDER_UNAVAILABLE' })
  aws.server.script('GetCallerIdentity', { kind: 'error', status: 403, code: 'InvalidClientTokenId' })
  expect(await aws.provider.probes.identity(never)).toMatchObject({
    ok: false,
    details: { fault: 'broker_credentials', explanation: expect.any(String) },
  })
})

test('the trust probe sends all that a lease sends, may do nothing, and hands nothing out', async () => {
  const { start, noted } = notedSessions(aws.provider, aws.clock)
  const result = await aws.provider.probes.trust(BOUNDARY_ROLE, start, never)
  expect(result.ok).toBe(true)
  const [session] = aws.server.sessions
  expect(JSON.parse(session?.policy ?? '').Statement[0]).toEqual({ Effect: 'Deny', Action: '*', Resource: '*' })
  expect(Object.keys(session?.tags ?? {}).sort()).toEqual(['stint:agent', 'stint:grant', 'stint:owner', 'stint:team'])
  expect(JSON.stringify(result)).not.toContain('canary')
  expect(JSON.stringify(result)).not.toContain(session?.accessKeyId)
  // On record by its name before there was anything, and by its key afterwards.
  expect(noted.slice(0, 2)).toMatchObject([
    { sessionName: session?.sessionName },
    { outcome: { to: 'issued', accessKeyId: session?.accessKeyId } },
  ])
  expect(noted[0]).not.toHaveProperty('outcome')
  expect(JSON.stringify(noted)).not.toContain('canary')
})

describe('the trust probe of a role with an external id', () => {
  for (const { name, asks } of [
    { name: 'says nothing of one that asks for it', asks: true },
    { name: 'tells of one that takes a session without it', asks: false },
  ])
    test(name, async () => {
      aws.server.whenever(({ action, parameters }) =>
        asks && action === 'AssumeRole' && !parameters.ExternalId
          ? { kind: 'error', status: 403, code: 'AccessDenied' }
          : undefined,
      )
      const { start, noted } = notedSessions(aws.provider, aws.clock)
      const { ok, details } = await aws.provider.probes.trust(BOUNDARY_ROLE, start, never)
      expect(ok).toBe(true)
      expect(details.idNotRequired).toBe(asks ? undefined : true)
      // Both are on record, and whichever there is may do nothing.
      expect(new Set(noted.map(({ sessionName }) => sessionName)).size).toBe(2)
      for (const { policy } of aws.server.sessions) expect(policy).toContain('"Effect":"Deny"')
      for (const { policy } of aws.server.sessions) expect(policy).not.toContain('"Effect":"Allow"')
    })

  test('tries nothing else for a role that has none', async () => {
    const { details } = await aws.provider.probes.trust(PLAIN_ROLE, notedSessions(aws.provider, aws.clock).start, never)
    expect(details).not.toHaveProperty('idNotRequired')
    expect(aws.server.calls('AssumeRole')).toHaveLength(1)
  })
})

test('the trust probe names the right that is missing', async () => {
  const message = 'x is not authorized to perform: sts:SetSourceIdentity on resource: y'
  aws.server.script('AssumeRole', { kind: 'error', status: 403, code: 'AccessDenied', message })
  expect(
    await aws.provider.probes.trust(BOUNDARY_ROLE, notedSessions(aws.provider, aws.clock).start, never),
  ).toMatchObject({
    ok: false,
    code: 'PROVIDER_REFUSED',
    details: { deniedAction: 'sts:SetSourceIdentity' },
  })
})

for (const { name, attached, finding } of [
  {
    name: 'attached to all roles of the list',
    attached: ['another', 'reader', 'writer'],
    finding: { ok: true, details: { furtherDocuments: 1 } },
  },
  {
    name: 'missing at one of them',
    attached: ['another', 'reader'],
    finding: { ok: false, code: 'PROVIDER_REFUSED', details: { explanation: expect.stringContaining(INLINE_ROLE) } },
  },
  {
    name: 'attached to no role',
    attached: [],
    finding: { ok: false, code: 'PROVIDER_REFUSED', details: { document: `attached:${FURTHER_POLICY}` } },
  },
])
  test(`the revocation probe looks whether a further policy is ${name}`, async () => {
    const revocation = { kind: 'boundary', policyArn: BOUNDARY_POLICY, furtherPolicyArns: [FURTHER_POLICY] } as const
    const { probes } = aws.with({ roles: [BOUNDARY_ROLE, INLINE_ROLE].map((arn) => ({ arn, revocation })) })
    aws.server.addManagedPolicy(FURTHER_POLICY)
    aws.server.attachedTo.set(FURTHER_POLICY, attached)
    expect(await probes.revocation(BOUNDARY_ROLE, never)).toMatchObject(finding)
  })

test('the revocation probe reads the document that carries the deny list', async () => {
  expect(await aws.provider.probes.revocation(BOUNDARY_ROLE, never)).toMatchObject({
    ok: true,
    details: { placement: 'boundary', versions: 1, boundaryOf: 1 },
  })
  expect(await aws.provider.probes.revocation(INLINE_ROLE, never)).toMatchObject({
    ok: true,
    details: { placement: 'inline' },
  })
  expect(await aws.provider.probes.revocation(PLAIN_ROLE, never)).toMatchObject({
    ok: true,
    details: { placement: 'none' },
  })
})

for (const [name, from, to] of [
  ['no role has as its boundary', 'UsageCount>1<', 'UsageCount>0<'],
  ['is attached as a permissions policy', 'AttachmentCount>0<', 'AttachmentCount>2<'],
] as const) {
  test(`the revocation probe warns of a boundary policy that ${name}`, async () => {
    aws.server.script('GetPolicy', { kind: 'edit', edit: (xml) => xml.replace(from, to) })
    expect(await aws.provider.probes.revocation(BOUNDARY_ROLE, never)).toMatchObject({
      ok: false,
      code: 'PROVIDER_REFUSED',
    })
  })
}

test('the revocation probe says that the document cannot be read', async () => {
  aws.server.script('ListPolicyVersions', { kind: 'error', status: 403, code: 'AccessDenied' })
  expect(await aws.provider.probes.revocation(BOUNDARY_ROLE, never)).toMatchObject({
    ok: false,
    code: 'PROVIDER_REFUSED',
  })
  const arn = 'arn:aws:iam::123456789012:role/gone'
  const other = aws.with({ roles: [{ arn, revocation: { kind: 'inline' } }] })
  expect(await other.probes.revocation(arn, never)).toMatchObject({
    ok: false,
    details: { awsCode: expect.stringMatching(/^NoSuchEntity/) },
  })
})

import {
  CreatePolicyCommand,
  CreateRoleCommand,
  GetPolicyVersionCommand,
  GetRolePolicyCommand,
  IAMClient,
  ListPolicyVersionsCommand,
  ListRolePoliciesCommand,
} from '@aws-sdk/client-iam'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { idBody, randomIds } from '../../src/core/ids.ts'
import { createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { mintRequest } from '../credentials/harness.ts'
import { deniesSession } from '../support/deny-evaluator.ts'
import { notedSessions } from '../support/noted-sessions.ts'
import { describeWithService } from './service.ts'

const never = new AbortController().signal
const region = 'eu-west-1'
const account = '123456789012'
const stamp = Date.now()
const policyArn = `arn:aws:iam::${account}:policy/stint-boundary-${stamp}`
const boundaryRole = `arn:aws:iam::${account}:role/stint/boundary-${stamp}`
const inlineRole = `arn:aws:iam::${account}:role/stint/inline-${stamp}`

/** moto has AWS's API shapes and stores what it is sent; it enforces nothing. */
describeWithService('moto', ['STINT_MOTO_ENDPOINT'], 'test/third-party/moto-up.sh', (settings) => {
  const endpoint = settings.STINT_MOTO_ENDPOINT
  const credentials = { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'none' }
  const iam = new IAMClient({ endpoint, region, credentials })
  const provider = createAwsStsProvider({
    region,
    stsEndpoint: endpoint,
    iamEndpoint: endpoint,
    credentials,
    roles: [
      { arn: boundaryRole, revocation: { kind: 'boundary', policyArn } },
      { arn: inlineRole, revocation: { kind: 'inline' } },
    ],
    strictness: 'stand-in',
    clock: systemClock,
  })

  beforeAll(async () => {
    const empty = '{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'
    const trust = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"AWS":"${account}"},"Action":"sts:AssumeRole"}]}`
    await iam.send(new CreatePolicyCommand({ PolicyName: `stint-boundary-${stamp}`, PolicyDocument: empty }))
    for (const [RoleName, boundary] of [
      [`boundary-${stamp}`, { PermissionsBoundary: policyArn }],
      [`inline-${stamp}`, {}],
    ] as const)
      await iam.send(new CreateRoleCommand({ RoleName, Path: '/stint/', AssumeRolePolicyDocument: trust, ...boundary }))
  })
  afterAll(() => {
    provider.close()
    iam.destroy()
  })

  const versions = async () => (await iam.send(new ListPolicyVersionsCommand({ PolicyArn: policyArn }))).Versions ?? []
  const currentDocument = async () => {
    const VersionId = (await versions()).find((version) => version.IsDefaultVersion)?.VersionId
    const { PolicyVersion } = await iam.send(new GetPolicyVersionCommand({ PolicyArn: policyArn, VersionId }))
    return decodeURIComponent(PolicyVersion?.Document ?? '')
  }
  const grant = () => randomIds.next('grt', new Date())

  test('takes the AssumeRole call with every parameter that a lease sends', async () => {
    const request = mintRequest(new Date(), { roleArn: boundaryRole })
    const issued = await provider.mint(request, never)
    expect(issued.sessionExpiresAt.getTime()).toBeGreaterThan(request.lease.notAfter.getTime())
  })

  test('gets one default version a write, and never more than five', async () => {
    for (let n = 0; n < 8; n++) {
      const grants = [grant(), grant()]
      await provider.writeDenyList(`boundary:${policyArn}`, { grants }, never)
      const all = await versions()
      expect(all.length).toBeLessThanOrEqual(5)
      expect(all.filter((version) => version.IsDefaultVersion)).toHaveLength(1)
      const document = await currentDocument()
      for (const id of grants)
        expect(deniesSession(document, { sourceIdentity: idBody(id), userId: 'x:y', issuedAt: new Date() })).toBe(true)
      expect(deniesSession(document, { sourceIdentity: idBody(grant()), userId: 'x:y', issuedAt: new Date() })).toBe(
        false,
      )
    }
    await provider.writeDenyList(`boundary:${policyArn}`, { grants: [] }, never)
    expect(JSON.parse(await currentDocument()).Statement).toHaveLength(1)
  })

  test('gets an inline policy, and loses it when the list is empty', async () => {
    const RoleName = `inline-${stamp}`
    const denied = grant()
    await provider.writeDenyList(`inline:${inlineRole}`, { grants: [denied] }, never)
    const { PolicyDocument = '' } = await iam.send(new GetRolePolicyCommand({ RoleName, PolicyName: 'StintDeny' }))
    const session = { userId: `AROAEXAMPLE:${idBody(denied)}.1`, issuedAt: new Date() }
    expect(deniesSession(decodeURIComponent(PolicyDocument), session)).toBe(true)
    await provider.writeDenyList(`inline:${inlineRole}`, { grants: [] }, never)
    await provider.writeDenyList(`inline:${inlineRole}`, { grants: [] }, never)
    expect((await iam.send(new ListRolePoliciesCommand({ RoleName }))).PolicyNames).toEqual([])
  })

  test('says that a role is gone rather than that its deny list is written', async () => {
    const arn = `arn:aws:iam::${account}:role/gone-${stamp}`
    const other = createAwsStsProvider({
      region,
      iamEndpoint: endpoint,
      credentials,
      roles: [{ arn, revocation: { kind: 'inline' } }],
      clock: systemClock,
    })
    for (const grants of [[grant()], []])
      await expect(other.writeDenyList(`inline:${arn}`, { grants }, never)).rejects.toMatchObject({
        code: 'PROVIDER_REFUSED',
        details: { awsCode: 'NoSuchEntity' },
      })
    other.close()
  })

  test('answers what doctor asks: who we are, and where the boundary stands', async () => {
    expect(await provider.probes.identity(never)).toMatchObject({ ok: true, details: { account } })
    expect(await provider.probes.trust(boundaryRole, notedSessions(provider).start, never)).toMatchObject({ ok: true })
    expect(await provider.probes.revocation(inlineRole, never)).toMatchObject({ ok: true })
  })
})

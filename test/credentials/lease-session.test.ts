import { expect, test } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { agentName } from '../../src/credentials/aws-sts/agent-name.ts'
import { mintRequest, sessionOf } from './harness.ts'

const NOW = new Date('2026-11-21T12:00:00Z')

test('a session says by its names and tags which grant it is under, and for whom', () => {
  const request = mintRequest(NOW)
  const { grant, lease } = request
  expect(sessionOf(request)).toMatchObject({
    roleArn: lease.roleArn,
    sessionName: `${idBody(grant.id)}.${lease.number}.${agentName(grant.subject)}`,
    sourceIdentity: idBody(grant.id),
    tags: {
      'stint:agent': grant.subject,
      'stint:grant': idBody(grant.id),
      'stint:owner': grant.owner,
      'stint:team': grant.team,
    },
  })
})

for (const { who, tag, field } of [
  { who: 'agents', tag: 'stint:agent', field: 'subject' },
  { who: 'owners', tag: 'stint:owner', field: 'owner' },
  { who: 'teams', tag: 'stint:team', field: 'team' },
] as const) {
  test(`no two ${who} share a session tag, whatever characters their names have`, () => {
    const values = ['oidc:user%john', 'oidc:user;john', 'oidc:user_john']
    const tags = values.map((value) => sessionOf(mintRequest(NOW, { grant: { [field]: value } })).tags[tag])
    expect(new Set(tags).size).toBe(values.length)
  })
}

test('the session policy is the one of the plan and a Deny of everything from the end of the lease on', () => {
  const request = mintRequest(NOW, { notAfter: new Date('2026-11-21T12:04:59.900Z') })
  const { Statement } = JSON.parse(sessionOf(request).sessionPolicy)
  expect(Statement).toEqual([
    ...JSON.parse(request.plan.sessionPolicy).Statement,
    {
      Effect: 'Deny',
      Action: '*',
      Resource: '*',
      Condition: { DateGreaterThanEquals: { 'aws:CurrentTime': '2026-11-21T12:04:59Z' } },
    },
  ])
})

for (const [name, sessionPolicy] of [
  ['none', ''],
  ['one that allows nothing', '{"Version":"2012-10-17","Statement":[]}'],
  ['one with something after its statements', '{"Version":"2012-10-17","Statement":[{"Effect":"Allow"}],"Id":"x"}'],
] as const) {
  test(`a plan whose session policy is ${name} is refused, and certainly not minted`, () => {
    expect(() => sessionOf(mintRequest(NOW, { sessionPolicy }))).toThrow(
      expect.objectContaining({
        code: 'PROVIDER_REFUSED',
        details: expect.objectContaining({ field: 'Policy', outcome: 'not_minted' }),
      }),
    )
  })
}

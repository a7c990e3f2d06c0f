import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { idBody } from '../../src/core/ids.ts'
import { boundaryDocument } from '../../src/credentials/aws-sts/deny/deny-document.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { type PracticeCloud, startPracticeCloud } from '../../src/practice/cloud.ts'
import { caller, OSCAR, openHarness, task, WRITE } from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'

const ACCOUNT = '111111111111'
const ROLE = `arn:aws:iam::${ACCOUNT}:role/stint/deployer`
const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/stint-boundary`
const OBJECT = 'arn:aws:s3:::data/a'
/** More than a boundary has places for. */
const COMPLETIONS = 220

let cloud: PracticeCloud
let h: Awaited<ReturnType<typeof openHarness<AwsStsProvider>>>
beforeEach(async () => {
  // From the time of now, which the server says in each answer.
  const clock = new ManualClock(new Date().toISOString())
  cloud = await startPracticeCloud({ clock, signatureClock: systemClock, accountId: ACCOUNT, propagationDelayMs: 0 })
  const broker = cloud.addPrincipal({ arn: `arn:aws:iam::${ACCOUNT}:user/broker`, policies: [policy('*')] })
  cloud.createPolicy({ arn: BOUNDARY, document: boundaryDocument({ grants: [] }) })
  cloud.createRole({
    arn: ROLE,
    trustPolicy: JSON.stringify({
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Principal: { AWS: `arn:aws:iam::${ACCOUNT}:user/broker` },
          Action: ['sts:AssumeRole', 'sts:SetSourceIdentity', 'sts:TagSession'],
        },
      ],
    }),
    permissionsBoundary: BOUNDARY,
    policies: { Work: policy('s3:*') },
  })
  const provider = createAwsStsProvider({
    region: cloud.region,
    stsEndpoint: cloud.endpoint,
    iamEndpoint: cloud.endpoint,
    credentials: broker,
    roles: [{ arn: ROLE, revocation: { kind: 'boundary', policyArn: BOUNDARY } }],
    clock,
  })
  h = await openHarness({ clock, provider, roles: [ROLE] })
  Object.assign(h.parts.quotas, { openGrantsPerAgent: 1_000 })
})
afterEach(async () => {
  await h.close()
  h.remove()
  h.provider.close()
  await cloud.close()
})

function policy(Action: string): string {
  return JSON.stringify({ Version: '2012-10-17', Statement: [{ Effect: 'Allow', Action, Resource: '*' }] })
}

const agentOf = (name: string) => caller({ subject: `spiffe://example.org/${name}` })
const grantOf = async (name: string, key: string) =>
  (await h.request(key, task(WRITE, { roleArn: ROLE }), agentOf(name))).grant.id

/** Whether the newest session of a grant may do what its plan allows. */
function works(grantId: string): boolean | undefined {
  const session = cloud.sessions().findLast(({ sessionName }) => sessionName.startsWith(`${idBody(grantId)}.`))
  return session && cloud.allows(session, 's3:PutObject', OBJECT).allowed
}

test('an agent that completes more grants than the boundary has places cuts its own older sessions and nobody else’s', async () => {
  const own = await grantOf('busy', 'key-of-own')
  const others = [await grantOf('quiet', 'key-quiet-1'), await grantOf('quiet', 'key-quiet-2')]
  expect([own, ...others].map(works)).toEqual([true, true, true])
  const completed: string[] = []
  for (let n = 0; n < COMPLETIONS; n += 1) {
    await h.clock.advance(50)
    const id = await grantOf('busy', `key-completed-${n}`)
    await h.grants.completeGrant(agentOf('busy'), id, '')
    completed.push(id)
  }
  await h.sweeper.reconcile()
  expect(new Set(completed.map(works))).toEqual(new Set([false]))
  expect(others.map(works)).toEqual([true, true])
  expect(works(own)).toBe(false)
  expect(await h.grants.getGrant(agentOf('busy'), own)).toHaveProperty('renewAfter')
  await h.clock.advance(2_000)
  await h.grants.renewLease(agentOf('busy'), own, h.signal)
  expect(works(own)).toBe(true)

  // Operators find a place, whatever agents fill.
  await h.operators.revokeGrant(OSCAR, others[0] ?? '', 'to test')
  await h.sweeper.reconcile()
  expect([...others, own].map(works)).toEqual([false, true, true])
  expect(h.problems).toEqual([])
})

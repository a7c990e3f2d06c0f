import { afterEach, beforeEach, expect, test } from 'vitest'
import { systemClock } from '../../src/core/clock.ts'
import { idBody } from '../../src/core/ids.ts'
import { attachedDocument, boundaryDocument } from '../../src/credentials/aws-sts/deny/deny-document.ts'
import { type AwsStsProvider, createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import { type PracticeCloud, startPracticeCloud } from '../../src/practice/cloud.ts'
import { caller, openHarness, task, WRITE } from '../support/grant-harness.ts'
import { ManualClock } from '../support/manual-clock.ts'

const ACCOUNT = '111111111111'
const ROLE = `arn:aws:iam::${ACCOUNT}:role/stint/deployer`
const BOUNDARY = `arn:aws:iam::${ACCOUNT}:policy/stint-boundary`
const OBJECT = 'arn:aws:s3:::data/a'
const FURTHER = `arn:aws:iam::${ACCOUNT}:policy/stint-deny-2`
/** More than a boundary has places for, and fewer than two documents have. */
const COMPLETIONS = 220

let cloud: PracticeCloud
let h: Awaited<ReturnType<typeof openHarness<AwsStsProvider>>>
beforeEach(async () => {
  // From the time of now, which the server says in each answer.
  const clock = new ManualClock(new Date().toISOString())
  cloud = await startPracticeCloud({ clock, signatureClock: systemClock, accountId: ACCOUNT, propagationDelayMs: 0 })
  const broker = cloud.addPrincipal({ arn: `arn:aws:iam::${ACCOUNT}:user/broker`, policies: [policy('*')] })
  cloud.createPolicy({ arn: BOUNDARY, document: boundaryDocument({ grants: [] }) })
  cloud.createPolicy({ arn: FURTHER, document: attachedDocument({ grants: [] }) })
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
    attachedPolicies: [FURTHER],
    policies: { Work: policy('s3:*') },
  })
  const provider = createAwsStsProvider({
    region: cloud.region,
    stsEndpoint: cloud.endpoint,
    iamEndpoint: cloud.endpoint,
    credentials: broker,
    roles: [{ arn: ROLE, revocation: { kind: 'boundary', policyArn: BOUNDARY, furtherPolicyArns: [FURTHER] } }],
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

test('a further policy that is attached to the role denies by name what the boundary has no room for', async () => {
  const own = await grantOf('busy', 'key-of-own')
  const completed: string[] = []
  for (let n = 0; n < COMPLETIONS; n += 1) {
    await h.clock.advance(50)
    const id = await grantOf('busy', `key-completed-${n}`)
    await h.grants.completeGrant(agentOf('busy'), id, '')
    completed.push(id)
  }
  await h.sweeper.reconcile()
  expect(new Set(completed.map(works))).toEqual(new Set([false]))
  // No watermark: its own session of before goes on.
  expect(works(own)).toBe(true)
  expect(await h.ledger.getDenyList(`boundary:${BOUNDARY}`)).toMatchObject({
    documents: [{ attempts: 0 }, { key: `attached:${FURTHER}`, attempts: 0 }],
  })

  const named = async (key: string) => {
    const { denies } = await h.provider.readDenyList(key, h.signal)
    return completed.filter((id) => denies?.names(id))
  }
  const [first, rest] = [await named(`boundary:${BOUNDARY}`), await named(`attached:${FURTHER}`)]
  expect(first.length).toBeGreaterThan(150)
  expect([...first, ...rest].sort()).toEqual(completed.toSorted())
  expect(h.problems).toEqual([])
})

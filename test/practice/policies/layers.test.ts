import { GetObjectCommand } from '@aws-sdk/client-s3'
import { afterEach, expect, test } from 'vitest'
import type { PracticeCloud } from '../../../src/practice/cloud.ts'
import { ACCOUNT, assume, BROKER, clientsOf, outcome, policy, startStage, TRUST } from '../stage.ts'

let cloud: PracticeCloud | undefined
afterEach(() => cloud?.close())

async function stage(options: Parameters<typeof startStage>[0] = {}) {
  const made = await startStage(options)
  cloud = made.cloud
  return made
}

const GET = { Action: 's3:GetObject', Resource: 'arn:aws:s3:::invoices/in/*' }
const DENY_LISTED = { Effect: 'Deny', Condition: { StringEquals: { 'aws:SourceIdentity': ['other', 'grant-1'] } } }

/**
 * `because` ends AWS's own sentence (IAM User Guide, "Troubleshoot access denied error messages"). The session has source identity grant-1, session
 * name g-1 and the tag team=data, and reads arn:aws:s3:::invoices/in/1.txt.
 */
const layers: { name: string; identity?: object; boundary?: object; session?: object; because: string }[] = [
  { name: 'identity alone', because: '' },
  { name: 'identity and session agree', session: policy(GET), because: '' },
  {
    name: 'the session policy allows another prefix',
    session: policy({ ...GET, Resource: 'arn:aws:s3:::invoices/out/*' }),
    because: 'because no session policy allows the s3:GetObject action',
  },
  {
    name: 'the session policy allows what identity does not',
    identity: policy({ Action: 's3:ListBucket' }),
    session: policy(GET),
    because: 'because no identity-based policy allows the s3:GetObject action',
  },
  {
    name: 'the boundary allows another action',
    boundary: policy({ Action: 's3:PutObject' }),
    session: policy(GET),
    because: 'because no permissions boundary allows the s3:GetObject action',
  },
  { name: 'all three agree', boundary: policy({}), session: policy(GET), because: '' },
  {
    name: 'a deny in identity',
    identity: policy({}, { ...GET, Effect: 'Deny' }),
    because: 'with an explicit deny in an identity-based policy',
  },
  {
    name: 'a deny in the boundary',
    boundary: policy({}, { ...GET, Effect: 'Deny' }),
    because: 'with an explicit deny in a permissions boundary',
  },
  {
    name: 'a deny in the session policy',
    session: policy(GET, { ...GET, Effect: 'Deny' }),
    because: 'with an explicit deny in a session policy',
  },
  {
    name: 'a deny list in the boundary',
    boundary: policy({}, DENY_LISTED),
    session: policy(GET),
    because: 'with an explicit deny in a permissions boundary',
  },
  {
    name: 'a deny list inline',
    identity: policy({}, DENY_LISTED),
    session: policy(GET),
    because: 'with an explicit deny in an identity-based policy',
  },
  {
    name: 'a deny by session name',
    identity: policy({}, { Effect: 'Deny', Condition: { StringLike: { 'aws:userid': '*:g-1' } } }),
    because: 'with an explicit deny in an identity-based policy',
  },
  {
    name: 'a deny by the name of a neighbour',
    identity: policy({}, { Effect: 'Deny', Condition: { StringLike: { 'aws:userid': '*:g-2' } } }),
    because: '',
  },
  {
    name: 'a watermark after the issue time',
    identity: policy(
      {},
      { Effect: 'Deny', Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-11-21T12:00:02Z' } } },
    ),
    because: 'with an explicit deny in an identity-based policy',
  },
  {
    name: 'a watermark at the issue time',
    identity: policy(
      {},
      { Effect: 'Deny', Condition: { DateLessThan: { 'aws:TokenIssueTime': '2026-11-21T12:00:00Z' } } },
    ),
    because: '',
  },
  {
    name: 'a deny by role',
    identity: policy(
      {},
      { Effect: 'Deny', Condition: { ArnLike: { 'aws:PrincipalArn': `arn:aws:iam::${ACCOUNT}:role/case-*` } } },
    ),
    because: 'with an explicit deny in an identity-based policy',
  },
  {
    name: 'a deny by tag, key in other case',
    identity: policy({}, { Effect: 'Deny', Condition: { StringEquals: { 'aws:PrincipalTag/Team': 'data' } } }),
    because: 'with an explicit deny in an identity-based policy',
  },
  {
    name: 'an absent tag does not fire a positive operator',
    identity: policy({}, { Effect: 'Deny', Condition: { StringEquals: { 'aws:PrincipalTag/none': 'x' } } }),
    because: '',
  },
  {
    name: 'an absent tag fires a negated operator',
    identity: policy({}, { Effect: 'Deny', Condition: { StringNotEquals: { 'aws:PrincipalTag/none': 'x' } } }),
    because: 'with an explicit deny in an identity-based policy',
  },
  {
    name: 'IfExists holds for an absent tag',
    session: policy({ ...GET, Condition: { StringEqualsIfExists: { 'aws:PrincipalTag/none': 'x' } } }),
    because: '',
  },
  {
    name: 'the guard against a missing source identity passes',
    boundary: policy({}, { Effect: 'Deny', Condition: { Null: { 'aws:SourceIdentity': 'true' } } }),
    because: '',
  },
  {
    name: 'a policy variable in a resource',
    session: policy({ ...GET, Resource: 'arn:aws:s3:::invoices/$' + '{aws:PrincipalTag/dir}/*' }),
    because: '',
  },
  {
    name: 'a wildcard that came in by a tag is no wildcard',
    session: policy({ ...GET, Resource: 'arn:aws:s3:::invoices/$' + '{aws:PrincipalTag/star}' }),
    because: 'because no session policy allows the s3:GetObject action',
  },
  { name: 'NotAction', session: policy({ NotAction: 's3:Put*' }), because: '' },
  {
    name: 'NotResource of a deny',
    session: policy(GET, { Effect: 'Deny', NotResource: 'arn:aws:s3:::invoices/in/2*' }),
    because: 'with an explicit deny in a session policy',
  },
  { name: 'an action in other case', session: policy({ ...GET, Action: 'S3:getobject' }), because: '' },
  {
    name: 'an unknown operator in an allow',
    session: policy({ ...GET, Condition: { StringMatches: { 'aws:userid': '*' } } }),
    because: 'because no session policy allows the s3:GetObject action',
  },
  {
    name: 'an unknown operator in a deny',
    session: policy(GET, { Effect: 'Deny', Condition: { StringMatches: { 'aws:userid': 'x' } } }),
    because: 'with an explicit deny in a session policy',
  },
  {
    name: 'an unknown key in an allow',
    session: policy({ ...GET, Condition: { StringEqualsIfExists: { 'aws:SourceAccount': '1' } } }),
    because: 'because no session policy allows the s3:GetObject action',
  },
  {
    name: 'an unknown key in a deny',
    session: policy(GET, { Effect: 'Deny', Condition: { StringEquals: { 'aws:SourceAccount': '1' } } }),
    because: 'with an explicit deny in a session policy',
  },
  {
    name: 'a date that cannot be read in a deny',
    session: policy(GET, { Effect: 'Deny', Condition: { DateGreaterThan: { 'aws:CurrentTime': 'tomorrow' } } }),
    because: 'with an explicit deny in a session policy',
  },
]

test('a session may do what identity, boundary and session policy all allow and none denies', async () => {
  const { clock, cloud, broker, sts, s3 } = await stage()
  const minter = sts(broker)
  for (const [index, { name, identity, boundary, session, because }] of layers.entries()) {
    const boundaryArn = `arn:aws:iam::${ACCOUNT}:policy/b${index}`
    if (boundary !== undefined) cloud.createPolicy({ arn: boundaryArn, document: boundary })
    const { arn } = cloud.createRole({
      arn: `arn:aws:iam::${ACCOUNT}:role/case-${index}`,
      trustPolicy: TRUST,
      policies: { own: identity ?? policy({}) },
      ...(boundary === undefined ? {} : { permissionsBoundary: boundaryArn }),
    })
    const tags = { team: 'data', dir: 'in', star: 'in/-' }
    const { keys } = await assume(minter, {
      RoleArn: arn,
      SourceIdentity: 'grant-1',
      Tags: Object.entries(tags).map(([Key, Value]) => ({ Key, Value })),
      ...(session === undefined ? {} : { Policy: session }),
    })
    const said = await s3(keys)
      .send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt' }))
      .then(
        () => '',
        (error: Error) => error.message,
      )
    if (because === '') expect([name, said]).toEqual([name, ''])
    else
      expect([name, said]).toEqual([
        name,
        `User: arn:aws:sts::${ACCOUNT}:assumed-role/case-${index}/g-1 is not authorized to perform: s3:GetObject on resource: "arn:aws:s3:::invoices/in/1.txt" ${because}`,
      ])
    const verdict = cloud.allows(keys.accessKeyId, 's3:GetObject', 'arn:aws:s3:::invoices/in/1.txt', clock.now())
    expect([name, verdict.allowed ? '' : verdict.because]).toEqual([name, because])
  }
})

test('a boundary that names a policy which does not exist allows nothing', async () => {
  const { cloud, broker, sts } = await stage()
  const { arn } = cloud.createRole({
    arn: `arn:aws:iam::${ACCOUNT}:role/r`,
    trustPolicy: TRUST,
    policies: { all: policy({}) },
    permissionsBoundary: `arn:aws:iam::${ACCOUNT}:policy/none`,
  })
  const { keys } = await assume(sts(broker), { RoleArn: arn })
  expect(cloud.allows(keys.accessKeyId, 's3:GetObject', 'arn:aws:s3:::invoices/in/1.txt')).toMatchObject({
    allowed: false,
    layer: 'boundary',
  })
})

test('the time deny of a session policy fires when the clock has passed it, and the credentials end at their expiry', async () => {
  const { clock, cloud, broker, sts } = await stage()
  const lease = policy(GET, {
    Effect: 'Deny',
    Condition: { DateGreaterThan: { 'aws:CurrentTime': '2026-11-21T12:05:00Z' } },
  })
  const { keys } = await assume(sts(broker), { Policy: lease })
  const read = () =>
    outcome(
      clientsOf(cloud, clock)
        .s3(keys)
        .send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt' })),
    )
  await clock.advance(300_000)
  expect(await read()).toBe('ok')
  await clock.advance(1)
  expect(await read()).toBe('AccessDenied')
  expect(cloud.liveSessions()).toHaveLength(1)
  await clock.advance(599_999)
  expect(await read()).toBe('ExpiredToken')
  expect(cloud.liveSessions()).toEqual([])
})

test('allows answers for another instant without moving the clock', async () => {
  const { cloud, broker, sts } = await stage()
  await assume(sts(broker), {
    Policy: policy(GET, {
      Effect: 'Deny',
      Condition: { DateGreaterThan: { 'aws:CurrentTime': '2026-11-21T12:05:00Z' } },
    }),
  })
  const [session] = cloud.liveSessions()
  const at = (time: string) =>
    session !== undefined &&
    cloud.allows(session, 's3:GetObject', 'arn:aws:s3:::invoices/in/1.txt', new Date(time)).allowed
  expect([at('2026-11-21T12:05:00Z'), at('2026-11-21T12:05:01Z'), at('2026-11-21T13:00:00Z')]).toEqual([
    true,
    false,
    false,
  ])
})

test('a caller without policies of its own may do nothing', async () => {
  const { cloud, s3 } = await stage()
  const poor = cloud.addPrincipal({ arn: BROKER })
  expect(await outcome(s3(poor).send(new GetObjectCommand({ Bucket: 'invoices', Key: 'in/1.txt' })))).toBe(
    'AccessDenied',
  )
})

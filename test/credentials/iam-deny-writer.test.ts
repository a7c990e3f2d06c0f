import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { idBody, randomIds } from '../../src/core/ids.ts'
import { Secret } from '../../src/core/secret.ts'
import type { Fault } from '../support/sts-server.ts'
import { type AwsHarness, BOUNDARY_POLICY, BOUNDARY_ROLE, INLINE_ROLE, mintRequest, startAws } from './harness.ts'

const never = new AbortController().signal
const BOUNDARY = `boundary:${BOUNDARY_POLICY}`
const INLINE = `inline:${INLINE_ROLE}`
let aws: AwsHarness
beforeEach(async () => {
  aws = await startAws()
})
afterEach(() => aws.close())

const grants = (count: number) => Array.from({ length: count }, () => randomIds.next('grt', aws.clock.now()))
const write = (target: string, list: readonly string[]) => aws.provider.writeDenyList(target, { grants: list }, never)

describe('a boundary policy', () => {
  test('gets a new default version with each write and never has more than five', async () => {
    let list: string[] = []
    for (let n = 0; n < 9; n++) {
      list = grants(2)
      await write(BOUNDARY, list)
      expect(aws.server.versionIds(BOUNDARY_POLICY).length).toBeLessThanOrEqual(5)
      for (const grant of list) expect(aws.server.managedDocument(BOUNDARY_POLICY)).toContain(idBody(grant))
    }
    expect(aws.server.versionIds(BOUNDARY_POLICY)).toEqual(['v6', 'v7', 'v8', 'v9', 'v10'])
  })

  test('has room made again when the answer to a write was lost', async () => {
    for (let n = 0; n < 4; n++) await write(BOUNDARY, [])
    aws.server.script('CreatePolicyVersion', { kind: 'answer_lost' })
    const list = grants(1)
    await write(BOUNDARY, list)
    expect(aws.server.managedDocument(BOUNDARY_POLICY)).toContain(idBody(list[0] ?? ''))
    expect(aws.server.versionIds(BOUNDARY_POLICY)).toHaveLength(5)
  })

  test('may lose a version to somebody else in between', async () => {
    for (let n = 0; n < 4; n++) await write(BOUNDARY, [])
    aws.server.script('DeletePolicyVersion', { kind: 'error', status: 404, code: 'NoSuchEntity' })
    aws.server.script('CreatePolicyVersion', { kind: 'error', status: 503, code: 'ServiceUnavailable' })
    await write(BOUNDARY, [])
    expect(aws.server.versionIds(BOUNDARY_POLICY)).toHaveLength(5)
  })

  test('that somebody else adds versions to is written all the same, and is not taken for too long', async () => {
    for (let n = 0; n < 4; n++) await write(BOUNDARY, [])
    const others = aws.server
    // Between the look at the versions and the write.
    let made = 0
    others.whenever(({ action }) => {
      if (action === 'CreatePolicyVersion' && made++ < 3) {
        while (others.versionIds(BOUNDARY_POLICY).length < 5)
          others.createPolicyVersion({ PolicyArn: BOUNDARY_POLICY, PolicyDocument: '{}', SetAsDefault: 'false' })
      }
      return undefined
    })
    const list = grants(90)
    await write(BOUNDARY, list)
    expect(aws.server.managedDocument(BOUNDARY_POLICY)).toContain(idBody(list[0] ?? ''))
    expect(aws.provider.fits(BOUNDARY, { grants: list })).toBe(true)
  })

  test('that is shared reaches every role that has it', () => {
    const provider = aws.with({
      roles: [BOUNDARY_ROLE, INLINE_ROLE].map((arn) => ({
        arn,
        revocation: { kind: 'boundary', policyArn: BOUNDARY_POLICY } as const,
      })),
    })
    expect(provider.findDenyList(INLINE_ROLE)).toEqual({ key: BOUNDARY, roleArns: [BOUNDARY_ROLE, INLINE_ROLE] })
  })
})

describe('an inline role policy', () => {
  test('is written under its one name and deleted when the list is empty', async () => {
    const list = grants(1)
    await write(INLINE, list)
    expect(aws.server.inlineDocument('writer', 'StintDeny')).toContain(`*:${idBody(list[0] ?? '')}.*`)
    await write(INLINE, [])
    await write(INLINE, [])
    expect(aws.server.inlineDocument('writer', 'StintDeny')).toBeUndefined()
  })

  test('of a role that is gone is an error, not a success', async () => {
    const arn = 'arn:aws:iam::123456789012:role/gone'
    const provider = aws.with({ roles: [{ arn, revocation: { kind: 'inline' } }] })
    await expect(provider.writeDenyList(`inline:${arn}`, { grants: [] }, never)).rejects.toMatchObject({
      code: 'PROVIDER_REFUSED',
      details: { awsCode: 'NoSuchEntity' },
    })
  })

  test('has room by the budget that the role leaves', () => {
    const list = { grants: grants(250) }
    expect(aws.provider.fits(INLINE, list)).toBe(false)
    expect(aws.with({ otherInlineCharacters: 0 }).fits(INLINE, list)).toBe(true)
  })
})

describe('a write that fails', () => {
  // IAM API reference: errors of CreatePolicyVersion, PutRolePolicy and DeleteRolePolicy; common errors.
  for (const [code, status, expected, tries] of [
    ['ConcurrentModification', 409, 'PROVIDER_UNAVAILABLE', 5],
    ['EntityTemporarilyUnmodifiable', 409, 'PROVIDER_UNAVAILABLE', 5],
    ['ServiceFailure', 500, 'PROVIDER_UNAVAILABLE', 5],
    ['Throttling', 400, 'PROVIDER_THROTTLED', 5],
    ['LimitExceeded', 409, 'PROVIDER_REFUSED', { CreatePolicyVersion: 5, PutRolePolicy: 1 }],
    ['MalformedPolicyDocument', 400, 'PROVIDER_REFUSED', 1],
    ['InvalidInput', 400, 'PROVIDER_REFUSED', 1],
    ['NoSuchEntity', 404, 'PROVIDER_REFUSED', 1],
    ['UnmodifiableEntity', 400, 'PROVIDER_REFUSED', 1],
    ['AccessDenied', 403, 'PROVIDER_REFUSED', 1],
  ] as const) {
    for (const [target, operation] of [
      [BOUNDARY, 'CreatePolicyVersion'],
      [INLINE, 'PutRolePolicy'],
    ] as const) {
      const triesOfIt = typeof tries === 'number' ? tries : tries[operation]
      test(`by ${code} of ${operation} is ${expected} after ${triesOfIt} tries`, async () => {
        const fault: Fault = { kind: 'error', status, code }
        aws.server.script(operation, ...Array.from({ length: 6 }, () => fault))
        await expect(write(target, grants(1))).rejects.toMatchObject({ code: expected, details: { operation, target } })
        expect(aws.server.calls(operation)).toHaveLength(triesOfIt)
      })
    }
  }

  test('for length says so, so that the caller goes to a watermark', async () => {
    for (const target of [BOUNDARY, INLINE])
      await expect(write(target, grants(400))).rejects.toMatchObject({
        code: 'PROVIDER_REFUSED',
        details: { limit: 'policy_document', outcome: 'not_minted' },
      })
  })

  test('for length makes the document smaller for some minutes, for this target alone', async () => {
    const list = { grants: grants(100) }
    expect(aws.provider.fits(INLINE, list)).toBe(true)
    aws.server.script('PutRolePolicy', { kind: 'error', status: 409, code: 'LimitExceeded' })
    await expect(write(INLINE, list.grants)).rejects.toMatchObject({ code: 'PROVIDER_REFUSED' })
    expect(aws.provider.fits(INLINE, list)).toBe(false)
    expect(aws.provider.fits(INLINE, { grants: list.grants.slice(0, 70) })).toBe(true)
    expect(aws.provider.fits(BOUNDARY, list)).toBe(true)
    await aws.clock.advance(600_000)
    expect(aws.provider.fits(INLINE, list)).toBe(true)
  })

  test('for the quota of a boundary does not make its document smaller: nobody else can take of that room', async () => {
    const list = { grants: grants(80) }
    aws.server.script(
      'CreatePolicyVersion',
      ...Array.from({ length: 5 }, () => ({ kind: 'error', status: 409, code: 'LimitExceeded' }) as const),
    )
    await expect(write(BOUNDARY, list.grants)).rejects.toMatchObject({ code: 'PROVIDER_REFUSED' })
    expect(aws.provider.fits(BOUNDARY, list)).toBe(true)
  })

  test('with an error page of a proxy tells nobody the time: it is the proxy’s', async () => {
    const told: number[] = []
    aws.provider.cloudClock?.subscribe((cloudNow) => told.push(cloudNow.getTime() - aws.clock.now().getTime()))
    const page: Fault = { kind: 'error', status: 503, code: 'ServiceUnavailable', skewMs: 7_200_000 }
    for (const operation of ['AssumeRole', 'PutRolePolicy']) aws.server.script(operation, page)
    await write(INLINE, grants(1))
    await aws.provider.mint(mintRequest(aws.clock.now()), never)
    expect(aws.failures).toEqual(['ServiceUnavailable', 'ServiceUnavailable'])
    expect(told.length).toBeGreaterThan(1)
    expect(Math.max(...told)).toBeLessThan(1_000)
  })

  test('succeeds once the conflict is over', async () => {
    aws.server.script('PutRolePolicy', { kind: 'error', status: 409, code: 'ConcurrentModification' })
    const list = grants(1)
    await write(INLINE, list)
    expect(aws.server.inlineDocument('writer', 'StintDeny')).toContain(idBody(list[0] ?? ''))
  })

  test('is given up before the claim of the one writer ends, so that it cannot overtake a later write', async () => {
    const provider = aws.with({ writeLimits: { totalMs: 1_000, maxAttempts: 50 } })
    aws.server.script(
      'PutRolePolicy',
      ...Array.from({ length: 50 }, (): Fault => ({ kind: 'error', status: 503, code: 'ServiceUnavailable' })),
    )
    const start = aws.clock.monotonicMs()
    await expect(provider.writeDenyList(INLINE, { grants: grants(1) }, never)).rejects.toMatchObject({
      code: 'PROVIDER_UNAVAILABLE',
    })
    expect(aws.clock.monotonicMs() - start).toBeLessThan(1_000)
  })

  for (const { name, key, changes } of [
    { name: 'each version', key: BOUNDARY, changes: ['DeletePolicyVersion', 'CreatePolicyVersion'] },
    { name: 'an inline policy', key: INLINE, changes: ['PutRolePolicy'] },
  ]) {
    const count = (action: string) => aws.server.requests.filter((request) => request.action === action).length

    test(`changes ${name} only while another process cannot have taken it over, as it is asked before each call`, async () => {
      for (let n = 0; n < 4; n++) await write(BOUNDARY, grants(1))
      for (const [at, lost] of changes.entries()) {
        const before = changes.map(count)
        let left = at
        const confirm = async () => {
          if (left-- === 0) throw new StintError('LEDGER_CONFLICT')
        }
        const writing = aws.provider.writeDenyList(key, { grants: grants(1) }, never, undefined, { confirm, hold() {} })
        await expect(writing, lost).rejects.toMatchObject({ code: 'LEDGER_CONFLICT' })
        expect(changes.map((action, n) => count(action) - (before[n] ?? 0))).toEqual(
          changes.map((_, n) => (n < at ? 1 : 0)),
        )
      }
    })

    test(`sends no change of ${name} that was ready to go when the claim lapsed`, async () => {
      for (let n = 0; n < 4; n++) await write(BOUNDARY, grants(1))
      const before = changes.map(count)
      const hold = () => {
        throw new StintError('LEDGER_UNAVAILABLE')
      }
      const writing = aws.provider.writeDenyList(key, { grants: grants(1) }, never, undefined, {
        confirm: async () => undefined,
        hold,
      })
      await expect(writing).rejects.toMatchObject({ code: 'LEDGER_UNAVAILABLE' })
      expect(changes.map(count)).toEqual(before)
    })
  }

  test('is cancelled when the caller gives up', async () => {
    const stop = new AbortController()
    aws.server.script('ListPolicyVersions', { kind: 'hang' })
    const writing = aws.provider.writeDenyList(BOUNDARY, { grants: [] }, stop.signal)
    writing.catch(() => undefined)
    await expect.poll(() => aws.server.calls('ListPolicyVersions').length).toBe(1)
    stop.abort()
    await expect(writing).rejects.toMatchObject({ code: 'CANCELLED' })
  })
})

describe('the configuration of roles', () => {
  for (const [name, roles] of [
    ['a role that is no ARN', [{ arn: 'reader', revocation: { kind: 'none' } }]],
    ['a user in place of a role', [{ arn: 'arn:aws:iam::123456789012:user/x', revocation: { kind: 'none' } }]],
    ['a role given twice', [1, 2].map(() => ({ arn: BOUNDARY_ROLE, revocation: { kind: 'none' } }))],
    [
      'a boundary that is no policy',
      [{ arn: BOUNDARY_ROLE, revocation: { kind: 'boundary', policyArn: BOUNDARY_ROLE } }],
    ],
    [
      'an AWS-managed boundary',
      [{ arn: BOUNDARY_ROLE, revocation: { kind: 'boundary', policyArn: 'arn:aws:iam::aws:policy/x' } }],
    ],
    ['an inline name with a slash', [{ arn: BOUNDARY_ROLE, revocation: { kind: 'inline', policyName: 'a/b' } }]],
  ] as const) {
    test(`is refused with ${name}`, () => {
      expect(() => aws.with({ roles: roles as never })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    })
  }

  for (const text of ['', 'x', 'two words', 'line\n', 'x'.repeat(1_225)]) {
    test(`is refused with ${JSON.stringify(text.slice(0, 12))} as external id, which is not quoted`, () => {
      const roles = [{ arn: BOUNDARY_ROLE, externalId: new Secret(text), revocation: { kind: 'none' } as const }]
      expect(() => aws.with({ roles })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    })
  }

  for (const endpoint of [
    'http://sts.example.org',
    'http://127.0.0.1.example.org',
    'ftp://127.0.0.1',
    'sts',
    'https://a:b@sts',
  ])
    test(`is refused with ${endpoint} as endpoint, where credentials would be read on the way`, () => {
      expect(() => aws.with({ stsEndpoint: endpoint })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
      expect(() => aws.with({ iamEndpoint: endpoint })).toThrow(expect.objectContaining({ code: 'CONFIG_INVALID' }))
    })
})

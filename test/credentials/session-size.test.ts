import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import type { PackedParts } from '../../src/credentials/aws-sts/mint/packed-sizes.ts'
import { PackedSizes } from '../../src/credentials/aws-sts/mint/packed-sizes.ts'
import type { MintRequest } from '../../src/credentials/provider.ts'
import { sizeWarnings } from '../../src/credentials/session-size.ts'
import { ManualClock } from '../support/manual-clock.ts'
import type { Fault } from '../support/sts-server.ts'
import { type AwsHarness, INLINE_ROLE, type MintChange, mintRequest, startAws } from './harness.ts'

const never = new AbortController().signal

describe('the size of sessions at STS', () => {
  let aws: AwsHarness
  beforeEach(async () => {
    aws = await startAws()
  })
  afterEach(() => aws.close())

  const request = (change: MintChange = {}) => mintRequest(aws.clock.now(), change)
  const outline = ({ grant, plan }: MintRequest) => {
    const { roleArn, subject, owner, team } = grant
    return { roleArn, subject, owner, team, plan }
  }
  const forecast = (asked: MintRequest) => aws.provider.forecastSize?.(outline(asked))
  const said = (element: string): Fault => ({
    kind: 'edit',
    edit: (xml) => xml.replace('</AssumeRoleResult>', `${element}</AssumeRoleResult>`),
  })
  const tooLarge: Fault = {
    kind: 'error',
    status: 400,
    code: 'PackedPolicyTooLarge',
    message: 'Packed policy consumes 104% of allotted space, please use smaller policy.',
  }
  const reads = (count: number): MintChange => ({
    allow: { Action: 's3:GetObject', Resource: Array.from({ length: count }, (_, n) => `arn:aws:s3:::data/${n}/*`) },
  })

  test('is unknown before STS has said anything of the role, and stays so where it says nothing', async () => {
    expect(forecast(request())).toEqual({ kind: 'unknown' })
    await aws.provider.mint(request(), never)
    expect(forecast(request())).toEqual({ kind: 'unknown' })
  })

  // STS API Reference, AssumeRole, response elements; PackedPolicySize is deprecated since 2026-06-17.
  for (const { name, element, percent } of [
    { name: 'SessionTokenUtilization', element: '<SessionTokenUtilization>46</SessionTokenUtilization>', percent: 46 },
    { name: 'PackedPolicySize', element: '<PackedPolicySize>31</PackedPolicySize>', percent: 31 },
    {
      name: 'SessionTokenUtilization rather than PackedPolicySize',
      element: '<PackedPolicySize>31</PackedPolicySize><SessionTokenUtilization>46</SessionTokenUtilization>',
      percent: 46,
    },
  ])
    test(`is predicted from ${name}`, async () => {
      aws.server.script('AssumeRole', said(element))
      await aws.provider.mint(request(), never)
      expect(forecast(request())).toMatchObject({ kind: 'predicted', percent, mints: 1 })
      const larger = forecast(request(reads(40)))
      expect(larger).toMatchObject({ kind: 'predicted', percent: expect.any(Number) })
      expect(larger?.kind === 'predicted' ? larger.percent : 0).toBeGreaterThan(percent)
      expect(forecast(request({ roleArn: INLINE_ROLE }))).toEqual({ kind: 'unknown' })
    })

  test('that STS refused is not asked again for this agent and plan, whatever the grant and the end', async () => {
    aws.server.script('AssumeRole', tooLarge)
    await expect(aws.provider.mint(request(), never)).rejects.toMatchObject({ code: 'SESSION_POLICY_TOO_LARGE' })
    const at = aws.clock.now()
    const later = request({ notAfter: new Date(at.getTime() + 120_000) })
    expect(forecast(later)).toMatchObject({ kind: 'refused', percent: 104 })
    await expect(aws.provider.mint(later, never)).rejects.toMatchObject({
      code: 'SESSION_POLICY_TOO_LARGE',
      details: { outcome: 'not_minted', packedPercent: 104 },
    })
    expect(aws.server.calls('AssumeRole')).toHaveLength(1)
  })

  test('of another plan, agent, team or role is asked all the same', async () => {
    aws.server.script('AssumeRole', tooLarge)
    await expect(aws.provider.mint(request(), never)).rejects.toMatchObject({ code: 'SESSION_POLICY_TOO_LARGE' })
    for (const change of [
      reads(2),
      { grant: { subject: 'spiffe://example.org/other' } },
      { grant: { team: 'x' } },
      { roleArn: INLINE_ROLE },
    ])
      await aws.provider.mint(request(change), never)
    expect(aws.server.sessions).toHaveLength(4)
  })
})

describe('what is kept of sizes', () => {
  const clock = new ManualClock()
  const session = (characters: number, change: Partial<PackedParts> = {}): PackedParts => ({
    roleArn: 'arn:aws:iam::123456789012:role/a',
    sessionPolicy: 'x'.repeat(characters),
    tags: { 'stint:grant': 'g'.repeat(14), 'stint:team': 't'.repeat(65) },
    ...change,
  })
  const TAGS = 'stint:grant'.length + 14 + 'stint:team'.length + 65

  test('gives the line that the sizes lie on, with what the tags cost', () => {
    const sizes = new PackedSizes({ clock })
    // 10 % for every session, and 1 % more per 20 characters.
    for (const characters of [300, 600, 900, 1_200])
      sizes.minted(session(characters - TAGS), { SessionTokenUtilization: 10 + characters / 20 })
    const forecast = sizes.forecast(session(1_660 - TAGS))
    expect(forecast).toMatchObject({ kind: 'predicted', percent: 93, tagsPercent: TAGS / 20, mints: 4 })
    const [warning, ...others] = sizeWarnings(forecast)
    expect(others).toEqual([])
    expect(warning).toMatchObject({ kind: 'session_nearly_full', explanation: expect.stringContaining('about 93%') })
  })

  test('is at least what a session of that size took', () => {
    const sizes = new PackedSizes({ clock })
    for (const percent of [60, 71, 65]) sizes.minted(session(500), { SessionTokenUtilization: percent })
    expect(sizes.forecast(session(400))).toMatchObject({ percent: 71 })
  })

  test('is not mixed where STS begins to say another thing', () => {
    const sizes = new PackedSizes({ clock })
    sizes.minted(session(500), { PackedPolicySize: 95 })
    sizes.minted(session(500), { SessionTokenUtilization: 40 })
    expect(sizes.forecast(session(500))).toMatchObject({ percent: 40, mints: 1 })
  })

  test('is no number that is none', () => {
    const sizes = new PackedSizes({ clock })
    for (const percent of [Number.NaN, -1, 0, 101]) sizes.minted(session(500), { SessionTokenUtilization: percent })
    expect(sizes.forecast(session(500))).toEqual({ kind: 'unknown' })
  })

  test('warns above 90 % only, and of nothing that is unknown', () => {
    const predicted = (percent: number) =>
      ({ kind: 'predicted', percent, tagsPercent: 9, mints: 2, explanation: 'Ask for less.' }) as const
    expect(sizeWarnings(predicted(90))).toEqual([])
    expect(sizeWarnings(predicted(91))).toHaveLength(1)
    expect(sizeWarnings({ kind: 'unknown' })).toEqual([])
  })

  test('of a refusal ends after an hour, and with a mint that succeeds', () => {
    const sizes = new PackedSizes({ clock })
    sizes.refused(session(500), 101)
    expect(() => sizes.check(session(500))).toThrow(expect.objectContaining({ code: 'SESSION_POLICY_TOO_LARGE' }))
    clock.advance(3_600_000)
    expect(() => sizes.check(session(500))).not.toThrow()
    sizes.refused(session(500))
    sizes.minted(session(500), {})
    expect(sizes.forecast(session(500))).toEqual({ kind: 'unknown' })
  })

  test('is bounded, and the oldest goes first', () => {
    const sizes = new PackedSizes({ clock })
    const role = (n: number) => ({ roleArn: `arn:aws:iam::123456789012:role/${n}` })
    for (let n = 0; n <= 1_000; n += 1) {
      sizes.minted(session(500, role(n)), { SessionTokenUtilization: 50 })
      sizes.refused(session(500, role(n)))
    }
    expect(sizes.forecast(session(400, role(0)))).toEqual({ kind: 'unknown' })
    expect(sizes.forecast(session(500, role(0))).kind).toBe('unknown')
    expect(sizes.forecast(session(500, role(1_000))).kind).toBe('refused')
    for (let n = 0; n < 40; n += 1) sizes.minted(session(500), { SessionTokenUtilization: 50 })
    expect(sizes.forecast(session(500))).toMatchObject({ mints: 32 })
  })
})

import { expect, test } from 'vitest'
import { denyWindow } from '../../src/credentials/aws-sts/deny/deny-window.ts'
import type { Lease } from '../../src/ledger/records.ts'
import type { Plan } from '../../src/plan/plan.ts'
import { type AwsHarness, mintRequest, startAws } from './harness.ts'

const START = new Date('2026-11-21T12:00:00Z')
const at = (ms: number) => new Date(START.getTime() + ms)
const MINT_TOTAL_MS = 10_000
/** STS API reference, AssumeRole: a session that a session makes lives for an hour at most. */
const CHAINED_MS = 3_600_000
const MARGIN_MS = 60_000

const { lease: intended, plan } = mintRequest(START)
const issued = (ms: number, notAfter = ms + 300_000): Lease => ({
  ...intended,
  state: 'issued',
  issuedAt: at(ms),
  notAfter: at(notAfter),
})
const withAction = (action: string): Plan => ({
  ...plan,
  pairs: plan.pairs.map((pair) => ({ ...pair, action })),
})

for (const { name, leases, of, lastIssued, lastEnd, chained = 0 } of [
  {
    // Its session lives for 900 s at the least, but its own policy denies everything from the lease's end on.
    name: 'a lease is denied until its own end',
    leases: [issued(1_000)],
    of: plan,
    lastIssued: 1_000,
    lastEnd: 301_000,
  },
  {
    name: 'of several leases the one that was issued last and the one that ends last count',
    leases: [issued(1_000, 700_000), issued(240_000, 300_000), issued(120_000)],
    of: plan,
    lastIssued: 240_000,
    lastEnd: 700_000,
  },
  {
    // 10 s for the attempts, up to 60 s that AWS's clock may be ahead, 10 s from the record to the first attempt.
    name: 'a mint without an answer counts as issued as late as a mint can be',
    leases: [intended],
    of: plan,
    lastIssued: 80_000,
    lastEnd: 300_000,
  },
  ...['sts:AssumeRole', 'sts:AssumeRoleWithWebIdentity'].map((action) => ({
    name: `a plan with ${action} is denied for as long as a session can live that was chained at the lease's end`,
    leases: [issued(1_000)],
    of: withAction(action),
    lastIssued: 1_000,
    lastEnd: 301_000,
    chained: CHAINED_MS,
  })),
  {
    name: 'an unknown plan is taken for one that can chain',
    leases: [issued(1_000)],
    of: undefined,
    lastIssued: 1_000,
    lastEnd: 301_000,
    chained: CHAINED_MS,
  },
]) {
  test(name, () => {
    expect(denyWindow(leases, of, MINT_TOTAL_MS)).toEqual({
      lastIssuedAt: at(lastIssued),
      until: at(lastEnd + chained + MARGIN_MS),
      outlivesLeases: chained > 0,
      namesAgent: true,
    })
  })
}

test('one session from before agents were in their names is enough for the deny to need a place of its own', () => {
  const before = { ...intended, sessionName: intended.sessionName.replace(/\.[^.]+$/, '') }
  expect(denyWindow([intended, before], plan, MINT_TOTAL_MS).namesAgent).toBe(false)
})

test('a provider that may take longer for a mint counts a lost answer as later', async () => {
  const aws: AwsHarness = await startAws()
  try {
    const lastIssuedAt = (totalMs: number) =>
      aws.with({ mintLimits: { totalMs } }).denyWindow([intended], plan).lastIssuedAt
    expect(aws.provider.denyWindow([intended], plan).lastIssuedAt).toEqual(lastIssuedAt(10_000))
    expect(aws.with({ mintLimits: { totalMs: 25_000 } }).mintTimeoutMs - aws.provider.mintTimeoutMs).toBe(15_000)
    expect(lastIssuedAt(25_000).getTime() - lastIssuedAt(10_000).getTime()).toBe(15_000)
  } finally {
    await aws.close()
  }
})

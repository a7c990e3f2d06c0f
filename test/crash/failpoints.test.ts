import { afterAll, describe, expect, test } from 'vitest'
import { endBrokers } from '../support/broker-process.ts'
import { eventually, turns } from '../support/eventually.ts'
import { checkTheDead, checkTheSettled } from './checks.ts'
import { type AccessKind, CrashStage, type LedgerView } from './crash-stage.ts'

afterAll(endBrokers)

const KEY = 'key-00000001'

/** What the disk and the cloud show right after the crash. `denied`: the boundary names the grant. */
interface Found {
  readonly state?: string
  readonly leases: readonly string[]
  readonly sessions: number
  readonly denied?: boolean
}

interface Row {
  readonly failpoint: string
  readonly act: (stage: CrashStage) => Promise<void>
  readonly found: Found
  readonly kind?: AccessKind
}

const asks: Row['act'] = async (stage) => {
  await stage.request(KEY, 'write')
}
const renews: Row['act'] = async (stage) => {
  await stage.renew(KEY, await granted(stage, 'write'))
}
const completes: Row['act'] = async (stage) => stage.complete(await granted(stage, 'write'))
const revokes: Row['act'] = async (stage) => {
  await stage.revoke(await granted(stage, 'read'))
}
const approves: Row['act'] = async (stage) => {
  const answer = await stage.request(KEY, 'delete')
  await stage.approve(answer?.grant.approvalId ?? '', answer?.grant.planHash ?? '')
}
/** STS refuses for good, so that the grant ends as `mint_failed`. */
const isRefused: Row['act'] = async (stage) => {
  stage.stage.cloud.setFault({ service: 'sts', action: 'AssumeRole', kind: 'access_denied', times: 1 })
  await stage.request(KEY, 'write')
}
/** STS mints, and its answer never comes. */
const isLeftUnanswered: Row['act'] = async (stage) => {
  stage.stage.cloud.setFault({ service: 'sts', action: 'AssumeRole', kind: 'hang_after_effect', times: 1 })
  await stage.request(KEY, 'write', 4_000)
}

/** A kill between every two steps of a grant's life, and what the crash left. */
const ROWS: readonly Row[] = [
  { failpoint: 'request.before_record', act: asks, found: { leases: [], sessions: 0 } },
  { failpoint: 'issue.after_intent', act: asks, found: { state: 'active', leases: ['intended'], sessions: 0 } },
  { failpoint: 'issue.after_mint', act: asks, found: { state: 'active', leases: ['intended'], sessions: 1 } },
  { failpoint: 'issue.before_answer', act: asks, found: { state: 'active', leases: ['issued'], sessions: 1 } },
  {
    failpoint: 'issue.before_outcome',
    act: isLeftUnanswered,
    found: { state: 'active', leases: ['intended'], sessions: 1 },
  },
  {
    failpoint: 'mint_failed.before_record',
    act: isRefused,
    found: { state: 'active', leases: ['ended'], sessions: 0 },
  },
  { failpoint: 'renew.before_record', act: renews, found: { state: 'active', leases: ['issued'], sessions: 1 } },
  {
    failpoint: 'issue.after_intent:2',
    act: renews,
    found: { state: 'active', leases: ['issued', 'intended'], sessions: 1 },
  },
  {
    failpoint: 'issue.after_mint:2',
    act: renews,
    found: { state: 'active', leases: ['issued', 'intended'], sessions: 2 },
  },
  {
    failpoint: 'issue.before_answer:2',
    act: renews,
    found: { state: 'active', leases: ['issued', 'issued'], sessions: 2 },
  },
  { failpoint: 'complete.before_record', act: completes, found: { state: 'active', leases: ['issued'], sessions: 1 } },
  { failpoint: 'complete.after_record', act: completes, found: { state: 'ending', leases: ['issued'], sessions: 1 } },
  {
    failpoint: 'approve.before_record',
    act: approves,
    kind: 'delete',
    found: { state: 'awaiting_approval', leases: [], sessions: 0 },
  },
  {
    failpoint: 'approve.after_record',
    act: approves,
    kind: 'delete',
    found: { state: 'active', leases: [], sessions: 0 },
  },
  {
    failpoint: 'revoke.before_record',
    act: revokes,
    kind: 'read',
    found: { state: 'active', leases: ['issued'], sessions: 1 },
  },
  {
    failpoint: 'revoke.after_record',
    act: revokes,
    kind: 'read',
    found: { state: 'ending', leases: ['issued'], sessions: 1 },
  },
  {
    failpoint: 'reconcile.before_write',
    act: revokes,
    kind: 'read',
    found: { state: 'ending', leases: ['issued'], sessions: 1, denied: false },
  },
  {
    failpoint: 'reconcile.after_write',
    act: revokes,
    kind: 'read',
    found: { state: 'ending', leases: ['issued'], sessions: 1, denied: true },
  },
  {
    failpoint: 'reconcile.after_record',
    act: revokes,
    kind: 'read',
    found: { state: 'ending', leases: ['issued'], sessions: 1, denied: true },
  },
  {
    failpoint: 'sweep.after_end',
    act: revokes,
    kind: 'read',
    found: { state: 'ended', leases: ['ended'], sessions: 1, denied: true },
  },
]

const turn = turns(2)

describe.concurrent('a kill at', () => {
  for (const row of ROWS) {
    test(`${row.failpoint} ${nameOf(row.act)}: nothing is lost, orphaned or left open`, { timeout: 240_000 }, () =>
      turn(() => crashAt(row)),
    )
  }
})

/** Crashes, looks, restarts, asks again, ends the grant by revocation, and looks again. */
async function crashAt({ failpoint, act, found, kind = 'write' }: Row): Promise<void> {
  const stage = await CrashStage.open()
  try {
    const first = await stage.start(failpoint)
    await act(stage)
    expect(await first.exited).toEqual({ code: null, signal: 'SIGKILL' })
    expect(await shown(stage, await checkTheDead(stage), found)).toEqual(found)

    stage.stage.cloud.clearFaults()
    const second = await stage.start()
    await expectSettled(stage)
    const grantId = await askAgain(stage, kind)
    if (kind === 'delete') await seeThrough(stage, grantId)
    await stage.revoke(grantId)
    await eventually(`the end of ${grantId}`, async () => (await stage.stateOf(grantId)) === 'ended')
    expect(await second.stop()).toEqual({ code: 0, signal: null })
    const settled = await checkTheSettled(stage)
    expect(settled.grants.map(({ grant }) => grant.id)).toEqual([grantId])
    expect(stage.stage.cloud.sessions().filter(({ accessKeyId }) => stage.works(accessKeyId))).toEqual([])
  } finally {
    await stage.close()
  }
}

async function shown(stage: CrashStage, { grants }: LedgerView, { denied }: Found): Promise<Found> {
  const [only] = grants
  expect(grants.length).toBeLessThanOrEqual(1)
  return {
    ...(only && { state: only.grant.state }),
    leases: only?.leases.map(({ state }) => state) ?? [],
    sessions: stage.stage.cloud.sessions().length,
    ...(denied !== undefined && { denied: (await stage.deniedIdentities()).length === 1 }),
  }
}

/** P2: before anybody is served, a lease whose mint the crash cut off is on record as of unknown outcome. */
async function expectSettled(stage: CrashStage): Promise<void> {
  const vera = await stage.admin('vera')
  const { items: grants } = await vera.get('/v1/grants')
  for (const { id } of grants) {
    const { items } = await vera.get('/v1/grants/{id}/leases', { path: { id } })
    for (const lease of items) if (lease.state === 'intended') expect(lease).toMatchObject({ outcomeUnknown: true })
  }
}

/** P3: the agent repeats its request with its key. @returns the one grant there is. */
async function askAgain(stage: CrashStage, kind: AccessKind): Promise<string> {
  const before = stage.answers.at(0)?.answer.grant.id
  const answer = await stage.request(KEY, kind)
  const id = answer?.grant.id ?? ''
  if (before) expect(id, 'P3: a repeat is the same grant').toBe(before)
  if (answer?.grant.state === 'active') expect(answer.lease, 'the agent can work again').toBeDefined()
  return id
}

/** What was asked of a person is still open, or answered; either way the agent gets its lease. */
async function seeThrough(stage: CrashStage, grantId: string): Promise<void> {
  const waiting = await stage.request(KEY, 'delete')
  if (waiting?.grant.state === 'awaiting_approval')
    await stage.approve(waiting.grant.approvalId ?? '', waiting.grant.planHash)
  expect((await stage.renew(KEY, grantId))?.lease).toBeDefined()
}

async function granted(stage: CrashStage, kind: AccessKind): Promise<string> {
  return (await stage.request(KEY, kind))?.grant.id ?? ''
}

function nameOf(act: Row['act']): string {
  const names = new Map<Row['act'], string>([
    [asks, 'while a grant is requested'],
    [renews, 'while a lease is renewed'],
    [completes, 'while a task is completed'],
    [revokes, 'while a grant is revoked'],
    [approves, 'while an approval is given'],
    [isRefused, 'when STS refuses'],
    [isLeftUnanswered, 'when STS does not answer'],
  ])
  return names.get(act) ?? ''
}

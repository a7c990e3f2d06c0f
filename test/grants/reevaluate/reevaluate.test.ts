import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../../src/core/errors.ts'
import type { PartFinding } from '../../../src/core/health/part-health.ts'
import { type RulesInForce, RuleWatch, SETTLE_MS } from '../../../src/grants/reevaluate/rule-watch.ts'
import type { RulesAdoption } from '../../../src/ledger/sharing.ts'
import type { Plan } from '../../../src/plan/plan.ts'
import type { Decision } from '../../../src/policy/decision.ts'
import { recordOf } from '../../support/audit-record.ts'
import { caller, DECISIONS, DELETE, type Harness, OLGA, openHarness, task, WRITE } from '../../support/grant-harness.ts'

let h: Harness
let rules: RulesInForce | undefined
let versions: number
let findings: readonly PartFinding[]
let adoption: RulesAdoption | undefined
let watch: RuleWatch
/** How plans of now differ from those of before. */
let alter: (plan: Plan) => Plan

beforeEach(async () => {
  h = await openHarness()
  versions = 0
  findings = []
  adoption = undefined
  alter = (plan) => plan
  change({})
  watch = watchRules()
  await settled()
})
afterEach(async () => {
  await h.close()
  h.remove()
})

function watchRules() {
  const sharing = {
    adoptRules: async (digest: string) => adoption ?? { isNewest: true, newestDigest: digest },
    newestRules: async () => adoption?.newestDigest ?? rules?.digest,
  }
  const ledger = Object.assign(Object.create(h.ledger), { sharing })
  return new RuleWatch({
    ...h.parts,
    judge: {
      judge: (agent, task, now) => {
        const judgement = h.parts.judge.judge(agent, task, now)
        return { ...judgement, plan: alter(judgement.plan) }
      },
    },
    ledger,
    rules: () => rules,
    random: () => 0.5,
    onProblem: (error) => h.problems.push({ component: 'reevaluation', error }),
    onWell: () => {},
    onFindings: (found) => {
      findings = found
    },
  })
}

/** The operator's files change. */
function change(over: Partial<Harness['rules']>, digest?: string): void {
  Object.assign(h.rules, over)
  versions += 1
  const policySetHash = h.rules.decision.policySetHash
  rules = { digest: digest ?? `rules-${versions}`, version: `${versions}`, policySetHash }
}

/** One look as the change is found, and one when it has held still. */
async function settled() {
  await watch.look()
  await h.clock.advance(SETTLE_MS)
  return watch.look()
}

const stateOf = async (id: string) => {
  const grant = await h.ledger.getGrant(id)
  return [grant?.state, grant?.reason]
}
const denied: Decision = { ...DECISIONS.deny, policySetHash: 'set-2' }

describe('after a change of the rules', () => {
  test('an active grant that they refuse ends as policy_changed, and its event names both sets and the pairs', async () => {
    const { grant } = await h.request('key-00000001', task(WRITE))
    change({ decision: denied })
    expect(await settled()).toMatchObject({ judged: 1, ended: 1, undecided: 0, isWhole: true })
    expect(await stateOf(grant.id)).toEqual(['ending', 'policy_changed'])
    const ending = (await h.ledger.trail(grant.id)).find(({ type }) => type === 'grant.ending')
    expect(ending).toMatchObject({
      actor: 'stint',
      data: {
        reason: 'policy_changed',
        code: 'POLICY_DENIED',
        deny_listed: true,
        change: { policySetBefore: 'set-1', policySetNow: 'set-2', failedPairs: [{ action: 's3:GetObject' }] },
      },
    })
    const summary = (await recordOf(h.ledger)).find(({ type }) => type === 'rules.reevaluated')
    expect(summary?.data).toMatchObject({ digest: 'rules-2', before: 'rules-1', judged: 1, ended: 1, undecided: 0 })
  })

  test.each([
    { access: { actions: ['s3:GetObject'], resources: ['arn:aws:s3:::data/*'] }, listed: false },
    { access: WRITE, listed: true },
    { access: DELETE, listed: true },
  ])('the deny list is for the classes that want it: $access.actions', async ({ access, listed }) => {
    const { grant } = await h.request('key-00000001', task(access))
    change({ decision: denied })
    await settled()
    expect((await h.ledger.findDenyEntry(grant.id)) !== undefined).toBe(listed)
  })

  test('an agent whose registration is gone loses its grants, denied at once whatever their class', async () => {
    const { grant } = await h.request('key-00000001')
    change({ registered: false })
    await settled()
    expect(await stateOf(grant.id)).toEqual(['ending', 'identity_lost'])
    expect(await h.ledger.findDenyEntry(grant.id)).toBeDefined()
  })

  test('a grant goes on that the rules still permit', async () => {
    const { grant } = await h.request('key-00000001')
    change({ decision: { ...DECISIONS.permit, policySetHash: 'set-2' } })
    expect(await settled()).toMatchObject({ judged: 1, ended: 0 })
    expect(await stateOf(grant.id)).toEqual(['active', undefined])
  })

  test('a grant without an approval ends when policy asks for one now; a grant that has it goes on', async () => {
    h.rules.decision = DECISIONS.approval
    const { grant: approved, approval } = await h.request('key-00000001', task(DELETE))
    const answer = { verdict: 'approve', planHash: approved.planHash, note: 'seen' } as const
    await h.operators.decideApproval(OLGA, approval?.id ?? '', answer)
    h.rules.decision = DECISIONS.permit
    const { grant: unasked } = await h.request('key-00000002', task(WRITE))
    change({ decision: { ...DECISIONS.approval, policySetHash: 'set-2' } })
    expect(await settled()).toMatchObject({ judged: 2, ended: 1 })
    expect(await stateOf(approved.id)).toEqual(['active', undefined])
    expect(await stateOf(unasked.id)).toEqual(['ending', 'policy_changed'])
  })

  test('nothing is judged until the files have held still, and then once', async () => {
    await h.request('key-00000001')
    change({ decision: denied })
    expect(await watch.look()).toBeUndefined()
    await h.clock.advance(SETTLE_MS - 1)
    expect(await watch.look()).toBeUndefined()
    change({ decision: denied })
    expect(await watch.look()).toBeUndefined()
    await h.clock.advance(1)
    expect(await watch.look()).toBeUndefined()
    await h.clock.advance(SETTLE_MS)
    expect(await watch.look()).toMatchObject({ ended: 1 })
    expect(await watch.look()).toBeUndefined()
  })

  test('a grant that was put on record while the change was judged is found by the look after it', async () => {
    change({ decision: denied })
    await settled()
    h.rules.decision = DECISIONS.permit
    const { grant } = await h.request('key-00000001')
    h.rules.decision = denied
    await h.clock.advance(60_000)
    expect(await watch.look()).toMatchObject({ ended: 1 })
    expect(await stateOf(grant.id)).toEqual(['ending', 'policy_changed'])
  })

  test('rules that went and came back end what was opened by those in between', async () => {
    const digest = rules?.digest
    change({ decision: { ...DECISIONS.permit, policySetHash: 'set-2' } })
    const { grant } = await h.request('key-00000001')
    change({ decision: denied }, digest)
    expect(await settled()).toMatchObject({ ended: 1 })
    expect(await stateOf(grant.id)).toEqual(['ending', 'policy_changed'])
  })

  test('a further change stops the pass, which begins anew with the newer rules', async () => {
    for (let n = 0; n < 210; n += 1) await h.parts.ledger.openGrant(await openingOf(n))
    change({ decision: { ...DECISIONS.permit, policySetHash: 'set-2' } })
    await watch.look()
    await h.clock.advance(SETTLE_MS)
    const list = h.ledger.listGrants
    h.ledger.listGrants = async (...args) => {
      const page = await list(...args)
      change({ decision: denied })
      h.ledger.listGrants = list
      return page
    }
    expect(await watch.look()).toMatchObject({ isWhole: false })
    expect(await settled()).toMatchObject({ isWhole: true })
    expect(await h.ledger.countGrants()).toMatchObject({ active: 0 })
  })
})

/** A grant as the service opens it, at little cost. */
async function openingOf(n: number) {
  const { describeOpening } = await import('../../../src/grants/open-grant.ts')
  const now = h.clock.now()
  const judgement = h.parts.judge.judge(caller(), task(), now)
  return {
    ...describeOpening(h.parts, caller(), { judgement, idempotencyKey: `many-${n}-00000`, now }),
    maxOpen: 10_000,
  }
}

describe('a question that waits', () => {
  const asked = async () => {
    h.rules.decision = DECISIONS.approval
    const { grant } = await h.request('key-00000001', task(DELETE))
    return grant
  }

  test('is void when its task has come to another plan, and the grant is rejected', async () => {
    const grant = await asked()
    alter = (plan) => ({ ...plan, hash: 'cd'.repeat(32), labelMarks: { 'env:prod': ['production'] } })
    change({})
    expect(await settled()).toMatchObject({ voided: 1, ended: 0 })
    expect((await stateOf(grant.id))[0]).toBe('rejected')
    expect((await h.ledger.findApproval(grant.id))?.state).toBe('voided')
    const summary = (await recordOf(h.ledger)).find(({ type }) => type === 'rules.reevaluated')
    expect(summary?.data).toMatchObject({ voided: 1 })
  })

  test('is void when policy alone denies its plan now, and the agent and whoever votes are told why', async () => {
    const grant = await asked()
    const views = h.grants.watchGrant(caller(), grant.id, h.signal)[Symbol.asyncIterator]()
    await views.next()
    const told = views.next()
    change({ decision: denied })
    expect(await settled()).toMatchObject({ voided: 1, ended: 0, undecided: 0 })
    expect((await stateOf(grant.id))[0]).toBe('rejected')
    const approval = await h.ledger.findApproval(grant.id)
    const changes = ['The plan is the same, but policy denies it now.', expect.stringContaining('s3:GetObject')]
    expect(approval).toMatchObject({ state: 'voided', voided: { reason: 'policy_denied', changes } })
    expect((await told).value).toMatchObject({ grant: { state: 'rejected' }, voided: { changes } })
    const voided = (await h.ledger.trail(grant.id)).find(({ type }) => type === 'approval.voided')
    expect(voided?.data).toMatchObject({ reason: 'policy_denied', policySetHash: 'set-2' })
    const { id = '', planHash = '' } = approval ?? {}
    await expect(
      h.operators.decideApproval(OLGA, id, { verdict: 'approve', planHash, note: 'n' }),
    ).rejects.toMatchObject({ code: 'APPROVAL_VOIDED', details: { reason: 'policy_denied' } })
  })

  test.each([
    {
      name: 'a policy fails to evaluate',
      over: {
        decision: {
          ...denied,
          failedPairs: [{ action: 'a', resource: 'r', reason: 'evaluation_error', policies: ['p'] }],
        } as Decision,
      },
    },
    { name: 'no policy set is loaded', over: { policyError: new StintError('POLICY_UNAVAILABLE', {}) } },
    { name: 'policy asks for other people', over: { decision: { ...DECISIONS.approval, policySetHash: 'set-2' } } },
  ])('stays open when $name', async ({ over }) => {
    const grant = await asked()
    change(over)
    expect(await settled()).toMatchObject({ voided: 0 })
    expect((await stateOf(grant.id))[0]).toBe('awaiting_approval')
  })

  test.each([
    { name: 'only a warning differs', altered: { hash: 'cd'.repeat(32), warnings: [] } },
    { name: 'the plan is the same', altered: {} },
  ])('stays open when $name', async ({ altered }) => {
    const grant = await asked()
    alter = (plan) => ({ ...plan, ...altered })
    change({})
    expect(await settled()).toMatchObject({ voided: 0 })
    expect((await stateOf(grant.id))[0]).toBe('awaiting_approval')
  })
})

describe('doubt ends nothing', () => {
  test.each([
    {
      name: 'no policy set is loaded',
      over: { policyError: new StintError('POLICY_UNAVAILABLE', { explanation: 'no set' }) },
      code: 'POLICY_UNAVAILABLE',
    },
    {
      name: 'a policy fails to evaluate',
      over: {
        decision: {
          ...denied,
          failedPairs: [{ action: 'a', resource: 'r', reason: 'evaluation_error', policies: ['p'] }],
        } as Decision,
      },
      code: 'POLICY_UNAVAILABLE',
    },
    { name: 'our own code fails', over: { policyError: new StintError('INTERNAL', {}) }, code: 'INTERNAL' },
  ])('$name', async ({ over, code }) => {
    const { grant } = await h.request('key-00000001')
    change(over)
    expect(await settled()).toMatchObject({ judged: 1, ended: 0, undecided: 1 })
    expect(await stateOf(grant.id)).toEqual(['active', undefined])
    expect(findings).toMatchObject([{ finding: 'undecided', code }])
  })

  test('grants that could not be judged are judged when that is possible again', async () => {
    await h.request('key-00000001')
    change({ policyError: new StintError('POLICY_UNAVAILABLE', {}) })
    await settled()
    Object.assign(h.rules, { policyError: undefined, decision: denied })
    await h.clock.advance(60_000)
    expect(await watch.look()).toMatchObject({ ended: 1, undecided: 0 })
    expect(findings).toEqual([])
  })

  test('a damaged plan keeps its own grant alone from being judged', async () => {
    const { grant: damaged } = await h.request('key-00000001', task(WRITE))
    const { grant } = await h.request('key-00000002')
    const getPlan = h.ledger.getPlan
    h.ledger.getPlan = async (hash) => {
      if (hash === damaged.planHash) throw new StintError('LEDGER_CORRUPT', {})
      return getPlan(hash)
    }
    change({ decision: denied })
    expect(await settled()).toMatchObject({ judged: 2, ended: 1, undecided: 1 })
    expect((await stateOf(damaged.id))[0]).toBe('active')
    expect((await stateOf(grant.id))[0]).toBe('ending')
  })
})

describe('while another replica works by newer rules', () => {
  test('no grant ends by the older ones, neither by a pass nor by a renewal, and the status says so', async () => {
    const { grant } = await h.request('key-00000001')
    adoption = { isNewest: false, newestDigest: 'newer' }
    change({ decision: denied })
    expect(await settled()).toBeUndefined()
    expect(findings).toMatchObject([{ finding: 'outdated', code: 'RULES_OUTDATED' }])
    const renewed = h.grants.renewLease(caller(), grant.id, h.signal)
    await expect(renewed).rejects.toMatchObject({ code: 'RULES_OUTDATED', retryable: true })
    expect(await stateOf(grant.id)).toEqual(['active', undefined])
  })

  test('it judges once the newer rules have gone', async () => {
    const { grant } = await h.request('key-00000001')
    adoption = { isNewest: false, newestDigest: 'newer' }
    change({ decision: denied })
    await settled()
    adoption = undefined
    await h.clock.advance(2_000)
    expect(await watch.look()).toMatchObject({ ended: 1 })
    expect(findings).toEqual([])
    expect((await stateOf(grant.id))[0]).toBe('ending')
  })

  test('a pass that has begun stops when a newer set appears', async () => {
    await h.request('key-00000001')
    change({ decision: denied })
    await watch.look()
    await h.clock.advance(SETTLE_MS)
    const list = h.ledger.listGrants
    h.ledger.listGrants = async (...args) => {
      adoption = { isNewest: false, newestDigest: 'newer' }
      return list(...args)
    }
    const report = await watch.look()
    expect(report?.ended ?? 0).toBe(0)
  })
})

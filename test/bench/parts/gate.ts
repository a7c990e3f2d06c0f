import { caller, DECISIONS, DELETE, OLGA, openHarness, task } from '../../support/grant-harness.ts'
import type { BenchRun } from '../bench-run.ts'
import { type KillFigures, measureKill } from '../kill-grants.ts'
import { measureRoleReach } from '../role-reach.ts'
import type { Scale } from '../scale.ts'
import { percentile } from '../statistics.ts'
import { measureReevaluation, type Reevaluation } from './reevaluation.ts'

/** How much each run does. */
const RUNS: Readonly<Record<Scale['name'], { approvals: number; killed: number }>> = {
  full: { approvals: 500, killed: 10_000 },
  quick: { approvals: 200, killed: 2_000 },
  smoke: { approvals: 5, killed: 50 },
}

/** What the gate costs. */
export interface Gate {
  readonly approval: ApprovalPath
  /** Verdicts on every action that AWS documents, for a role of 400 statements. */
  readonly reachMs: number
  readonly reevaluation: Reevaluation
  readonly kill: KillFigures
}

/** One question after the other, through the real ledger. */
interface ApprovalPath {
  readonly approvals: number
  /** From the request that waits, by two votes, to the lease. */
  readonly p50Ms: number
  readonly p99Ms: number
}

/** The gate: questions and votes, the reach of a role, active grants after a policy change, and a kill. */
export async function measureGate(run: BenchRun): Promise<Gate> {
  const { scale, say } = run
  const { approvals, killed } = RUNS[scale.name]
  say(`${approvals} requests that two people approve`)
  const approval = await measureApprovals(approvals)
  say('the reach of a role with 400 statements')
  const reachMs = measureRoleReach().ms
  const reevaluation = await measureReevaluation(run)
  say(`a kill of ${killed} live grants`)
  return { approval, reachMs, reevaluation, kill: await measureKill(killed) }
}

async function measureApprovals(approvals: number): Promise<ApprovalPath> {
  const h = await openHarness({ limits: { callsPerSecond: 1_000_000, burst: 1_000_000 } })
  const voters = [OLGA, { ...OLGA, name: 'owen' }]
  h.people.push(...voters)
  h.rules.decision = { ...DECISIONS.approval, approval: [{ anyOf: ['owners'], count: voters.length, because: ['p'] }] }
  const took: number[] = []
  try {
    for (let n = 0; n < approvals; n += 1) {
      const who = caller({ subject: `spiffe://example.org/agent-${n}` })
      const beganMs = performance.now()
      const { grant } = await h.request(`key-gate-${n}`, task(DELETE), who)
      const approval = await h.ledger.findApproval(grant.id)
      if (!approval) throw new Error(`grant ${grant.id} waits for no approval`)
      for (const voter of voters)
        await h.operators.decideApproval(voter, approval.id, {
          verdict: 'approve',
          planHash: approval.planHash,
          note: 'measured',
        })
      const { lease } = await h.request(`key-gate-${n}`, task(DELETE), who)
      if (!lease) throw new Error(`grant ${grant.id} has no lease after two votes`)
      took.push(performance.now() - beganMs)
    }
  } finally {
    await h.close()
    h.remove()
  }
  return { approvals, p50Ms: percentile(took, 0.5), p99Ms: percentile(took, 0.99) }
}

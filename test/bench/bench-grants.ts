import { idBody, randomIds } from '../../src/core/ids.ts'
import type { MintRequest } from '../../src/credentials/provider.ts'
import { auditEvent } from '../../src/ledger/events/audit-event.ts'
import type { LeaseMove, OpenGrant } from '../../src/ledger/ledger.ts'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { createPlanner, type Planner } from '../../src/plan/planner.ts'
import type { Decision } from '../../src/policy/decision.ts'
import { BENCH_ROLE } from './bench-stage.ts'

const SUBJECTS = 1_000
const TASKS = 100
const TTL_SECONDS = 3_600

const DECISION: Decision = {
  outcome: 'permit',
  determiningPolicies: ['invoices-list', 'invoices-read'],
  failedPairs: [],
  approval: [],
  policySetHash: 'ab'.repeat(32),
}

/** A task as agents of the bench declare it: one bucket listed, one prefix of it read. */
export function benchTask(n: number) {
  const prefix = `arn:aws:s3:::invoices-staging/2026/${n}`
  return {
    purpose: `reads the invoices of customer ${n} for the monthly report`,
    roleArn: BENCH_ROLE,
    access: [
      { actions: ['s3:ListBucket'], resources: ['arn:aws:s3:::invoices-staging'] },
      { actions: ['s3:GetObject'], resources: [`${prefix}/*`] },
    ],
    ttlSeconds: TTL_SECONDS,
  }
}

/** Makes the writes that a broker makes for a grant and its first lease, with the same events, for the ledger alone. */
export class BenchGrants {
  readonly #planner: Planner = createPlanner({
    labels: parseLabels({ labels: [{ label: 'data:invoices', resources: ['arn:aws:s3:::invoices-*'] }] }),
    roles: new Map([[BENCH_ROLE, {}]]),
    limits: { minTtlSeconds: 60, maxTtlSeconds: TTL_SECONDS },
  })
  #made = 0

  /** An active grant of one of a thousand agents with one of a hundred tasks; nothing is due before `deadline`. */
  open(now: Date, deadline: Date): OpenGrant & { lease: NonNullable<OpenGrant['lease']> } {
    const n = this.#made++
    const subject = `spiffe://bench.example/jobs/filler-${n % SUBJECTS}`
    const plan = this.#planner.plan('spiffe://bench.example/jobs/filler', benchTask(n % TASKS))
    const id = randomIds.next('grt', now)
    const sessionName = `${idBody(id)}.1`
    const lease = {
      id: randomIds.next('lse', now),
      sessionName,
      notAfter: deadline,
      intendedAt: now,
      mintUntil: deadline,
    }
    const head = { at: now, actor: subject, grantId: id }
    const decided = { policySetHash: DECISION.policySetHash, policies: DECISION.determiningPolicies }
    const evidence = { certificateFingerprint: 'ef'.repeat(32) }
    return {
      grant: {
        id,
        subject,
        trustDomain: 'bench.example',
        authMethod: 'x509-svid',
        registration: 'bench-jobs',
        owner: 'ann@bench.example',
        team: 'data',
        idempotencyKey: `bench-fill-${n}`,
        taskHash: 'cd'.repeat(32),
        planHash: plan.hash,
        roleArn: BENCH_ROLE,
        purpose: plan.task.purpose,
        state: 'active',
        decision: DECISION,
        requestedAt: now,
        activeAt: now,
        deadline,
        dueAt: deadline,
      },
      plan,
      lease,
      events: [
        auditEvent('grant.requested', {
          ...head,
          data: {
            planHash: plan.hash,
            roleArn: BENCH_ROLE,
            purpose: plan.task.purpose,
            registration: 'bench-jobs',
            owner: 'ann@bench.example',
            authMethod: 'x509-svid',
            ...evidence,
          },
        }),
        auditEvent('grant.active', { ...head, data: { ...decided, deadline: deadline.toISOString() } }),
        auditEvent('lease.intended', {
          ...head,
          leaseId: lease.id,
          data: { number: 1, notAfter: deadline.toISOString(), ...evidence },
        }),
      ],
    }
  }

  /** The lease of such a grant is issued. */
  issued({ grant, lease }: ReturnType<BenchGrants['open']>, now: Date): LeaseMove {
    const accessKeyId = `ASIAEXAMPLE${lease.id.slice(-9)}`
    const data = { number: 1, sessionName: lease.sessionName, notAfter: lease.notAfter.toISOString(), accessKeyId }
    return {
      leaseId: lease.id,
      to: 'issued',
      accessKeyId,
      issuedAt: now,
      events: [auditEvent('lease.issued', { at: now, actor: 'stint', grantId: grant.id, leaseId: lease.id, data })],
    }
  }

  /** What the provider is asked for the lease of such a grant. */
  mint({ grant, lease, plan }: ReturnType<BenchGrants['open']>): MintRequest {
    const number = 1
    const { id: grantId, roleArn } = grant
    return {
      grant: { ...grant, leaseCount: number, version: 1 },
      lease: { ...lease, grantId, number, roleArn, state: 'intended' },
      plan,
    }
  }
}

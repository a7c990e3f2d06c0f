import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { Ids } from '../../core/ids.ts'
import type { OwnSessionRequest, StartOwnSession } from '../../credentials/own-session.ts'
import type { CredentialProvider } from '../../credentials/provider.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger, OpenGrant } from '../../ledger/ledger.ts'
import type { Plan } from '../../plan/plan.ts'
import { taskHash } from '../../plan/task.ts'
import type { Decision } from '../../policy/decision.ts'
import type { LifeSettings } from '../lifecycle.ts'
import { mintLease } from '../mint-lease.ts'

/** A session of Stint's own as it goes on record, before it exists. */
export interface OwnSession {
  readonly grantId: string
  readonly leaseId: string
  readonly plan: Plan
  readonly denyList?: string
  readonly sessionName: string
  readonly intendedAt: Date
  readonly notAfter: Date
  readonly mintUntil: Date
}

/** Dependencies of naming a session of Stint's own. */
export interface OwnSessionParts {
  readonly clock: Clock
  readonly ids: Ids
  readonly provider: Pick<CredentialProvider, 'nameSession' | 'mintTimeoutMs'>
}

/** Dependencies of a session of the broker's own. */
export interface OwnGrantParts extends OwnSessionParts {
  readonly ledger: Pick<Ledger, 'openGrant' | 'settleLease' | 'getGrant' | 'quarantine' | 'holdsInForce'>
  readonly settings: LifeSettings
}

/** A session for a check of the broker's own: a grant and a lease like any other. The grant ends with its lease. */
export function startOnLedger(parts: OwnGrantParts): StartOwnSession {
  return async (request, signal) => {
    const session = describeOwnSession(parts, request)
    const { plan } = session
    const opened = await parts.ledger.openGrant(toOwnGrant(session))
    // Each session has a grant of its own: nobody else can have opened it.
    if (opened.kind === 'existing' || !opened.lease) throw new StintError('INTERNAL', { grantId: session.grantId })
    const { grant, lease } = opened
    return mintLease({ ...parts, provider: { mint: request.mint } }, { grant, lease, plan, signal })
  }
}

/** The record of a session that is to be started now. */
export function describeOwnSession(
  { clock, ids, provider }: OwnSessionParts,
  { plan, leaseMs, grantId: chosen, denyList }: OwnSessionRequest,
): OwnSession {
  const intendedAt = clock.now()
  const grantId = chosen ?? ids.next('grt', intendedAt)
  return {
    grantId,
    leaseId: ids.next('lse', intendedAt),
    plan,
    ...(denyList !== undefined && { denyList }),
    sessionName: provider.nameSession({ grantId, number: 1, agent: plan.subject }),
    intendedAt,
    notAfter: new Date(intendedAt.getTime() + leaseMs),
    mintUntil: new Date(intendedAt.getTime() + provider.mintTimeoutMs),
  }
}

/** Nobody judged it: the operator's configuration, or the operator, asks for it. */
const OWN_DECISION: Decision = {
  outcome: 'permit',
  determiningPolicies: [],
  failedPairs: [],
  approval: [],
  policySetHash: '0'.repeat(64),
}

/** The grant and the lease of a session of Stint's own. */
export function toOwnGrant(session: OwnSession): OpenGrant & { readonly lease: NonNullable<OpenGrant['lease']> } {
  const { grantId, leaseId, plan, denyList, sessionName, intendedAt, notAfter, mintUntil } = session
  const { subject, task } = plan
  const { roleArn, purpose } = task
  const facts = { roleArn, number: 1, sessionName, notAfter: notAfter.toISOString() }
  const data = { subject, ...(denyList !== undefined && { denyList }), ...facts }
  return {
    grant: {
      id: grantId,
      subject,
      trustDomain: 'stint',
      authMethod: 'broker',
      registration: subject,
      owner: 'stint',
      team: 'stint',
      idempotencyKey: grantId,
      taskHash: taskHash(task),
      planHash: plan.hash,
      roleArn,
      purpose,
      decision: OWN_DECISION,
      requestedAt: intendedAt,
      state: 'active',
      activeAt: intendedAt,
      deadline: notAfter,
      dueAt: notAfter,
    },
    plan,
    lease: { id: leaseId, sessionName, notAfter, intendedAt, mintUntil },
    events: [auditEvent('own_session.intended', { at: intendedAt, actor: 'stint', grantId, leaseId, data })],
  }
}

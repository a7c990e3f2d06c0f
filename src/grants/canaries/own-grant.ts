import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { Ids } from '../../core/ids.ts'
import type { CredentialProvider, IssuedCredentials } from '../../credentials/provider.ts'
import { auditEvent } from '../../ledger/events/audit-event.ts'
import type { Ledger, OpenGrant } from '../../ledger/ledger.ts'
import type { Lease } from '../../ledger/records.ts'
import type { Plan } from '../../plan/plan.ts'
import { taskHash } from '../../plan/task.ts'
import type { Decision } from '../../policy/decision.ts'
import { describeLease, type LifeSettings } from '../lifecycle.ts'
import { mintLease } from '../mint-lease.ts'

/** The subject of canaries' sessions. No agent can have it: it is neither a SPIFFE ID nor a subject of an issuer. */
export const CANARY_SUBJECT = 'stint:canary'

/** Dependencies of a session of the broker's own. */
export interface OwnGrantParts {
  readonly ledger: Pick<Ledger, 'openGrant' | 'settleLease' | 'getGrant'>
  readonly clock: Clock
  readonly ids: Ids
  readonly settings: LifeSettings
  readonly provider: Pick<CredentialProvider, 'nameSession' | 'mintTimeoutMs'>
}

/** A session that the broker wants for itself. */
interface OwnSession {
  readonly grantId: string
  readonly denyList: string
  readonly plan: Plan
  readonly leaseMs: number
  readonly mint: CredentialProvider['mint']
}

/** Nobody judged it: the operator's configuration asks for it. */
const OWN_DECISION: Decision = {
  outcome: 'permit',
  determiningPolicies: [],
  failedPairs: [],
  approval: [],
  policySetHash: '0'.repeat(64),
}

/**
 * A session for a check of the broker's own: a grant and a lease like any other, on record before anything is minted. The grant
 * ends with its lease; the credentials never leave this process.
 *
 * @throws {StintError} as a mint
 */
export async function mintForItself(
  parts: OwnGrantParts,
  session: OwnSession,
  signal: AbortSignal,
): Promise<{ readonly lease: Lease; readonly credentials: IssuedCredentials }> {
  const { grantId, plan, mint } = session
  const opened = await parts.ledger.openGrant(describeOwnGrant(parts, session))
  // Each session has a grant of its own: nobody else can have opened it.
  if (opened.kind === 'existing' || !opened.lease) throw new StintError('INTERNAL', { grantId })
  const { grant, lease } = opened
  return mintLease({ ...parts, provider: { mint } }, { grant, lease, plan, signal })
}

function describeOwnGrant(
  { clock, ids, settings, provider }: OwnGrantParts,
  { grantId, denyList, plan, leaseMs }: OwnSession,
): OpenGrant {
  const { subject, task } = plan
  const { roleArn } = task
  const now = clock.now()
  const deadline = new Date(now.getTime() + leaseMs)
  const naming = { id: ids.next('lse', now), grantId, number: 1, agent: subject }
  const lease = describeLease({ ...naming, now, deadline }, { ...settings, leaseMs }, provider)
  const facts = { number: 1, sessionName: lease.sessionName, notAfter: lease.notAfter.toISOString() }
  const data = { subject, denyList, roleArn, ...facts }
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
      purpose: task.purpose,
      decision: OWN_DECISION,
      requestedAt: now,
      state: 'active',
      activeAt: now,
      deadline,
      dueAt: deadline,
    },
    plan,
    lease,
    events: [auditEvent('own_session.intended', { at: now, actor: 'stint', grantId, leaseId: lease.id, data })],
  }
}

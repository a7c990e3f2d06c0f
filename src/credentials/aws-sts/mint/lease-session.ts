import { withLeaseEnd } from '../../../aws/session-policy.ts'
import { sessionTagValue } from '../../../aws/session-tag.ts'
import type { LeaseEndForm } from '../../../aws/store-profile.ts'
import { hasCode, StintError } from '../../../core/errors.ts'
import { idBody } from '../../../core/ids.ts'
import type { Grant } from '../../../ledger/records.ts'
import type { MintRequest, SessionNaming } from '../../provider.ts'
import type { SessionOutline } from '../../session-size.ts'
import { agentName } from '../agent-name.ts'

/** AWS's shortest session: a lease ends earlier by the time Deny of its session policy. */
export const MIN_SESSION_SECONDS = 900
/** The longest session of a chained role, and the least that a role's MaxSessionDuration can be. */
export const MAX_CHAINED_SESSION_SECONDS = 3_600

/** Keys of a session's tags; the trust policies of task roles take these and no other. */
export const SESSION_TAG_KEYS = ['stint:agent', 'stint:grant', 'stint:owner', 'stint:team'] as const

/** The one session that STS is asked for under a lease; every attempt asks for the same one. */
export interface LeaseSession {
  readonly roleArn: string
  /** RoleSessionName. */
  readonly sessionName: string
  /** SourceIdentity: the grant's id without its prefix. */
  readonly sourceIdentity: string
  /** Complete session policy, with the time Deny at `notAfter`. */
  readonly sessionPolicy: string
  readonly notAfter: Date
  /** Session tags; keys and values are within AWS's character set. */
  readonly tags: Readonly<Record<string, string>>
}

/**
 * RoleSessionName of a lease: `<grant ULID>.<number>.<agent>`, so that one pattern denies all sessions of a grant by name, and
 * another one all sessions of an agent.
 */
export function roleSessionName({ grantId, number, agent }: SessionNaming): string {
  return `${idBody(grantId)}.${number}.${agentName(agent)}`
}

/**
 * The session of a lease at STS.
 *
 * @throws {StintError} PROVIDER_REFUSED, `details.outcome` 'not_minted', for a plan whose session policy cannot be given an end.
 */
export function toLeaseSession({ grant, lease, plan }: MintRequest, leaseEnd: LeaseEndForm): LeaseSession {
  return {
    roleArn: lease.roleArn,
    sessionName: lease.sessionName,
    sourceIdentity: idBody(grant.id),
    sessionPolicy: endingPolicy(plan.sessionPolicy, lease.notAfter, leaseEnd),
    notAfter: lease.notAfter,
    tags: sessionTags(grant),
  }
}

/** Stands for the id of a grant that does not exist yet: all ids have the same length. */
const SOME_GRANT = 'grt_00000000000000000000000000'

/** The parts of a session that count for its size, before there is a grant: its id and its end are always as long. */
export function toSessionParts(
  { roleArn, plan, ...agent }: SessionOutline,
  leaseEnd: LeaseEndForm,
): Pick<LeaseSession, 'roleArn' | 'sessionPolicy' | 'tags'> {
  return {
    roleArn,
    sessionPolicy: endingPolicy(plan.sessionPolicy, new Date(0), leaseEnd),
    tags: sessionTags({ ...agent, id: SOME_GRANT }),
  }
}

function endingPolicy(policy: string, notAfter: Date, leaseEnd: LeaseEndForm): string {
  try {
    return withLeaseEnd(policy, notAfter, leaseEnd)
  } catch (error) {
    if (!hasCode(error, 'INTERNAL')) throw error
    const explanation = "The plan's session policy has no end that can follow the lease; nothing was sent to STS."
    throw new StintError('PROVIDER_REFUSED', { explanation, field: 'Policy', outcome: 'not_minted' }, error)
  }
}

/** Session tags: who and what for, on every AssumeRole event of CloudTrail, and for conditions on `aws:PrincipalTag`. */
function sessionTags(
  grant: Pick<Grant, 'id' | 'subject' | 'owner' | 'team'>,
): Record<(typeof SESSION_TAG_KEYS)[number], string> {
  return {
    'stint:agent': sessionTagValue(grant.subject),
    'stint:grant': idBody(grant.id),
    'stint:owner': sessionTagValue(grant.owner),
    'stint:team': sessionTagValue(grant.team),
  }
}

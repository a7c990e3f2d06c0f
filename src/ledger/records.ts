import type { Json } from '../core/canonical-json.ts'
import type { ErrorCode } from '../core/errors.ts'
import { AUTH_METHODS, type AuthMethod } from '../identity/caller-identity.ts'
import type { ApprovalRequirement, Decision } from '../policy/decision.ts'
import type { ApprovalVoid, Vote } from './approvals/vote.ts'

/** The states of a grant; `GRANT_TRANSITIONS` says which follows which. */
export const GRANT_STATES = [
  'denied',
  'awaiting_approval',
  'rejected',
  'withdrawn',
  'approval_expired',
  'active',
  'ending',
  'ended',
] as const
/** One of `GRANT_STATES`. */
export type GrantState = (typeof GRANT_STATES)[number]

/** States that a grant never leaves. */
export const FINAL_STATES = [
  'denied',
  'rejected',
  'withdrawn',
  'approval_expired',
  'ended',
] as const satisfies readonly GrantState[]

/** The reasons why a grant ends. */
export const END_REASONS = [
  'completed',
  'deadline',
  'revoked',
  'killed',
  'identity_lost',
  'policy_changed',
  'parent_ended',
  'mint_failed',
  'restored',
  'claim_expired',
  'offboarded',
  'alarm',
] as const
/** One of `END_REASONS`. */
export type EndReason = (typeof END_REASONS)[number]

/** Methods by which a grant's agent proved its identity. `broker`: no agent, the broker started a session for its own check. */
export const GRANT_AUTH_METHODS = [...AUTH_METHODS, 'broker'] as const
/** One of `GRANT_AUTH_METHODS`. */
export type GrantAuthMethod = (typeof GRANT_AUTH_METHODS)[number]

/** A recorded permission to act on one plan until a deadline. */
export interface Grant {
  /** `grt_<ULID>`. */
  readonly id: string
  readonly subject: string
  readonly trustDomain: string
  readonly authMethod: GrantAuthMethod
  /** Name of the registration that covered the agent when it asked. */
  readonly registration: string
  readonly owner: string
  readonly team: string
  readonly idempotencyKey: string
  /** SHA-256 of the canonical task: tells a repeat from a reuse of the key. */
  readonly taskHash: string
  readonly planHash: string
  readonly roleArn: string
  readonly purpose: string
  readonly state: GrantState
  /** Why it is ending or ended; undefined in other states. */
  readonly reason?: EndReason
  readonly decision: Decision
  readonly requestedAt: Date
  /** When it became active. */
  readonly activeAt?: Date
  /** The latest instant that any lease may reach. Undefined until active, and for an approved grant until its first lease. */
  readonly deadline?: Date
  /** Set on an approved grant without a lease: by then its agent must have collected it. */
  readonly claimBy?: Date
  /** With `claimBy`: the time of its task, milliseconds, which begins with the first lease. */
  readonly taskMs?: number
  /** In `ending`: by when its credentials will have stopped working. */
  readonly effectiveBy?: Date
  readonly endedAt?: Date
  /** When the sweeper must handle it next; undefined in final states. */
  readonly dueAt?: Date
  /** Number of the newest lease; 0 when none was ever intended. */
  readonly leaseCount: number
  /** Up by one with every change of this row; every write names the version it saw. */
  readonly version: number
}

/** The states of a lease; what is `intended` counts as minted. */
export const LEASE_STATES = ['intended', 'issued', 'ended'] as const
/** One of `LEASE_STATES`. */
export type LeaseState = (typeof LEASE_STATES)[number]

/** `expired`: its time ran out. `not_minted`: the provider made no session. `cut`: the deny list ended it sooner. */
export const LEASE_ENDS = ['expired', 'not_minted', 'cut'] as const
/** One of `LEASE_ENDS`. */
export type LeaseEnd = (typeof LEASE_ENDS)[number]

/** One set of credentials under a grant. `intended` counts as minted until its `notAfter`. */
export interface Lease {
  readonly id: string
  readonly grantId: string
  /** 1, 2, 3 … within the grant. */
  readonly number: number
  readonly roleArn: string
  /** The provider's name of the session; chosen before it is asked for one, so that it can be found and denied by name. */
  readonly sessionName: string
  readonly state: LeaseState
  readonly end?: LeaseEnd
  /** From this instant on nothing works. */
  readonly notAfter: Date
  readonly intendedAt: Date
  /** The process that mints it; a new start is a new one. Missing, as `mintUntil`, in leases from before both were on record. */
  readonly replica?: string
  /** By then its mint has been answered or given up. */
  readonly mintUntil?: Date
  readonly issuedAt?: Date
  readonly endedAt?: Date
  /** The public id of its credentials, by which the cloud's own log names them; never the secret. */
  readonly accessKeyId?: string
  /** True for an `intended` lease whose mint was sent and never answered. */
  readonly outcomeUnknown?: boolean
}

/** The states of an approval; all but `pending` are final. `voided`: see `VOID_REASONS`. */
export const APPROVAL_STATES = ['pending', 'approved', 'rejected', 'withdrawn', 'expired', 'voided'] as const
/** One of `APPROVAL_STATES`. */
export type ApprovalState = (typeof APPROVAL_STATES)[number]

/** A question about one plan hash, with the votes on it. */
export interface Approval {
  readonly id: string
  readonly grantId: string
  readonly planHash: string
  readonly requirements: readonly ApprovalRequirement[]
  readonly state: ApprovalState
  readonly requestedAt: Date
  readonly expiresAt: Date
  /** One for each person at most, in the order in which they were cast. */
  readonly votes: readonly Vote[]
  /** The actor whose act ended the question: `operator:<name>`, or the agent that withdrew it. */
  readonly decidedBy?: string
  readonly decidedAt?: Date
  /** The words of whoever ended it. */
  readonly note?: string
  /** Set if it is voided. */
  readonly voided?: ApprovalVoid
  /** Number of further grants that rest on it; absent: none. */
  readonly uses?: number
  /** For a grant that rests on the approval of an earlier one: that approval. */
  readonly reuseOf?: string
  readonly version: number
}

/** How a deny came to count as in force: a session that the document denies was refused, or enough time has passed. */
export const DENY_PROOFS = ['canary', 'settle_time'] as const
/** One of `DENY_PROOFS`. */
export type DenyProof = (typeof DENY_PROOFS)[number]

/** A grant that a policy document of the cloud has to deny, and whether it does yet. */
export interface DenyEntry {
  readonly grantId: string
  /** Key of the policy document that carries it: see `DenyListLocation`. */
  readonly listKey: string
  readonly wantedAt: Date
  /** From then on no session of the grant works anyway, with a margin. The entry may leave the document only then. */
  readonly until: Date
  /** The newest instant at which a lease of this grant was issued; a watermark after it covers the grant. */
  readonly lastIssuedAt: Date
  /** The subject that the grant is for; missing when the row of the grant is damaged. */
  readonly agent?: string
  /** The names of all its sessions carry the agent, so that a watermark of the agent covers it. */
  readonly namesAgent?: boolean
  /** Its sessions may have made others, which no watermark reaches. */
  readonly chains?: boolean
  /** An operator ended the grant: it may use the places kept in reserve. */
  readonly urgent?: boolean
  /** The hold that ended the grant, or that hurried its deny. */
  readonly holdId?: string
  readonly writtenAt?: Date
  /** The document denies it by a watermark, not by its name. */
  readonly byWatermark?: boolean
  readonly enforcedAt?: Date
  /** Missing with an entry from before this was on record. */
  readonly enforcedBy?: DenyProof
}

/** A deny list denies the sessions of one agent that were issued before an instant. */
export interface DenyAgentWatermark {
  /** Its subject. */
  readonly agent: string
  readonly before: Date
}

/** The mark that every policy document carries: the ledger that wrote it, and the number of the write. */
export interface DenyMark {
  /** The id of the ledger that the list comes from: 12 characters of Crockford's base32. */
  readonly ledgerId: string
  /** Number of the opening of the ledger. Later openings have higher numbers; copies of a ledger never share one. */
  readonly epoch: number
  /** Number of the write: the `claimVersion` under which it was made. */
  readonly sequence: number
}

/** The identity of a ledger. A copy of the ledger has the same id. */
export interface LedgerIdentity extends Pick<DenyMark, 'ledgerId' | 'epoch'> {
  /** This process: the owner of the claims that it takes, and of the chain that it writes. A new start is a new one. */
  readonly replica: string
  /** The earlier openings on record. */
  readonly earlierEpochs: ReadonlySet<number>
}

/** One of the documents that a deny list is spread over. */
export interface DenyDocumentRecord {
  readonly key: string
  /** The digest of the last confirmed write, and its number; the list has that of the first document. */
  readonly written?: DenyList['written']
  /** Failed attempts in a row, while the other documents hold. */
  readonly attempts: number
  readonly lastError?: string
  /** When the first of those attempts failed. */
  readonly failingSince?: Date
}

/** The last claim that one opening of the ledger took on a deny list. */
export interface DenyClaim {
  readonly epoch: number
  /** Its `claimVersion`, which is the highest number that a write of this opening can have. */
  readonly version: number
}

/** The grants that have to be denied by the same policy documents, which the reconciler writes whole. */
export interface DenyList {
  /** Key of the first policy document: see `DenyListLocation`. */
  readonly key: string
  /** Undefined when nothing is to be written. */
  readonly nextAttemptAt?: Date
  /** Failed attempts in a row. */
  readonly attempts: number
  readonly lastError?: string
  /** When the first of those attempts failed. */
  readonly failingSince?: Date
  readonly lastWrittenAt?: Date
  /** The digest of the last confirmed write, and its number: see `DenyMark`. */
  readonly written?: { readonly digest: string; readonly sequence: number }
  /** The documents of a list that has several, the first included. */
  readonly documents?: readonly DenyDocumentRecord[]
  /** Sessions under this list that were issued before this instant are denied. */
  readonly watermark?: Date
  /** Missing for a list that no quarantine has cut. */
  readonly cut?: QuarantineCut
  readonly claimedBy?: string
  readonly claimedUntil?: Date
  /** Fences a claim: a write that names an older one is refused. */
  readonly claimVersion: number
  /** `claimVersion` when the ledger was opened; missing for a list that is newer. */
  readonly openedVersion?: number
  /** The newest claims, one for each opening, the latest last; missing in a ledger that one process at a time uses. */
  readonly claims?: readonly DenyClaim[]
}

/** Why an agent with a valid identity was not served; codes of the error catalogue. */
export const UNREGISTERED_REASONS = [
  'AGENT_UNREGISTERED',
  'REGISTRATION_EXPIRED',
] as const satisfies readonly ErrorCode[]

/** An agent with a valid identity that no registration covers. */
export interface UnregisteredAttempt {
  readonly subject: string
  readonly trustDomain: string
  readonly authMethod: AuthMethod
  readonly reason: (typeof UNREGISTERED_REASONS)[number]
  readonly firstSeenAt: Date
  readonly lastSeenAt: Date
  readonly count: number
}

/** The content of an event. On reading, its type may be one that an older or newer version wrote: EVENT_CATALOG has those of this one. */
export interface EventContent {
  /** Subject and past participle, with a dot between. */
  readonly type: string
  readonly at: Date
  /** SPIFFE ID or subject of an agent, `operator:<name>` or `stint`. */
  readonly actor: string
  readonly grantId?: string
  readonly leaseId?: string
  /** The call that caused it, and its trace; absent for what happens because time passes. The ledger adds them. */
  readonly requestId?: string
  readonly traceId?: string
  readonly data?: Json
}

/**
 * Why a ledger is quarantined. `restored`: an operator has put a backup in its place. `outdated`: a deny document carries a later
 * state of it, so it was set back.
 */
export const QUARANTINE_REASONS = ['restored', 'outdated'] as const
/** One of `QUARANTINE_REASONS`. */
export type QuarantineReason = (typeof QUARANTINE_REASONS)[number]

/** A time during which a ledger gives nothing out, since it does not know all that was given out before. */
export interface Quarantine {
  /** 1, 2, 3 … */
  readonly number: number
  readonly reason: QuarantineReason
  readonly since: Date
  readonly by: 'stint' | `operator:${string}`
  /** The backup that was restored, or the document that showed a later state. */
  readonly found: string
  /** Missing while it is in force. */
  readonly opened?: QuarantineOpening
}

/** The end of a quarantine. */
export interface QuarantineOpening {
  readonly at: Date
  /** `operator:<name>` */
  readonly by: string
  readonly note: string
  /** Why it was opened although sessions from before may still work. */
  readonly acceptedRisk?: string
}

/** The cut of a quarantine: a deny list denies every session that was issued before an instant, whatever entries it has. */
export interface QuarantineCut {
  /** The number of the quarantine. */
  readonly quarantine: number
  /** Whole seconds. */
  readonly before: Date
  /** From then on no session from before works anyway. */
  readonly until: Date
  /** When the document was written with it, by the cloud's clock; missing: not yet. */
  readonly writtenAt?: Date
  readonly enforcedAt?: Date
}

/** An event in its place of the chain. */
export interface AuditEvent extends EventContent {
  readonly id: string
  /**
   * Where it stands in the order that pages and exports follow; given when it was committed, with gaps. Not part of what its
   * hash is over.
   */
  readonly position: number
  /** Its writer: a broker process, from its start to its end. Missing in events recorded before chains had names. */
  readonly chain?: string
  /** 1, 2, 3 … without gaps in its chain. */
  readonly seq: number
  /** Hash of the event before in its chain; 64 zeros for the first. */
  readonly prevHash: string
  /** Lower-case hex SHA-256 over the canonical JSON of every other field but `position`. */
  readonly hash: string
}

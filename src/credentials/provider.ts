import type { Secret } from '../core/secret.ts'
import type { DenyMark, Grant, Lease } from '../ledger/records.ts'
import type { LiveDocument } from '../ledger/rules/deny-document-rules.ts'
import type { Plan } from '../plan/plan.ts'
import type { CloudClock } from './cloud-clock.ts'
import type { SessionOutline, SizeForecast } from './session-size.ts'

/** The records that a lease is minted from; all of it is on record before `mint` is called. */
export interface MintRequest {
  readonly grant: Grant
  /** As intended: its session name and its end are chosen. */
  readonly lease: Lease
  /** The plan on record: nothing outside it may be allowed. */
  readonly plan: Plan
}

/** Fields that every kind of credentials has. */
interface CommonCredentials {
  /** The id of these credentials in the cloud's own log; public, and on record for correlation. */
  readonly id: string
  readonly issuedAt: Date
  /** When the session ends by itself: later than `notAfter`, from which on nothing works. */
  readonly sessionExpiresAt: Date
}

/** Temporary credentials of AWS. */
export interface AwsCredentials extends CommonCredentials {
  readonly kind: 'aws'
  /** The same as `id`. */
  readonly accessKeyId: string
  readonly secretAccessKey: Secret
  readonly sessionToken: Secret
}

/** The credentials of one lease, by kind. They exist in memory and in one response, nowhere else. */
export type IssuedCredentials = AwsCredentials

/**
 * The result of a failed mint. `not_minted`: certainly no session was made. `unknown`: one may have been; treat as minted.
 * A provider attaches it as `details.outcome` of the StintError it throws.
 */
export type MintOutcome = 'not_minted' | 'unknown'

/**
 * The far side's own words, cleaned of all that could be a credential: the `cause` of a provider's StintError.
 * Operators read it in the log and the trail; an agent gets the error's `details` only.
 */
export class ProviderReply extends Error {
  override readonly name = 'ProviderReply'
  /** e.g. `AccessDenied`. */
  readonly code: string
  /** The id that the far side gave the call; its support finds the call by it. */
  readonly requestId: string | undefined

  /** @param words '' where nothing may be quoted. */
  constructor(code: string, words: string, requestId?: string) {
    super(words)
    this.code = code
    this.requestId = requestId
    // A stack trace would show only where we read the answer.
    this.stack = ''
  }
}

/** Where the deny list of a role is kept, and the roles that it reaches. */
export interface DenyListLocation {
  /** `boundary:<policy ARN>` or `inline:<role ARN>`. */
  readonly key: string
  readonly roleArns: readonly string[]
}

/** The whole content of a deny list. */
export interface DenyListContent {
  /** Ids of grants. */
  readonly grants: readonly string[]
  /** Those of `grants` whose sessions may have made others, which are to be denied too. */
  readonly chaining?: readonly string[]
  /** Sessions of one agent that are denied too. */
  readonly agents?: readonly AgentWatermark[]
  /** Sessions of everybody that were issued before this instant are denied too; whole seconds. */
  readonly watermark?: Date
}

/** A document of a list as it stands in the cloud, whoever wrote it. */
export interface LiveDenyList extends LiveDocument {
  /** False: there is none, which denies nobody. */
  readonly exists: boolean
  /** The cloud's time, of this answer. */
  readonly at?: Date
  /** The sessions that it denies; missing where a list has one document only. */
  readonly denies?: DocumentDenies
}

/** The sessions that one document denies by itself. */
export interface DocumentDenies {
  /** A grant by its own name. */
  names(grantId: string): boolean
  /** All sessions of a grant, by its name or by a watermark. */
  covers(grant: DeniedGrant): boolean
}

/** A grant that has to be denied, and what decides how it can be. */
export interface DeniedGrant {
  readonly grantId: string
  /** The newest instant at which one of its sessions can have been issued. */
  readonly lastIssuedAt: Date
  /** The agent that the grant is for. Missing, or without `named`: no watermark of an agent covers it. */
  readonly agent?: string
  /** All of its sessions carry the agent in their names. */
  readonly named?: boolean
  /** Its sessions can have made others, which no watermark of its agent covers. */
  readonly chains?: boolean
}

/** Denies the sessions of one agent that were issued before an instant; whole seconds. */
export interface AgentWatermark {
  /** Its subject. */
  readonly agent: string
  readonly before: Date
}

/** The parts of a session's name. */
export interface SessionNaming {
  readonly grantId: string
  /** The number of the lease within the grant. */
  readonly number: number
  /** The subject that the grant is for. */
  readonly agent: string
}

/** How long leases have to be denied, and which ones the deny must cover. */
export interface DenyWindow {
  /** After everything that can come of the leases has stopped working by itself, with a margin. */
  readonly until: Date
  /** The newest instant at which one of the leases can have been issued. */
  readonly lastIssuedAt: Date
  /** True if sessions that the leases' credentials make may work after the leases' own ends, so that a deny is needed even then. */
  readonly outlivesLeases: boolean
  /** The names of all sessions carry the agent, so that a watermark of the agent reaches them. */
  readonly namesAgent: boolean
}

/** The right to change a document, which another process may have taken over. */
export interface WriteRight {
  /** Asks whether it still holds. @throws {StintError} LEDGER_CONFLICT, LEDGER_UNAVAILABLE */
  confirm(): Promise<void>
  /** The same from memory alone, for the last moment before a request goes out. @throws {StintError} as `confirm` */
  hold(): void
}

/** The deny lists that the configuration names by itself, and the roles whose lists it does not. */
export interface DenyReach {
  /** Keys of lists. */
  readonly lists: readonly string[]
  /** Roles whose sessions can only run out, and patterns of roles that have a list only once a session is on record. */
  readonly beyond: readonly string[]
}

/** Mints leases and denies them. One implementation per cloud service; one contract suite for all. */
export interface CredentialProvider {
  readonly name: string
  /** Missing where answers do not tell the time. */
  readonly cloudClock?: CloudClock
  /**
   * The name of a lease's session. It is on record before the mint, so that a session of unknown outcome can be
   * found in the cloud's log, and denied. Pure; no two leases share a name.
   */
  nameSession(lease: SessionNaming): string
  /** How long a mint takes at most, from the record of its lease to the last answer: the process that mints waits no longer. */
  readonly mintTimeoutMs: number
  /**
   * Credentials for one lease: they allow nothing outside the plan, and nothing at all from `lease.notAfter` on.
   *
   * @throws {StintError} PROVIDER_UNAVAILABLE, PROVIDER_THROTTLED, PROVIDER_REFUSED, PROVIDER_ANSWER_INVALID,
   *   SESSION_POLICY_TOO_LARGE, CANCELLED; `details.outcome` is a MintOutcome.
   */
  mint(request: MintRequest, signal: AbortSignal): Promise<IssuedCredentials>
  /** Looks at memory only; absent where the cloud has no limit that a plan could exceed unseen. */
  forecastSize?(session: SessionOutline): SizeForecast
  /**
   * The deny that these leases need. Pure, so that the decisions about a grant's life can use it. An `intended` lease counts
   * as minted.
   *
   * @param plan what the leases allow; undefined stands for the plan that needs the longest deny.
   */
  denyWindow(leases: readonly Lease[], plan: Plan | undefined): DenyWindow
  /** Undefined for a role whose sessions can only run out. */
  findDenyList(roleArn: string): DenyListLocation | undefined
  /** The lists by which all sessions can be cut, known or not. Looks at the configuration only. */
  denyReach(): DenyReach
  /**
   * False for a list that no role of the configuration has any more. It is written for what is on it, and then no more. Missing
   * where `fits` says it, since no list outlives its roles.
   */
  isServed?(listKey: string): boolean
  /**
   * The keys of the documents that a list is spread over, each of which reaches all roles of the list; the first has the key
   * of the list. None for a list that no configured role has. Missing where each list has one document.
   */
  listDocuments?(listKey: string): readonly string[]
  /** True if a list fits into a policy document. @param spare how many further grants it must have room for */
  fits(documentKey: string, list: DenyListContent, spare?: number): boolean
  /** The digest of the document that a list would have; compare it with that of `readDenyList`. @throws {StintError} PROVIDER_REFUSED */
  digestDenyList(documentKey: string, list: DenyListContent): string
  /** Reads what a document of a list says now. @throws {StintError} PROVIDER_* */
  readDenyList(documentKey: string, signal: AbortSignal): Promise<LiveDenyList>
  /**
   * Writes the whole content of a document; idempotent; resolves when the service accepted it.
   *
   * @param mark goes into the document.
   * @param right is asked before each call that changes the document; what it throws ends the write.
   * @returns the cloud's time at which it did, where its answer told it.
   * @throws {StintError} PROVIDER_*
   */
  writeDenyList(
    documentKey: string,
    list: DenyListContent,
    signal: AbortSignal,
    mark?: DenyMark,
    right?: WriteRight,
  ): Promise<{ readonly at?: Date }>
}

import type { Json } from '../../core/canonical-json.ts'

/** The purpose of a hold. `kill`: the kill switch. `suspended`, `offboarded`: an agent that is not to work now, or ever again. */
export const HOLD_KINDS = ['kill', 'suspended', 'offboarded'] as const
/** One of `HOLD_KINDS`. */
export type HoldKind = (typeof HOLD_KINDS)[number]

/** The kinds of scope of a hold, from one grant to everything. */
export const HOLD_SCOPES = [
  'grant',
  'agent',
  'owner',
  'team',
  'trust_domain',
  'issuer',
  'role',
  'account',
  'label',
  'everything',
] as const
/** One of `HOLD_SCOPES`. */
export type HoldScopeKind = (typeof HOLD_SCOPES)[number]

/** The grants that a hold covers: see `covers`. */
export interface HoldScope {
  readonly kind: HoldScopeKind
  /**
   * The id of the grant; the agent as a registration matches it, or the name of its registration; the owner, team, trust domain, alias
   * of the issuer, ARN of the role, id of the role's account, or label. `*` for everything.
   */
  readonly value: string
}

/** Who set a hold: an operator, a part of the broker, or whoever could write the break-glass file. */
export type HoldActor = `operator:${string}` | 'stint' | 'file'

/** The end of a hold. */
export interface HoldLift {
  readonly at: Date
  readonly by: `operator:${string}`
  readonly note: string
  /** Whoever set it has lifted it, since a setting allows that. */
  readonly alone?: true
}

/** A scope in which nothing is given out from its commit on until it is lifted. Grants that it ended stay ended. */
export interface Hold {
  /** `kil_<ULID>` of a kill, `hld_<ULID>` of any other. */
  readonly id: string
  readonly kind: HoldKind
  readonly scope: HoldScope
  readonly since: Date
  readonly by: HoldActor
  readonly why: string
  /** Agents that it stops are told why. */
  readonly isPublic?: true
  /** Missing while it is in force. */
  readonly lifted?: HoldLift
  /** There is work left to do for it, which one process at a time claims. */
  readonly isRunning?: true
  readonly claimedBy?: string
  readonly claimedUntil?: Date
  /** The progress of that work, in a form that its worker chooses. */
  readonly progress?: Json
  /** Up by one with every change of this row; every write names the version it saw. */
  readonly version: number
}

/** Number of grants that the deny lists have to deny because of a hold. An entry whose last session is over has left the list. */
export interface HeldDenies {
  readonly all: number
  /** Those that no document denies yet. */
  readonly unwritten: number
  /** Those whose document is not known to be in force yet. */
  readonly unenforced: number
  /** When the last of their sessions ends by itself; missing without entries that are not in force. */
  readonly until?: Date
}

/** How an agent is registered: what holds of a registration, an owner or a team go by. */
export interface Registered {
  readonly registration: string
  readonly owner: string
  readonly team: string
}

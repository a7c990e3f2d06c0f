/** The outcomes of a decision. `approval` means permitted once a person has approved. */
export const OUTCOMES = ['permit', 'deny', 'approval'] as const

/** Why a pair was not allowed: no policy permits it, a policy forbids it, or a policy failed to evaluate. */
export const FAILURE_REASONS = ['no_permit', 'forbidden', 'evaluation_error'] as const

/** A pair of the plan that policy did not allow, and why. */
export interface FailedPair {
  readonly action: string
  readonly resource: string
  readonly reason: (typeof FAILURE_REASONS)[number]
  /** Ids of the forbidding or failing policies; empty for `no_permit`. */
  readonly policies: readonly string[]
  /** The pair's conditions as `conditionText` says them; absent rather than empty. */
  readonly conditions?: readonly string[]
}

/**
 * How surely a vote comes from the person: by a bearer token alone, or confirmed by a second proof made for this very vote. The
 * later ones are the stronger.
 */
export const VOTE_ASSURANCES = ['no_step_up', 'step_up'] as const
/** One of `VOTE_ASSURANCES`. */
export type VoteAssurance = (typeof VOTE_ASSURANCES)[number]

/**
 * The strongest assurance that a vote can have in this version: operators call the admin API by bearer token, and nothing confirms
 * a single vote.
 */
export const ATTAINABLE_ASSURANCE: VoteAssurance = 'no_step_up'

/** People whom a requirement can exclude. `owner`: the owner of the agent's registration. */
export const EXCLUDABLE = ['owner'] as const
/** One of `EXCLUDABLE`. */
export type Excludable = (typeof EXCLUDABLE)[number]

/**
 * One condition of an approval: so many members of these groups must approve. `any` stands for every approver. One person may count
 * towards several requirements, never twice towards one.
 */
export interface ApprovalRequirement {
  readonly anyOf: readonly string[]
  /** Number of different people; absent: one. */
  readonly count?: number
  /** People whose vote does not count; absent rather than empty. */
  readonly exclude?: readonly Excludable[]
  /** The least assurance of each vote; absent: any. */
  readonly assurance?: VoteAssurance
  /** Policy ids, `class:<class>` or `label:<label>` that asked for it. */
  readonly because: readonly string[]
}

/** The number of times that an approval of one plan may be used, and for how long after it was given. */
export interface ReuseLimit {
  /** Grants in all, the first included. */
  readonly uses: number
  readonly withinMs: number
}

/** An approval that a policy waived: nobody was asked, and the record says why. */
export interface Waiver {
  /** Id of the policy that waived it. */
  readonly policy: string
  /** The `@reason` of that policy. */
  readonly reason: string
  /** The reasons for the approval: policy ids, `class:<class>` or `label:<label>`. */
  readonly because: readonly string[]
}

/** The decision on a plan. The default is to deny; an evaluation error is a denial. */
export interface Decision {
  readonly outcome: (typeof OUTCOMES)[number]
  /** `@id`s of the policies that decided, sorted. */
  readonly determiningPolicies: readonly string[]
  readonly failedPairs: readonly FailedPair[]
  /** How many more pairs failed than are listed, in a decision on record. */
  readonly failedPairsLeftOut?: number
  /** All of them must be met, by one person or by several; empty unless `outcome` is `approval`. */
  readonly approval: readonly ApprovalRequirement[]
  /** The number of times that an approval of this plan may be used; absent: once. */
  readonly reuse?: ReuseLimit
  /** Approvals that nobody had to give; absent if there are none. */
  readonly waivers?: readonly Waiver[]
  /** Lower-case hex SHA-256 of the policy set that judged. */
  readonly policySetHash: string
}

/** A copy with mutable lists, as the types of JSON require. */
export function copyFailedPair({ conditions, policies, ...pair }: FailedPair) {
  return { ...pair, policies: [...policies], ...(conditions && { conditions: [...conditions] }) }
}

import type { VoteAssurance } from '../../policy/decision.ts'

/** The two answers to a plan. A rejection is final and ends the question. */
export const VERDICTS = ['approve', 'reject'] as const
/** One of `VERDICTS`. */
export type Verdict = (typeof VERDICTS)[number]

/** Ways by which a vote reaches the broker: the program `stint`, or any other client that has an operator's bearer token. */
export const VOTE_CHANNELS = ['cli', 'token'] as const
/** One of `VOTE_CHANNELS`. */
export type VoteChannel = (typeof VOTE_CHANNELS)[number]

/** One person's recorded word on an approval. A person has one vote: a later one takes the place of the earlier one. */
export interface Vote {
  /** Name of the operator. Two spellings that differ in case are one person: see `toVoterKey`. */
  readonly voter: string
  readonly verdict: Verdict
  readonly at: Date
  /** One of `VOTE_CHANNELS`; a newer version may have written another one. */
  readonly channel: string
  readonly assurance: VoteAssurance
  /** The person's own words. */
  readonly note: string
  /** Hash of the plan that the person voted on. */
  readonly planHash: string
  /** The voter's groups when the vote was cast. Whether the vote counts is decided by the groups of later instants. */
  readonly groups: readonly string[]
}

/** Why a question was voided: its task came to another plan, or policy denies the plan that was asked about. */
export const VOID_REASONS = ['plan_changed', 'policy_denied'] as const
/** One of `VOID_REASONS`. */
export type VoidReason = (typeof VOID_REASONS)[number]

/** Why an approval was voided while the question was open. */
export interface ApprovalVoid {
  readonly reason: VoidReason
  /** Hash of the plan that the task comes to now. */
  readonly planHash: string
  /** What changed, or what policy denies, each a sentence. */
  readonly changes: readonly string[]
}

/** Identifies a person: names of operators do not differ in case alone. */
export function toVoterKey(name: string): string {
  return name.toLowerCase()
}

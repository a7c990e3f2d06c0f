import type { ActionClass, ActionFlag } from '../aws/action-classes.ts'
import type { Condition } from '../aws/conditions/condition.ts'
import type { LabelMark } from './labels/labels.ts'
import type { OnwardStep, PlanReach } from './reach/reach-record.ts'
import type { Task } from './task.ts'

/** One action on one resource pattern: the unit that is classified, labelled, judged and allowed. */
export interface PlanPair {
  /** Canonical AWS spelling, never a wildcard, e.g. `s3:GetObject`. */
  readonly action: string
  /** An ARN pattern (`*` and `?` as IAM reads them), or `*`. */
  readonly resource: string
  readonly class: ActionClass
  readonly flags: readonly ActionFlag[]
  /** Labels that hold for every resource the pattern can match. Sorted. */
  readonly within: readonly string[]
  /** Labels that hold for at least one resource the pattern can match. Sorted; a superset of `within`. */
  readonly touches: readonly string[]
  /** Conditions that every request must meet; absent rather than empty. */
  readonly conditions?: readonly Condition[]
}

/** The possible effect of the grant, in numbers: shown before anyone approves. Unknown parts are named, never guessed. */
export interface BlastRadius {
  readonly actions: number
  readonly resourcePatterns: number
  readonly byClass: Readonly<Partial<Record<ActionClass, number>>>
  /** Pairs per touched label. */
  readonly byLabel: Readonly<Record<string, number>>
  /** Pairs per condition, each as `conditionText` says it; absent where no pair has a condition. */
  readonly byCondition?: Readonly<Record<string, number>>
  readonly flags: readonly ActionFlag[]
  /** Actions whose effect or credential lives on after revocation, with the reason. */
  readonly outlives: readonly { readonly action: string; readonly reason: string }[]
  /** Sources that this figure does not include, e.g. `role policies`, `service control policies`, `resource policies`. */
  readonly unknown: readonly string[]
}

/** Reasons why members of an action wildcard are not in a plan. Later versions may add some. */
export const DROP_REASONS = [
  'needs_resource',
  'star_not_allowed',
  'returns_secret',
  'no_resource_fits',
  'condition_unknown',
  'unknown_to_store',
] as const
/** One of `DROP_REASONS`. */
export type DropReason = (typeof DROP_REASONS)[number]

/** Members of an action wildcard that are not in the plan. They are shown, so that nothing disappears in silence. */
export interface DroppedActions {
  /** As written, e.g. `iam:Get*`. */
  readonly pattern: string
  /** Actions that the pattern stands for. */
  readonly members: number
  readonly reason: DropReason
  /** How many are left out for this reason. */
  readonly count: number
  /** The first of them. */
  readonly actions: readonly string[]
  /** e.g. `20 of 34 actions of iam:Get* need a resource` */
  readonly explanation: string
}

/**
 * Kinds of warnings. Later versions may add some. `cannot_revoke`: credentials work until they expire.
 * `sets_tag_key`: an action may set a tag key on which a label or a role's policy rests. `class_lowered`: an operator's override
 * gives an action of the plan a milder class than Stint does. `actions_shortened`: the session policy has wildcards, which
 * also match actions that AWS adds later. `role_refuses`: the role's own policies do not allow some pairs, so AWS will refuse
 * them. `session_nearly_full`: the session is predicted to take most of the packed size that
 * STS allows. `session_too_large`: STS refused the very same session lately. The last two change with time, so they are no part
 * of a plan.
 */
export const PLAN_WARNINGS = [
  'cannot_revoke',
  'sets_tag_key',
  'class_lowered',
  'actions_shortened',
  'role_refuses',
  'session_nearly_full',
  'session_too_large',
] as const

/** A fact about a plan that whoever approves it or uses it should know; it forbids nothing. */
export interface PlanWarning {
  readonly kind: (typeof PLAN_WARNINGS)[number]
  /** Its meaning for this plan, and what would change it. */
  readonly explanation: string
}

/**
 * The access that a task amounts to. Immutable; the hash covers everything in it, so an approval of the hash is an approval
 * of all of it.
 */
export interface Plan {
  /** Lower-case hex SHA-256 over the canonical JSON of all other fields. */
  readonly hash: string
  readonly subject: string
  readonly task: Task
  readonly pairs: readonly PlanPair[]
  readonly classes: readonly ActionClass[]
  readonly flags: readonly ActionFlag[]
  /** The session policy's Allow statements, and the Deny of the role's network, as minified JSON, without the time Deny that each lease adds. */
  readonly sessionPolicy: string
  /** Characters of the session policy with the time Deny; at most 2,048. */
  readonly sessionPolicyCharacters: number
  readonly blastRadius: BlastRadius
  /** The part of it that the role's own policies allow; absent if they are not known, and on older plans. */
  readonly reach?: PlanReach
  /** Further effects, one step on, that its own effects could have; absent if none are known, and on older plans. */
  readonly onward?: readonly OnwardStep[]
  /** Marks of the labels that it touches; absent if none is marked. */
  readonly labelMarks?: Readonly<Record<string, readonly LabelMark[]>>
  /** Absent if nothing was dropped, and on older plans. */
  readonly dropped?: readonly DroppedActions[]
  /** Absent if there is none, and on older plans. */
  readonly warnings?: readonly PlanWarning[]
  /** Version of the action table that classified it. */
  readonly actionTableVersion: string
}

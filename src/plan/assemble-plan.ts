import { ACTION_CLASSES, type ActionClass } from '../aws/action-classes.ts'
import { parseRoleArn } from '../aws/arn.ts'
import { ACTION_TABLE_VERSION, classify } from '../aws/classify.ts'
import { riskierClass } from '../aws/judging/judge-action.ts'
import { withResourceFlags } from '../aws/judging/resource-flags.ts'
import type { SessionPolicy } from '../aws/session-policy.ts'
import { canonicalJson, type Json, sha256Hex } from '../core/canonical-json.ts'
import { type ActionOverrides, describeLowering } from './action-overrides.ts'
import { declaredBlastRadius } from './blast-radius.ts'
import { createLabelFinder } from './labels/find-labels.ts'
import { findMarks, type LabelSet } from './labels/labels.ts'
import { findSettableKey, protectedTagKeys, type SettableKey } from './labels/tag-keys.ts'
import { findTagLabels } from './labels/tag-labels.ts'
import type { Pairing } from './pairing/pair-access.ts'
import type { DroppedActions, Plan, PlanPair, PlanWarning } from './plan.ts'
import { wildcardWarnings } from './plan-size.ts'
import { onwardSteps } from './reach/onward.ts'
import { type FindRoleReach, noReachWarning, planReach } from './reach/plan-reach.ts'
import type { RoleSettings } from './role-settings.ts'
import type { Task } from './task.ts'

/** The parts of a task without problems. */
export interface SoundParts {
  readonly pairings: readonly Pairing[]
  readonly dropped: readonly DroppedActions[]
  readonly sessionPolicy: SessionPolicy
}

/** The settings that plans depend on. */
export interface PlanAssemblyOptions {
  readonly labels: LabelSet
  readonly roles: Pick<ReadonlyMap<string, RoleSettings>, 'get'>
  readonly overrides: ActionOverrides
  /** The class of an action, after overrides. */
  readonly findClass: (action: string) => ActionClass
  /** The reach of a role whose policies are known; absent: of none. */
  readonly findReach?: FindRoleReach | undefined
}

/** Makes a function that assembles a plan: classes, labels, warnings, blast radius, reach and hash. @returns plans are deeply frozen */
export function createPlanAssembly({
  labels,
  roles,
  overrides,
  findClass,
  findReach,
}: PlanAssemblyOptions): (subject: string, task: Task, parts: SoundParts) => Plan {
  const taggedLabels = labels.labels.filter(({ tags }) => tags.length > 0)
  return (subject, task, { pairings, dropped, sessionPolicy: policy }) => {
    const { roleArn } = task
    const findLabels = createLabelFinder(labels, roleArn)
    const { tagKeys = [], warnings: roleWarnings = [] } = roles.get(roleArn) ?? {}
    const { partition = '', accountId = '' } = parseRoleArn(roleArn) ?? {}
    const protectedKeys = protectedTagKeys(taggedLabels, { roleArn, tagKeys })
    const opened = new Map<string, PlanWarning>()
    const pairs = pairings.map((pairing): PlanPair => {
      const { action, resource, conditions } = pairing
      const own = findLabels(action, resource)
      const byTag = findTagLabels(taggedLabels, { ...pairing, role: { partition, accountId } })
      const settable = findSettableKey(pairing, protectedKeys)
      if (settable) opened.set(`${action} ${settable.key}`, tagKeyWarning(action, settable))
      const flags = withResourceFlags(action, resource, classify(action).flags)
      const risk = findClass(action)
      return {
        action,
        resource: resource.text,
        class: settable ? riskierClass(risk, 'permissions') : risk,
        flags,
        within: union(own.within, byTag.within),
        touches: union(own.touches, byTag.touches),
        ...(conditions && { conditions }),
      }
    })
    const role = findReach?.(roleArn)
    const reach = role && planReach(pairs, role, subject)
    const refused = reach && noReachWarning(pairs, reach)
    const onward = onwardSteps(pairs)
    const blastRadius = declaredBlastRadius(pairs, reach?.unknown)
    const labelMarks = findMarks(labels, new Set(Object.keys(blastRadius.byLabel)))
    const warnings = [
      ...roleWarnings,
      ...opened.values(),
      ...loweredClasses(pairs, overrides),
      ...wildcardWarnings(policy.wildcards),
      ...(refused ? [refused] : []),
    ]
    const body: Omit<Plan, 'hash'> = {
      subject,
      task,
      pairs,
      classes: ACTION_CLASSES.filter((name) => blastRadius.byClass[name] !== undefined),
      flags: blastRadius.flags,
      sessionPolicy: policy.json,
      sessionPolicyCharacters: policy.characters,
      blastRadius,
      ...(reach && { reach }),
      ...(onward.length > 0 && { onward }),
      ...(Object.keys(labelMarks).length > 0 && { labelMarks }),
      ...(dropped.length > 0 && { dropped }),
      ...(warnings.length > 0 && { warnings }),
      actionTableVersion: ACTION_TABLE_VERSION,
    }
    return deepFreeze({ hash: planHash(body), ...body })
  }
}

/** Warnings are part of the plan's hash, so whoever approves it sees what was lowered, and why. */
function loweredClasses(pairs: readonly PlanPair[], overrides: ActionOverrides): PlanWarning[] {
  const lowered = pairs.flatMap(({ action, class: risk }) => {
    const override = overrides.get(action)
    return override?.isLowered && override.class === risk ? [override] : []
  })
  return [...new Set(lowered)].map((override) => ({
    kind: 'class_lowered',
    explanation: describeLowering(override),
  }))
}

function tagKeyWarning(action: string, { key, usedBy, canExclude }: SettableKey): PlanWarning {
  const way = canExclude ? ' A condition on aws:TagKeys that names other keys excludes it.' : ''
  return {
    kind: 'sets_tag_key',
    explanation: `${action} may set or remove the tag key ${key}, on which ${usedBy} rests, so it counts as permissions.${way}`,
  }
}

function union(a: readonly string[], b: readonly string[]): readonly string[] {
  return b.length === 0 ? a : [...new Set([...a, ...b])].sort()
}

/** The hash that a plan must have: lower-case hex SHA-256 over the canonical JSON of its other fields. */
export function planHash(plan: Plan | Omit<Plan, 'hash'>): string {
  const fields = Object.entries(plan).filter(([name]) => name !== 'hash')
  return sha256Hex(canonicalJson(Object.fromEntries(fields) as Json))
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) deepFreeze(each)
  }
  return value
}

import { ACTION_CLASSES } from '../aws/action-classes.ts'
import { parseRoleArn } from '../aws/arn.ts'
import { ACTION_TABLE_VERSION, classify } from '../aws/classify.ts'
import { compileSessionPolicy, MAX_SESSION_POLICY_CHARACTERS } from '../aws/session-policy.ts'
import { BoundedMap } from '../core/bounded-map.ts'
import { canonicalJson, type Json, sha256Hex } from '../core/canonical-json.ts'
import { StintError } from '../core/errors.ts'
import { declaredBlastRadius } from './blast-radius.ts'
import { type Labelled, type LabelSet, labelsOf } from './labels.ts'
import { pairAccess } from './pairing.ts'
import type { Plan, PlanPair } from './plan.ts'
import { parseTask, type Task, type TaskLimits, taskHash } from './task.ts'

/** What the operator says of a role that agents may act through. */
export interface RoleSettings {
  /**
   * Actions that may take `*` although something narrower, or nothing, is usual: all of them, or those that match a pattern
   * such as `cloudwatch:Put*`. Listing and reading actions that take nothing narrower need no leave.
   */
  readonly allowWildcard?: boolean | readonly string[]
}

/** All that a plan depends on beside its task. */
export interface PlannerOptions {
  readonly labels: LabelSet
  /** By role ARN; a role that is not here is not served. */
  readonly roles: ReadonlyMap<string, RoleSettings>
  readonly limits: PlanLimits
}

interface PlanLimits extends TaskLimits {
  /** Pairs of one plan; default 2,000. */
  readonly maxPairs?: number
  /** Plans kept for tasks that come again; default 2,000. */
  readonly rememberedPlans?: number
}

/** Makes plans of tasks, for one version of labels, roles and limits. */
export interface Planner {
  /** Version of the labels that its plans rest on. */
  readonly labelsVersion: string
  /**
   * What a task of this subject comes to.
   *
   * @param subject the agent, already proven.
   * @param input the task as it came in.
   * @returns deeply frozen; the very same object for the same subject and task, as long as it is remembered.
   * @throws {StintError} the codes of `parseTask`, `pairAccess` and `compileSessionPolicy`, and ROLE_UNKNOWN.
   */
  plan(subject: string, input: unknown): Plan
}

/**
 * Characters of all distinct resources together. Far more than a session policy holds; stops work that could only end in
 * SESSION_POLICY_TOO_LARGE.
 */
const MAX_RESOURCES_CHARACTERS = 4 * MAX_SESSION_POLICY_CHARACTERS

/** Makes a planner for one set of labels, roles and limits; a change of them makes a new planner. */
export function createPlanner({ labels, roles, limits }: PlannerOptions): Planner {
  const remembered = new BoundedMap<Plan>({ limit: limits.rememberedPlans ?? 2_000 })
  return {
    labelsVersion: labels.version,
    plan(subject, input) {
      const task = parseTask(input, limits)
      const key = `${taskHash(task)} ${subject}`
      const known = remembered.get(key)
      if (known) return known
      const plan = planFresh(subject, task)
      remembered.set(key, plan)
      return plan
    },
  }

  function planFresh(subject: string, task: Task): Plan {
    const role = parseRoleArn(task.roleArn)
    const settings = roles.get(task.roleArn)
    if (!role || !settings) {
      const explanation = 'roleArn must be the ARN of a role that the operator has configured.'
      throw new StintError('ROLE_UNKNOWN', { path: 'roleArn', explanation })
    }
    refuseHopelessSize(task)
    const { partition, accountId } = role
    const allowWildcard = settings.allowWildcard ?? false
    const pairings = pairAccess(task.access, {
      partition,
      accountId,
      allowWildcard,
      maxPairs: limits.maxPairs ?? 2_000,
    })
    const sessionPolicy = compileSessionPolicy(pairings)
    const labelled = new Map<string, Labelled>()
    const pairs = pairings.map(({ action, resource }): PlanPair => {
      const own = labelled.get(resource.text) ?? labelsOf(labels, resource)
      labelled.set(resource.text, own)
      const { class: risk, flags } = classify(action)
      return { action, resource: resource.text, class: risk, flags, within: own.within, touches: own.touches }
    })
    const blastRadius = declaredBlastRadius(pairs)
    const body: Omit<Plan, 'hash'> = {
      subject,
      task,
      pairs,
      classes: ACTION_CLASSES.filter((name) => blastRadius.byClass[name] !== undefined),
      flags: blastRadius.flags,
      sessionPolicy: sessionPolicy.json,
      sessionPolicyCharacters: sessionPolicy.characters,
      blastRadius,
      actionTableVersion: ACTION_TABLE_VERSION,
    }
    return deepFreeze({ hash: planHash(body), ...body })
  }
}

/** Lower-case hex SHA-256 over the canonical JSON of all fields of a plan but its hash: what `plan.hash` must be. */
export function planHash(plan: Plan | Omit<Plan, 'hash'>): string {
  const fields = Object.entries(plan).filter(([name]) => name !== 'hash')
  return sha256Hex(canonicalJson(Object.fromEntries(fields) as Json))
}

function refuseHopelessSize({ access }: Task): void {
  const resources = new Set(access.flatMap((entry) => entry.resources))
  const characters = [...resources].reduce((sum, text) => sum + text.length, 0)
  if (characters <= MAX_RESOURCES_CHARACTERS) return
  const largest = [...resources]
    .sort((a, b) => b.length - a.length)
    .slice(0, 5)
    .map((text) => ({ characters: text.length, firstResource: text.slice(0, 100) }))
  const limit = MAX_SESSION_POLICY_CHARACTERS
  const explanation = `The resources alone come to ${characters} characters, and a session policy takes ${limit}; split the task.`
  throw new StintError('SESSION_POLICY_TOO_LARGE', { characters, limit, largest, explanation })
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) deepFreeze(each)
  }
  return value
}

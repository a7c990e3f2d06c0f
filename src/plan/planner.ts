import { ACTION_CLASSES, type ActionClass } from '../aws/action-classes.ts'
import { parseRoleArn, type RoleArn } from '../aws/arn.ts'
import { ACTION_TABLE_VERSION, classify } from '../aws/classify.ts'
import { riskierClass } from '../aws/judging/judge-action.ts'
import { type NetworkBinding, networkDeny } from '../aws/network-binding.ts'
import {
  compileSessionPolicy,
  MAX_SESSION_POLICY_CHARACTERS,
  measureSessionPolicy,
  type SessionPolicy,
} from '../aws/session-policy.ts'
import { type PolicyForm, PROFILES, type StoreProfile } from '../aws/store-profile.ts'
import { canonicalJson, type Json, sha256Hex } from '../core/canonical-json.ts'
import { asStintError, ERROR_CATALOG, hasCode, StintError } from '../core/errors.ts'
import { type InputProblemWithFacts, inputError } from '../core/input-error.ts'
import { BoundedMap } from '../core/limits/bounded-map.ts'
import { type ActionOverrides, describeLowering, NO_OVERRIDES } from './action-overrides.ts'
import { declaredBlastRadius } from './blast-radius.ts'
import { createLabelFinder } from './find-labels.ts'
import { findMarks, type LabelSet } from './labels.ts'
import { type Pairing, type PairingRules, pairAccess } from './pairing.ts'
import type { DroppedActions, Plan, PlanPair, PlanWarning } from './plan.ts'
import { wildcardWarnings } from './plan-size.ts'
import { explainTooLarge } from './split-task.ts'
import { findSettableKey, protectedTagKeys, type SettableKey } from './tag-keys.ts'
import { findTagLabels } from './tag-labels.ts'
import { type AccessEntry, findEntryField, findField, readTask, type Task, type TaskLimits, taskHash } from './task.ts'

/** An operator's settings for a role that agents may act through. */
export interface RoleSettings {
  /**
   * Actions that may take `*` although something narrower, or nothing, is usual: all of them, or those that match a pattern
   * such as `cloudwatch:Put*`. Listing and reading actions that take nothing narrower need no leave.
   */
  readonly allowWildcard?: boolean | readonly string[]
  /**
   * Whether actions that list or read configuration may take `*` as well: those of which no call names a resource and that
   * return no secret, such as `rds:DescribeDBInstances`, never `s3:GetObject`. Default true.
   */
  readonly allowWildcardReads?: boolean
  /** The networks from which sessions of the role work; absent: any. */
  readonly network?: NetworkBinding
  /** Tag keys on which the role's own policies rest: setting one is of class `permissions`. */
  readonly tagKeys?: readonly string[]
  /** Said on each plan of the role. */
  readonly warnings?: readonly PlanWarning[]
}

/** Everything that a plan depends on besides its task. */
export interface PlannerOptions {
  readonly labels: LabelSet
  /** By role ARN; a role that it does not know is not served. */
  readonly roles: Pick<ReadonlyMap<string, RoleSettings>, 'get'>
  readonly limits: PlanLimits
  /** Operators' own classes for actions. Default none. */
  readonly overrides?: ActionOverrides
  /** The store that judges the sessions. Default AWS. */
  readonly profile?: StoreProfile
}

interface PlanLimits extends TaskLimits {
  /** Pairs of one plan; default 2,000. */
  readonly maxPairs?: number
  /** Plans kept for tasks that come again; default 2,000. */
  readonly rememberedPlans?: number
}

/** Makes plans of tasks, for one version of labels, roles and limits. */
export interface Planner {
  /**
   * Makes the plan of a task of this subject.
   *
   * @param subject the agent, already proven.
   * @param input the task as it came in.
   * @returns deeply frozen; the very same object for the same subject and task, as long as it is remembered.
   * @throws {StintError} with all mistakes of the task at once, see `inputError`: the codes of `readTask`, `pairAccess` and
   *   `compileSessionPolicy`, and ROLE_UNKNOWN; TASK_INVALID where there are several.
   */
  plan(subject: string, input: unknown): Plan
}

/**
 * Characters of all distinct resources together. Far more than a session policy holds; stops work that could only end in
 * SESSION_POLICY_TOO_LARGE.
 */
const MAX_RESOURCES_CHARACTERS = 4 * MAX_SESSION_POLICY_CHARACTERS

/** Makes a planner for one set of labels, roles, limits and overrides; a change of them makes a new planner. */
export function createPlanner({
  labels,
  roles,
  limits,
  overrides = NO_OVERRIDES,
  profile = PROFILES.aws,
}: PlannerOptions): Planner {
  const taggedLabels = labels.labels.filter(({ tags }) => tags.length > 0)
  const remembered = new BoundedMap<Plan>({ limit: limits.rememberedPlans ?? 2_000 })
  return {
    plan(subject, input) {
      const reading = readTask(input, limits)
      if ('problems' in reading) {
        const { problems, sound } = reading
        throw inputError([...problems, ...judge(sound, input).problems], 'TASK_INVALID')
      }
      const { task } = reading
      const key = `${taskHash(task)} ${subject}`
      const known = remembered.get(key)
      if (known) return known
      const { problems, ...judged } = judge(task, input)
      if (!isSound(judged)) throw inputError(problems, 'TASK_INVALID')
      const plan = toPlan(subject, task, judged)
      remembered.set(key, plan)
      return plan
    },
  }

  /** Role and access of a task, as far as they can be judged; the policy is there if nothing is wrong with them. */
  function judge({ roleArn, access, strict }: JudgedParts, input: unknown): Judged {
    const problems: InputProblemWithFacts[] = []
    const role = roleArn === undefined ? undefined : parseRoleArn(roleArn)
    const settings = roleArn === undefined ? undefined : roles.get(roleArn)
    if (roleArn !== undefined && !(role && settings)) {
      const message = 'must be the ARN of a role that the operator has configured'
      problems.push({ field: 'task.roleArn', code: 'ROLE_UNKNOWN', message })
    }
    if (!access || access.length === 0) return { problems, pairings: [] }
    const hopeless = checkResourceSize(access)
    if (hopeless) return { problems: [...problems, problemOfAccess(hopeless)], pairings: [] }
    const rules = role && settings && pairingRules(role, settings, strict === true)
    const paired = pairAccess(access, rules)
    for (const { entry, list, text, error } of paired.problems) {
      problems.push(toInputProblem(findField(input, entry, list, text), error))
    }
    if (paired.tooMany) problems.push(problemOfAccess(paired.tooMany))
    if (!rules || paired.problems.length > 0 || paired.tooMany) return { problems, pairings: paired.pairs }
    try {
      return {
        problems,
        pairings: paired.pairs,
        dropped: paired.dropped,
        sessionPolicy: compileSessionPolicy(paired.pairs, policyForm(settings)),
      }
    } catch (thrown) {
      const error = hasCode(thrown, 'SESSION_POLICY_TOO_LARGE') ? explained(thrown) : asStintError(thrown)
      return { problems: [...problems, problemOfAccess(error)], pairings: paired.pairs }
    }

    function explained(error: StintError): StintError {
      const entries = (access ?? []).map((entry) => ({
        field: findEntryField(input, entry),
        pairs: pairAccess([entry], rules).pairs,
      }))
      return explainTooLarge(error, entries, (pairs) => measureSessionPolicy(pairs, policyForm(settings)))
    }
  }

  function policyForm({ network }: RoleSettings = {}): PolicyForm {
    return network ? { ...profile.policy, denies: [networkDeny(network)] } : profile.policy
  }

  function pairingRules({ partition, accountId }: RoleArn, settings: RoleSettings, strict: boolean): PairingRules {
    const { allowWildcard = false, allowWildcardReads = true } = settings
    const { actions, conditionKeys } = profile.policy
    const known = actions && { known: { store: profile.name, actions } }
    const knownKeys = conditionKeys && { knownKeys: { store: profile.name, keys: conditionKeys } }
    const maxPairs = limits.maxPairs ?? 2_000
    return {
      partition,
      accountId,
      allowWildcard,
      allowWildcardReads,
      strict,
      maxPairs,
      findClass,
      ...known,
      ...knownKeys,
    }
  }

  function findClass(action: string): ActionClass {
    return overrides.get(action)?.class ?? classify(action).class
  }

  /** Part of the plan and so of its hash: whoever approves it sees what was lowered, and why. */
  function loweredClasses(pairs: readonly PlanPair[]): PlanWarning[] {
    const lowered = pairs.flatMap(({ action, class: risk }) => {
      const override = overrides.get(action)
      return override?.isLowered && override.class === risk ? [override] : []
    })
    return [...new Set(lowered)].map((override) => ({
      kind: 'class_lowered',
      explanation: describeLowering(override),
    }))
  }

  function toPlan(subject: string, task: Task, { pairings, dropped, sessionPolicy: policy }: SoundParts): Plan {
    const { roleArn } = task
    const labelsOf = createLabelFinder(labels, roleArn)
    const { tagKeys = [], warnings: roleWarnings = [] } = roles.get(roleArn) ?? {}
    const { partition = '', accountId = '' } = parseRoleArn(roleArn) ?? {}
    const protectedKeys = protectedTagKeys(taggedLabels, { roleArn, tagKeys })
    const opened = new Map<string, PlanWarning>()
    const pairs = pairings.map((pairing): PlanPair => {
      const { action, resource, conditions } = pairing
      const own = labelsOf(action, resource)
      const byTag = findTagLabels(taggedLabels, { ...pairing, role: { partition, accountId } })
      const settable = findSettableKey(pairing, protectedKeys)
      if (settable) opened.set(`${action} ${settable.key}`, tagKeyWarning(action, settable))
      const { flags } = classify(action)
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
    const blastRadius = declaredBlastRadius(pairs)
    const labelMarks = findMarks(labels, new Set(Object.keys(blastRadius.byLabel)))
    const warnings = [
      ...roleWarnings,
      ...opened.values(),
      ...loweredClasses(pairs),
      ...wildcardWarnings(policy.wildcards),
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
      ...(Object.keys(labelMarks).length > 0 && { labelMarks }),
      ...(dropped.length > 0 && { dropped }),
      ...(warnings.length > 0 && { warnings }),
      actionTableVersion: ACTION_TABLE_VERSION,
    }
    return deepFreeze({ hash: planHash(body), ...body })
  }
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

type JudgedParts = Partial<Pick<Task, 'roleArn' | 'access' | 'strict'>>

interface Judged {
  readonly problems: readonly InputProblemWithFacts[]
  readonly pairings: readonly Pairing[]
  readonly dropped?: readonly DroppedActions[]
  readonly sessionPolicy?: SessionPolicy
}

/** What a plan is made of, if nothing is wrong with its task. */
type SoundParts = Required<Omit<Judged, 'problems'>>

function isSound(judged: Omit<Judged, 'problems'>): judged is SoundParts {
  return judged.sessionPolicy !== undefined && judged.dropped !== undefined
}

function problemOfAccess(error: StintError): InputProblemWithFacts {
  return toInputProblem('task.access', error)
}

/** @throws {StintError} the error itself if it is INTERNAL: that is no mistake of the caller's */
function toInputProblem(field: string, error: StintError): InputProblemWithFacts {
  const { code, details } = error
  if (code === 'INTERNAL') throw error
  const { explanation = ERROR_CATALOG[code].title, ...facts } = details
  return { field, code, message: `is refused: ${explanation.replace(/\.$/, '')}`, facts: facts as Record<string, Json> }
}

/** Lower-case hex SHA-256 over the canonical JSON of all fields of a plan but its hash: what `plan.hash` must be. */
export function planHash(plan: Plan | Omit<Plan, 'hash'>): string {
  const fields = Object.entries(plan).filter(([name]) => name !== 'hash')
  return sha256Hex(canonicalJson(Object.fromEntries(fields) as Json))
}

function checkResourceSize(access: readonly AccessEntry[]): StintError | undefined {
  const resources = new Set(access.flatMap((entry) => entry.resources))
  const characters = [...resources].reduce((sum, text) => sum + text.length, 0)
  if (characters <= MAX_RESOURCES_CHARACTERS) return undefined
  const largest = [...resources]
    .sort((a, b) => b.length - a.length)
    .slice(0, 5)
    .map((text) => ({ characters: text.length, firstResource: text.slice(0, 100) }))
  const limit = MAX_SESSION_POLICY_CHARACTERS
  const explanation = `The resources alone have ${characters} characters and the limit of a session policy is ${limit}; split the task.`
  return new StintError('SESSION_POLICY_TOO_LARGE', { characters, limit, largest, explanation })
}

function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value)
    for (const each of Object.values(value)) deepFreeze(each)
  }
  return value
}

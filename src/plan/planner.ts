import type { ActionClass } from '../aws/action-classes.ts'
import { parseRoleArn, type RoleArn } from '../aws/arn.ts'
import { classify } from '../aws/classify.ts'
import { networkDeny } from '../aws/network-binding.ts'
import {
  compileSessionPolicy,
  MAX_SESSION_POLICY_CHARACTERS,
  measureSessionPolicy,
  type SessionPolicy,
} from '../aws/session-policy.ts'
import { type PolicyForm, PROFILES, type StoreProfile } from '../aws/store-profile.ts'
import type { Json } from '../core/canonical-json.ts'
import { asStintError, ERROR_CATALOG, hasCode, StintError } from '../core/errors.ts'
import { type InputProblemWithFacts, inputError } from '../core/input-error.ts'
import { BoundedMap } from '../core/limits/bounded-map.ts'
import { printable } from '../core/text/printable.ts'
import { type ActionOverrides, NO_OVERRIDES } from './action-overrides.ts'
import { createPlanAssembly, type SoundParts } from './assemble-plan.ts'
import type { LabelSet } from './labels/labels.ts'
import { type Pairing, type PairingRules, pairAccess } from './pairing/pair-access.ts'
import type { DroppedActions, Plan } from './plan.ts'
import type { FindRoleReach } from './reach/plan-reach.ts'
import type { RoleSettings } from './role-settings.ts'
import { explainTooLarge } from './split-task.ts'
import { type AccessEntry, findEntryField, findField, readTask, type Task, type TaskLimits, taskHash } from './task.ts'

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
  /** The reach of a role whose policies are known. Default: of none. */
  readonly findReach?: FindRoleReach | undefined
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

/** Orders fields as somebody reads them: `actions[2]` before `actions[10]`. */
const AS_WRITTEN = new Intl.Collator('en', { numeric: true })

/** Tasks that are longer than this in JSON are read anew each time; ten times a usual one. */
const MAX_REMEMBERED_CHARACTERS = 8_192

/** Makes a planner for one set of labels, roles and their policies, limits and overrides; a change of them makes a new planner. */
export function createPlanner({
  labels,
  roles,
  limits,
  overrides = NO_OVERRIDES,
  profile = PROFILES.aws,
  findReach,
}: PlannerOptions): Planner {
  const findClass = (action: string): ActionClass => overrides.get(action)?.class ?? classify(action).class
  const toPlan = createPlanAssembly({ labels, roles, overrides, findClass, findReach })
  const limit = limits.rememberedPlans ?? 2_000
  const remembered = new BoundedMap<Plan>({ limit })
  /** Keys of plans that were asked for again, by the task as it was written, which saves reading it again. */
  const keys = new BoundedMap<string>({ limit })
  /** Purposes of those tasks: a task with another purpose is new, which is found out sooner than its text. */
  const purposes = new BoundedMap<true>({ limit })
  return {
    plan(subject, input) {
      const purpose = readPurpose(input)
      const written = purposes.get(purpose) && writtenKey(subject, input)
      const knownKey = written && keys.get(written)
      const again = knownKey && remembered.get(knownKey)
      if (again) return again
      const reading = readTask(input, limits)
      if ('problems' in reading) {
        const { problems, sound } = reading
        throw inputError([...problems, ...judge(sound, input).problems], 'TASK_INVALID')
      }
      const { task } = reading
      const key = `${taskHash(task)} ${subject}`
      const known = remembered.get(key)
      if (known) {
        purposes.set(purpose, true)
        if (written) keys.set(written, key)
        return known
      }
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
      const got = printable(roleArn, 200)
      const message = role
        ? `must be a role that the operator has configured (got ${got})`
        : `must be the ARN of a role, such as arn:aws:iam::123456789012:role/stint/reports (got ${got})`
      problems.push({ field: 'task.roleArn', code: 'ROLE_UNKNOWN', message })
    }
    if (!access || access.length === 0) return { problems, pairings: [] }
    const hopeless = checkResourceSize(access)
    if (hopeless) return { problems: [...problems, problemOfAccess(hopeless)], pairings: [] }
    const rules = role && settings && pairingRules(role, settings, strict === true)
    const paired = pairAccess(access, rules)
    const found = paired.problems.map(({ entry, list, text, error }) =>
      toInputProblem(findField(input, entry, list, text), error),
    )
    problems.push(...found.sort((a, b) => AS_WRITTEN.compare(a.field, b.field)))
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
}

type JudgedParts = Partial<Pick<Task, 'roleArn' | 'access' | 'strict'>>

interface Judged {
  readonly problems: readonly InputProblemWithFacts[]
  readonly pairings: readonly Pairing[]
  readonly dropped?: readonly DroppedActions[]
  readonly sessionPolicy?: SessionPolicy
}

function isSound(judged: Omit<Judged, 'problems'>): judged is SoundParts {
  return judged.sessionPolicy !== undefined && judged.dropped !== undefined
}

function readPurpose(input: unknown): string {
  const purpose = typeof input === 'object' && input !== null && 'purpose' in input ? input.purpose : undefined
  return typeof purpose === 'string' && purpose.length <= MAX_REMEMBERED_CHARACTERS ? purpose : ''
}

/**
 * One text for one task of one subject, as it was written. JSON leaves out fields that are undefined, which nobody can send, and
 * writes what is no number as null, which is in no task that was accepted.
 */
function writtenKey(subject: string, input: unknown): string | undefined {
  try {
    const text = JSON.stringify(input)
    return text.length <= MAX_REMEMBERED_CHARACTERS ? `${text} ${subject}` : undefined
  } catch {
    // It is no data at all, or has no end: that is for `readTask` to say.
    return undefined
  }
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

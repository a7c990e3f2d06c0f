import { type Condition, type ConditionInput, readConditions } from '../aws/conditions/condition.ts'
import { canonicalJson, type Json, sha256Hex } from '../core/canonical-json.ts'
import { z } from '../core/documents/schema.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { InputProblem, InputProblemWithFacts } from '../core/input-error.ts'
import { nameProblem, type ReadableText, readText } from '../core/text/readable-text.ts'
import { type DeclaredChange, declaredChangeSchema, sortChange } from './declared-change.ts'

/** Actions on resources, as the agent declares them. */
export interface AccessEntry {
  /** e.g. `['s3:GetObject', 's3:List*']` */
  readonly actions: readonly string[]
  /** ARN patterns, or `['*']` for actions that take nothing narrower. */
  readonly resources: readonly string[]
  /** Conditions that every request must meet; absent rather than empty. */
  readonly conditions?: readonly Condition[]
}

/** The lists of an access entry that are paired with each other. */
export type AccessList = 'actions' | 'resources'

/** The task that an agent declares. */
export interface Task {
  /** Why, in words a person can judge; 8 to 500 characters. */
  readonly purpose: string
  /** The role to act through, e.g. `arn:aws:iam::123456789012:role/stint/agent-data`. */
  readonly roleArn: string
  readonly access: readonly AccessEntry[]
  /** How long the task may take. */
  readonly ttlSeconds: number
  /** A ticket or run id of the agent's own, for the trail; up to 128 characters. */
  readonly reference?: string
  /** True refuses the task if any action of a wildcard would be left out of its plan; absent rather than false. */
  readonly strict?: true
  /** The agent's claim of what the task's command would change. */
  readonly change?: DeclaredChange
}

/** Bounds that the operator sets. */
export interface TaskLimits {
  readonly minTtlSeconds: number
  readonly maxTtlSeconds: number
}

/** Characters of a purpose, after trimming. */
const PURPOSE_CHARACTERS = { min: 8, max: 500 }
const MAX_ENTRIES = 50
const MAX_ITEMS = 100

const item = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .superRefine((text, context) => {
      const problem = nameProblem(text)
      if (problem) context.addIssue(problem)
    })

const schema = z.strictObject({
  purpose: z.string().max(4 * PURPOSE_CHARACTERS.max, `must have at most ${PURPOSE_CHARACTERS.max} characters`),
  roleArn: item(2_048),
  access: z
    .array(
      z.strictObject({
        actions: z.array(item(200)).min(1).max(MAX_ITEMS),
        resources: z.array(item(2_048)).min(1).max(MAX_ITEMS),
        conditions: z
          .array(
            z.strictObject({
              key: item(300),
              operator: z.union([item(100), z.literal('')]).optional(),
              values: z.array(z.union([item(2_048), z.literal('')])).max(MAX_ITEMS),
            }),
          )
          .max(MAX_ITEMS)
          .optional(),
      }),
    )
    .min(1)
    .max(MAX_ENTRIES),
  ttlSeconds: z.number().int(),
  reference: item(128).optional(),
  strict: z.boolean().optional(),
  change: declaredChangeSchema.optional(),
})

type WrittenEntry = z.infer<typeof schema>['access'][number]
const ENTRY_FIELDS = ['actions', 'resources', 'conditions'] as const

/** A task that was read: the task itself, or its mistakes and the parts that have none, to be judged further. */
export type TaskReading =
  | { readonly task: Task }
  | { readonly problems: readonly InputProblemWithFacts[]; readonly sound: SoundParts }

interface SoundParts {
  readonly roleArn?: string
  readonly strict?: true
  /** Only the entries that are whole. */
  readonly access: readonly AccessEntry[]
}

/**
 * Reads a task declaration. Order and repetition mean nothing, so lists are returned sorted and without repeats. The purpose is
 * normalised by `readText`; resources stay as written, since AWS compares them byte for byte.
 *
 * @returns the task, or all its mistakes by field, with the codes PURPOSE_MISSING, TTL_OUT_OF_RANGE, CONDITION_INVALID and
 *   TASK_INVALID. Mistakes repeat no text of the task except keys and operators of conditions.
 */
export function readTask(input: unknown, limits: TaskLimits): TaskReading {
  const parsed = schema.safeParse(input)
  const issues = parsed.error?.issues ?? []
  const written = parsed.data ?? (typeof input === 'object' && input !== null ? (input as Record<string, unknown>) : {})
  const broken = issues.filter(({ code }) => code !== 'unrecognized_keys')
  const isSound = (...path: PropertyKey[]) => !broken.some((issue) => isOneWay(issue.path, path))
  const problems = issues.map(toProblem)
  const read = isSound('purpose') ? readText(written.purpose as string) : undefined
  const purpose = read && 'text' in read ? read.text : undefined
  const judged = [
    read && purposeProblem(read),
    isSound('ttlSeconds') ? ttlProblem(written.ttlSeconds as number, limits) : undefined,
  ]
  problems.push(...judged.filter((problem) => problem !== undefined))
  const entries = Array.isArray(written.access) ? written.access.slice(0, MAX_ENTRIES) : []
  const isWhole = (index: number) => ENTRY_FIELDS.every((field) => isSound('access', index, field))
  const whole = entries.flatMap((entry: WrittenEntry, index) => (isWhole(index) ? [{ entry, index }] : []))
  problems.push(...whole.flatMap(({ entry, index }) => conditionProblems(entry, index)))
  if (parsed.success && purpose !== undefined && problems.length === 0) return { task: toTask(parsed.data, purpose) }
  return {
    problems,
    sound: {
      ...(isSound('roleArn') && { roleArn: written.roleArn as string }),
      ...(written.strict === true && { strict: true }),
      access: whole.map(({ entry }) => toEntry(entry)),
    },
  }
}

/**
 * Finds the place of a text in the task as it was written, since sorting has moved it.
 *
 * @returns e.g. `task.access[0].actions[2]`
 */
export function findField(input: unknown, entry: AccessEntry, list: AccessList, text: string): string {
  const at = findEntryIndex(input, entry)
  const { access } = input as { access: readonly WrittenEntry[] }
  return `task.access[${at}].${list}[${access[at]?.[list].indexOf(text)}]`
}

/** Finds the place of an entry in the task as it was written, e.g. `task.access[0]`. */
export function findEntryField(input: unknown, entry: AccessEntry): string {
  return `task.access[${findEntryIndex(input, entry)}]`
}

function findEntryIndex(input: unknown, entry: AccessEntry): number {
  const { access } = input as { access: readonly WrittenEntry[] }
  const same = (each: Partial<WrittenEntry> | null) =>
    isSameSet(each?.actions, entry.actions) &&
    isSameSet(each?.resources, entry.resources) &&
    isSameConditions(each?.conditions, entry.conditions ?? [])
  return access.findIndex(same)
}

/** Lower-case hex SHA-256 of the task as `readTask` returns it: the same for two ways of writing one task. */
export function taskHash(task: Task): string {
  const known = hashes.get(task)
  if (known !== undefined) return known
  const hash = hashTask(task)
  // A plan's task is frozen to the bottom.
  if (Object.isFrozen(task)) hashes.set(task, hash)
  return hash
}

const hashes = new WeakMap<Task, string>()

function hashTask(task: Task): string {
  const { purpose, roleArn, ttlSeconds, reference, strict, change } = task
  const access = task.access.map(({ actions, resources, conditions }) => {
    const listed = conditions?.map(({ key, operator, values }) => ({ key, operator, values }))
    return { actions, resources, ...(listed && { conditions: listed }) }
  })
  const rest = { ...(reference === undefined ? {} : { reference }), ...(strict && { strict }) }
  const changed = change && { change: change as unknown as Json }
  return sha256Hex(canonicalJson({ purpose, roleArn, access, ttlSeconds, ...rest, ...changed }))
}

function toTask(
  { roleArn, access, ttlSeconds, reference, strict, change }: z.infer<typeof schema>,
  purpose: string,
): Task {
  const entries = access.map(toEntry)
  const ordered = new Map(entries.map((entry) => [toText(entry), entry]))
  return {
    purpose,
    roleArn,
    access: [...ordered].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry),
    ttlSeconds,
    ...(reference === undefined ? {} : { reference }),
    ...(strict && { strict }),
    ...(change && { change: sortChange(change) }),
  }
}

function toEntry({ actions, resources, conditions = [] }: WrittenEntry): AccessEntry {
  const read = readConditions(conditions)
  return {
    actions: asSet(actions),
    resources: asSet(resources),
    ...(read.conditions.length > 0 && { conditions: read.conditions }),
  }
}

function conditionProblems({ conditions = [] }: WrittenEntry, index: number): InputProblemWithFacts[] {
  return readConditions(conditions).problems.map(({ at, rule, message }) => {
    return { field: `task.access[${index}].conditions${at}`, code: 'CONDITION_INVALID', message, facts: { rule } }
  })
}

function purposeProblem(read: ReadableText): InputProblem | undefined {
  const { min, max } = PURPOSE_CHARACTERS
  const problem = (code: ErrorCode, message: string) => ({ field: 'task.purpose', code, message })
  if ('problem' in read) return problem('TASK_INVALID', read.problem)
  const characters = [...read.text].length
  if (characters < min || !/[\p{L}\p{N}]/u.test(read.text)) {
    return problem('PURPOSE_MISSING', `must say in at least ${min} characters what the task is for`)
  }
  return characters > max
    ? problem('TASK_INVALID', `must have at most ${max} characters (got ${characters})`)
    : undefined
}

function ttlProblem(ttlSeconds: number, limits: TaskLimits): InputProblemWithFacts | undefined {
  const { minTtlSeconds, maxTtlSeconds } = limits
  if (ttlSeconds >= minTtlSeconds && ttlSeconds <= maxTtlSeconds) return undefined
  return {
    field: 'task.ttlSeconds',
    code: 'TTL_OUT_OF_RANGE',
    message: `must be between ${minTtlSeconds} and ${maxTtlSeconds} seconds (got ${ttlSeconds})`,
    facts: { ttlSeconds, minTtlSeconds, maxTtlSeconds },
  }
}

function asSet(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort()
}

function isSameSet(items: readonly string[] | undefined, set: readonly string[]): boolean {
  if (!Array.isArray(items)) return false
  const own = asSet(items)
  return own.length === new Set(set).size && set.every((item) => own.includes(item))
}

function isSameConditions(written: unknown, conditions: readonly Condition[]): boolean {
  if (written === undefined) return conditions.length === 0
  if (!Array.isArray(written) || !written.every(isConditionInput)) return false
  return toText(readConditions(written).conditions) === toText(conditions)
}

function isConditionInput(written: unknown): written is ConditionInput {
  const { key, values } = (written ?? {}) as Partial<ConditionInput>
  return typeof key === 'string' && Array.isArray(values) && values.every((value) => typeof value === 'string')
}

/** Equal values give equal texts. */
function toText(value: AccessEntry | readonly Condition[]): string {
  return canonicalJson(value as unknown as Json)
}

/** True if one path leads to, or through, the end of the other. */
function isOneWay(one: readonly PropertyKey[], other: readonly PropertyKey[]): boolean {
  return one.every((step, at) => at >= other.length || step === other[at])
}

function toProblem(issue: z.core.$ZodIssue): InputProblem {
  const steps = issue.path.map((step) => (typeof step === 'number' ? `[${step}]` : `.${String(step)}`)).join('')
  if (issue.code === 'unrecognized_keys') {
    const message = `must not have fields that a task does not have (got ${issue.keys.length})`
    return { field: `task${steps}`, code: 'TASK_INVALID', message }
  }
  if (steps === '.purpose' && issue.code === 'invalid_type') {
    return { field: 'task.purpose', code: 'PURPOSE_MISSING', message: 'must say what the task is for' }
  }
  return { field: `task${steps}`, code: 'TASK_INVALID', message: issue.message }
}

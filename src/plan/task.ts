import { canonicalJson, sha256Hex } from '../core/canonical-json.ts'
import { z } from '../core/documents/schema.ts'
import type { ErrorCode } from '../core/errors.ts'
import type { InputProblem, InputProblemWithFacts } from '../core/input-error.ts'
import { nameProblem, type ReadableText, readText } from '../core/text/readable-text.ts'

/** Actions on resources, as the agent declares them. */
export interface AccessEntry {
  /** e.g. `['s3:GetObject', 's3:List*']` */
  readonly actions: readonly string[]
  /** ARN patterns, or `['*']` for actions that take nothing narrower. */
  readonly resources: readonly string[]
}

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
      }),
    )
    .min(1)
    .max(MAX_ENTRIES),
  ttlSeconds: z.number().int(),
  reference: item(128).optional(),
})

/** A task that was read: the task itself, or its mistakes and the parts that have none, to be judged further. */
export type TaskReading =
  | { readonly task: Task }
  | { readonly problems: readonly InputProblemWithFacts[]; readonly sound: SoundParts }

interface SoundParts {
  readonly roleArn?: string
  /** Only the entries that are whole. */
  readonly access: readonly AccessEntry[]
}

/**
 * Reads a task declaration. Order and repetition mean nothing in it, so lists come back sorted and without repeats, and the
 * purpose as `readText` has it; resources stay as written, since AWS compares them byte for byte.
 *
 * @returns all mistakes, by field, where there are any; their codes are PURPOSE_MISSING, TTL_OUT_OF_RANGE, TASK_INVALID.
 *   They repeat no text of the task.
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
  if (parsed.success && purpose !== undefined && problems.length === 0) return { task: toTask(parsed.data, purpose) }
  const entries = Array.isArray(written.access) ? written.access : []
  const hasEntry = (index: number) => isSound('access', index, 'actions') && isSound('access', index, 'resources')
  return {
    problems,
    sound: {
      ...(isSound('roleArn') && { roleArn: written.roleArn as string }),
      access: entries.slice(0, MAX_ENTRIES).filter((_, index) => hasEntry(index)),
    },
  }
}

/**
 * Where a text of a task stands as it was written: an entry's place and its own are lost by sorting.
 *
 * @returns e.g. `task.access[0].actions[2]`
 */
export function findField(input: unknown, entry: AccessEntry, list: keyof AccessEntry, text: string): string {
  const access = (input as { access: readonly AccessEntry[] }).access
  const same = (each: Partial<AccessEntry> | null) =>
    isSameSet(each?.actions, entry.actions) && isSameSet(each?.resources, entry.resources)
  const at = access.findIndex(same)
  return `task.access[${at}].${list}[${access[at]?.[list].indexOf(text)}]`
}

/** Lower-case hex SHA-256 of the task as `readTask` returns it: the same for two ways of writing one task. */
export function taskHash(task: Task): string {
  const { purpose, roleArn, ttlSeconds, reference } = task
  const access = task.access.map(({ actions, resources }) => ({ actions, resources }))
  return sha256Hex(
    canonicalJson({ purpose, roleArn, access, ttlSeconds, ...(reference === undefined ? {} : { reference }) }),
  )
}

function toTask({ roleArn, access, ttlSeconds, reference }: z.infer<typeof schema>, purpose: string): Task {
  const entries = access.map(({ actions, resources }) => ({ actions: asSet(actions), resources: asSet(resources) }))
  const ordered = new Map(entries.map((entry) => [canonicalJson(entry), entry]))
  return {
    purpose,
    roleArn,
    access: [...ordered].sort(([a], [b]) => (a < b ? -1 : 1)).map(([, entry]) => entry),
    ttlSeconds,
    ...(reference === undefined ? {} : { reference }),
  }
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
    message: `must be between ${minTtlSeconds} and ${maxTtlSeconds} (got ${ttlSeconds})`,
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

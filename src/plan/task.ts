import { z } from 'zod'
import { canonicalJson, sha256Hex } from '../core/canonical-json.ts'
import { type ErrorCode, StintError } from '../core/errors.ts'

/** Actions on resources, as the agent declares them. */
export interface AccessEntry {
  /** e.g. `['s3:GetObject', 's3:List*']` */
  readonly actions: readonly string[]
  /** ARN patterns, or `['*']` for actions that take nothing narrower. */
  readonly resources: readonly string[]
}

/** What an agent says it is about to do. */
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

/**
 * What a person must be able to read as it stands: no control character or line break, no lone surrogate, none of the
 * characters that turn or hide text, tags (which a model reads and a person does not see) among them. The joiners and
 * variation selectors that scripts and emoji need stay (Unicode TR36, "Bidirectional Text Spoofing"; UAX 44,
 * Default_Ignorable_Code_Point).
 */
const UNREADABLE =
  /(?!\u200c|\u200d|\ufe0e|\ufe0f)[\p{Cc}\p{Cf}\p{Co}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/u

const item = (max: number) =>
  z
    .string()
    .min(1)
    .max(max)
    .refine((text) => !UNREADABLE.test(text), 'holds a control character or an invisible one')

const schema = z.strictObject({
  purpose: z.string().max(4 * PURPOSE_CHARACTERS.max),
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

/**
 * Reads a task declaration. Order and repetition mean nothing in it, so lists come back sorted and without repeats, and the
 * purpose trimmed and in Unicode's NFC; resources stay as written, since AWS compares them byte for byte.
 *
 * @throws {StintError} PURPOSE_MISSING, TTL_OUT_OF_RANGE, TASK_INVALID; `details.path` says where. No value is repeated.
 */
export function parseTask(input: unknown, limits: TaskLimits): Task {
  const parsed = schema.safeParse(input)
  if (!parsed.success) throw firstProblem(parsed.error.issues[0])
  const { roleArn, access, ttlSeconds, reference } = parsed.data
  const purpose = parsed.data.purpose.normalize('NFC').trim()
  const characters = [...purpose].length
  if (characters < PURPOSE_CHARACTERS.min || !/[\p{L}\p{N}]/u.test(purpose)) {
    const explanation = `Say in at least ${PURPOSE_CHARACTERS.min} characters what the task is for.`
    throw new StintError('PURPOSE_MISSING', { path: 'purpose', explanation })
  }
  if (characters > PURPOSE_CHARACTERS.max)
    throw taskError('purpose', `must have at most ${PURPOSE_CHARACTERS.max} characters`)
  if (UNREADABLE.test(purpose)) throw taskError('purpose', 'holds a control character or an invisible one')
  if (ttlSeconds < limits.minTtlSeconds || ttlSeconds > limits.maxTtlSeconds) {
    const { minTtlSeconds, maxTtlSeconds } = limits
    const explanation = `ttlSeconds is ${ttlSeconds}; between ${minTtlSeconds} and ${maxTtlSeconds} is allowed.`
    throw new StintError('TTL_OUT_OF_RANGE', {
      path: 'ttlSeconds',
      ttlSeconds,
      minTtlSeconds,
      maxTtlSeconds,
      explanation,
    })
  }
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

/** Lower-case hex SHA-256 of the task as `parseTask` returns it: the same for two ways of writing one task. */
export function taskHash(task: Task): string {
  const { purpose, roleArn, ttlSeconds, reference } = task
  const access = task.access.map(({ actions, resources }) => ({ actions, resources }))
  return sha256Hex(
    canonicalJson({ purpose, roleArn, access, ttlSeconds, ...(reference === undefined ? {} : { reference }) }),
  )
}

function asSet(items: readonly string[]): readonly string[] {
  return [...new Set(items)].sort()
}

function firstProblem(issue: z.core.$ZodIssue | undefined): StintError {
  const path = issue?.path.map(String).join('.') ?? ''
  if (path === 'purpose' && issue?.code === 'invalid_type') {
    return taskError('purpose', 'must say what the task is for', 'PURPOSE_MISSING')
  }
  const keys =
    issue?.code === 'unrecognized_keys' ? `has ${issue.keys.length} field(s) that a task does not have` : undefined
  return taskError(path || 'task', keys ?? issue?.message ?? 'is malformed')
}

function taskError(path: string, problem: string, code: ErrorCode = 'TASK_INVALID'): StintError {
  return new StintError(code, { path, explanation: `${path}: ${problem}.` })
}

import type { Command as Parser } from 'commander'
import { z } from '../core/documents/schema.ts'
import { type FileProblem, fileProblemTexts, YamlDocument } from '../core/documents/yaml-document.ts'
import { parseDurationMs } from '../core/duration.ts'
import { readSmallFile } from '../core/files/read-small-file.ts'
import { renameErrorFields } from '../core/input-error.ts'
import type { Task } from '../sdk/types.ts'
import { readChangeFlags } from './change-files.ts'
import { UsageError } from './command.ts'

/** The parsed flags of `withTask`. */
export interface TaskFlags {
  readonly task?: string
  readonly role?: string
  readonly purpose?: string
  /** The values of `--allow` and `--condition` in the order in which they were given. */
  readonly allow?: readonly AccessFlag[]
  readonly ttl?: string
  readonly reference?: string
  readonly strict?: boolean
  readonly change?: string
  readonly changeArtifact?: string
}

/** One `--allow`, with the `--condition`s behind it. */
interface AccessFlag {
  readonly text: string
  readonly conditions: readonly string[]
}

/** Adds the flags that declare a task. */
export function withTask(parser: Parser): Parser {
  const allowed: AccessFlag[] = []
  const collectAllow = (text: string) => {
    allowed.push({ text, conditions: [] })
    return allowed
  }
  const collectCondition = (text: string) => {
    const last = allowed.pop()
    if (!last) throw new UsageError('--condition narrows the --allow before it; write --allow first.')
    allowed.push({ ...last, conditions: [...last.conditions, text] })
    return text
  }
  return parser
    .option('--task <file>', 'task as YAML or JSON; the flags below override it')
    .option('--role <arn>', 'role ARN to assume')
    .option('--purpose <text>', 'why, in words that an approver can judge')
    .option(
      '--allow <action=resource>',
      "e.g. 's3:GetObject,s3:ListBucket=arn:aws:s3:::b/*'; may be repeated",
      collectAllow,
    )
    .option(
      '--condition <key=value>',
      "for the --allow before it, e.g. 'aws:ResourceTag/env=dev' or 'StringLike:s3:prefix=in/*'; may be repeated",
      collectCondition,
    )
    .option('--ttl <duration>', 'how long the task may take, e.g. 15m')
    .option('--reference <id>', 'ticket or run id, for the audit log')
    .option('--strict', 'refuse the task if an action of a wildcard would be left out of its plan')
    .option(
      '--change <file>',
      'what the command changes: output of terraform show -json, or of aws cloudformation describe-change-set',
    )
    .option(
      '--change-artifact <file>',
      'the file that the command applies, if that is not --change: a saved Terraform plan',
    )
}

/** The shape of a task file; the broker judges the values. */
const taskFile = z.strictObject({
  purpose: z.string().optional(),
  roleArn: z.string().optional(),
  access: z
    .array(
      z.strictObject({
        actions: z.array(z.string()),
        resources: z.array(z.string()),
        conditions: z
          .array(z.strictObject({ key: z.string(), operator: z.string().optional(), values: z.array(z.string()) }))
          .optional(),
      }),
    )
    .optional(),
  /** `15m`, or `ttlSeconds` as number. */
  ttl: z
    .string({
      error: ({ input }) =>
        `must be a duration with its unit, such as 90s or 15m${typeof input === 'number' ? `; for ${input} seconds write ${input}s` : ''}`,
    })
    .optional(),
  ttlSeconds: z.number().int().positive().optional(),
  reference: z.string().optional(),
  strict: z.boolean().optional(),
})

/**
 * Does work with the task that the flags declare. A mistake that the broker finds in it is told by the flag or the key of
 * the file that says it.
 *
 * @throws {UsageError} for a file that is no task, and for what is missing altogether.
 */
export async function runWithTask<T>(flags: TaskFlags, work: (task: Task) => Promise<T>): Promise<T> {
  const file = flags.task === undefined ? {} : await readTask(flags.task)
  try {
    const change = await readChangeFlags(flags)
    return await work({ ...toTask(flags, file), ...(change && { change }) })
  } catch (error) {
    throw renameErrorFields(error, (field) => toFlagOrKey(field, flags, file))
  }
}

type TaskFile = z.infer<typeof taskFile>

function toTask(flags: TaskFlags, file: TaskFile): Task {
  const allowed = flags.allow?.map(parseAllow)
  const ttl = flags.ttl ?? (file.ttlSeconds === undefined ? file.ttl : undefined)
  const ttlSeconds = ttl === undefined ? file.ttlSeconds : parseSeconds(ttl)
  const reference = flags.reference ?? file.reference
  const strict = flags.strict ?? file.strict
  const purpose = flags.purpose ?? file.purpose
  const roleArn = flags.role ?? file.roleArn
  const access = allowed ?? file.access
  if (purpose === undefined || roleArn === undefined || access === undefined || ttlSeconds === undefined)
    throw missingFields({ purpose, roleArn, access, ttl: ttlSeconds })
  return {
    ...{ purpose, roleArn, access, ttlSeconds },
    ...(reference !== undefined && { reference }),
    ...(strict && { strict }),
  }
}

const FLAG_BY_FIELD: Readonly<Record<string, keyof TaskFlags>> = {
  purpose: 'purpose',
  roleArn: 'role',
  ttlSeconds: 'ttl',
  reference: 'reference',
}

/** @param field as the SDK names it, e.g. `task.access[0].actions[1]` */
function toFlagOrKey(field: string, flags: TaskFlags, file: TaskFile): string {
  const key = field.replace(/^task\./, '')
  const [, entry] = /^access(?:\[(\d+)\])?/.exec(key) ?? []
  if (key.startsWith('access') && flags.allow) return accessFlag(key, flags.allow[Number(entry)])
  if (key === 'idempotencyKey') return '--idempotency-key'
  const flag = FLAG_BY_FIELD[key]
  if (flag !== undefined && flags[flag] !== undefined) return `--${flag}`
  return key === 'ttlSeconds' && file.ttlSeconds === undefined ? 'ttl' : key
}

function accessFlag(key: string, allow: AccessFlag | undefined): string {
  const [, at] = /\.conditions\[(\d+)\]/.exec(key) ?? []
  const condition = at === undefined ? undefined : allow?.conditions[Number(at)]
  if (condition !== undefined) return `--condition ${condition}`
  return ['--allow', allow?.text].filter(Boolean).join(' ')
}

async function readTask(path: string): Promise<TaskFile> {
  const toError = (problems: readonly FileProblem[]) =>
    new UsageError(`The task file is not a valid task: ${fileProblemTexts(problems).join('; ')}.`.replace(/\?\.$/, '?'))
  const text = await readText(path)
  return YamlDocument.parse({ file: path, text, toError }).check(taskFile)
}

async function readText(path: string): Promise<string> {
  try {
    return (await readSmallFile(path, { pipes: true })).text
  } catch (error) {
    throw new UsageError(`The task file ${path} cannot be used: ${explainReadError(error)}.`)
  }
}

/** Says why a file cannot be read. */
function explainReadError(error: unknown): string {
  const { code } = ((error as Error).cause ?? error) as NodeJS.ErrnoException
  if (code === 'ENOENT') return 'there is no such file'
  return `it ${(error as Error).message}`
}

function parseAllow({ text, conditions }: AccessFlag): Task['access'][number] {
  const equals = text.indexOf('=')
  const actions = text.slice(0, Math.max(0, equals)).split(',').filter(Boolean)
  const resource = text.slice(equals + 1)
  if (equals > 0 && actions.length > 0 && resource) {
    return {
      actions,
      resources: [resource],
      ...(conditions.length > 0 && { conditions: conditions.map(parseCondition) }),
    }
  }
  throw new UsageError(`--allow must be action=resource, e.g. s3:GetObject=arn:aws:s3:::bucket/*; got ${text}`)
}

/** `key=value,value`, with `StringLike:` before it for patterns. The first `=` ends the key. */
function parseCondition(text: string): NonNullable<Task['access'][number]['conditions']>[number] {
  const [, operator, key, values] = /^(?:(\w+):(?=[^=]*:))?([^=]+)=(.+)$/s.exec(text) ?? []
  if (key !== undefined && values !== undefined) {
    return { key, ...(operator !== undefined && { operator }), values: values.split(',') }
  }
  throw new UsageError(`--condition must be key=value, e.g. aws:ResourceTag/env=dev; got ${text}`)
}

function parseSeconds(text: string): number {
  const ms = parseDurationMs(text)
  if (ms !== undefined && ms >= 1_000 && ms <= 0xffff_ffff * 1_000) return Math.floor(ms / 1_000)
  const hint = /^\d+$/.test(text) ? `; for ${text} seconds write ${text}s` : ''
  throw new UsageError(`The task's ttl must be a duration such as 90s or 15m; got ${text}${hint}`)
}

const FLAG_OF_MISSING = { purpose: '--purpose', roleArn: '--role', access: '--allow', ttl: '--ttl' }

function missingFields(given: Readonly<Record<keyof typeof FLAG_OF_MISSING, unknown>>): UsageError {
  const missing = Object.entries(FLAG_OF_MISSING).filter(([field]) => given[field as keyof typeof given] === undefined)
  const fields = missing.map(([field]) => field).join(', ')
  const flags = missing.map(([, flag]) => flag).join(', ')
  return new UsageError(`The task has no ${fields}: set ${flags}, or ${fields} in the --task file.`)
}

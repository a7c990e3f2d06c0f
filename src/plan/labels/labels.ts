import { parseResourcePattern, type ResourcePattern, splitArn } from '../../aws/arn.ts'
import { compileGlob, type Glob } from '../../aws/glob.ts'
import { z } from '../../core/documents/schema.ts'
import type { YamlDocument } from '../../core/documents/yaml-document.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import { type TagSelector, tagSelectorSchema } from './tag-labels.ts'

/**
 * Marks that an operator can give a label. `production`, `stateful` and `public` ask for a person before anything
 * is changed; only within `nonproduction` can the approval of a destructive action be waived.
 */
export const LABEL_MARKS = ['production', 'nonproduction', 'stateful', 'public'] as const
/** One of `LABEL_MARKS`. */
export type LabelMark = (typeof LABEL_MARKS)[number]

/** The operators' labels for resources. Immutable. */
export interface LabelSet {
  readonly labels: readonly {
    readonly label: string
    /** Sorted; empty for most. */
    readonly marks: readonly LabelMark[]
    readonly patterns: readonly LabelPattern[]
    /** Selects further resources by their tags. */
    readonly tags: readonly TagSelector[]
  }[]
}

/** A pattern of a label. */
export interface LabelPattern extends ResourcePattern {
  /** As written: `*` for a whole account, '' for the pattern `*`. */
  readonly service: string
  /** Resources below those of the pattern: an index of a table, a version of a function, the objects of a bucket. */
  readonly below: readonly Glob[]
}

/** Labels of one requested pattern, both sorted. */
export interface Labelled {
  readonly within: readonly string[]
  readonly touches: readonly string[]
}

const schema = z.strictObject({
  labels: z
    .array(
      z
        .strictObject({
          label: z.string().regex(/^[A-Za-z0-9][A-Za-z0-9:._/@=+-]{0,127}$/, 'must be a name such as env:prod'),
          resources: z.array(z.string().min(1).max(2_048)).min(1).max(1_000).optional(),
          accounts: z
            .array(
              z
                .string({ error: 'must be an account id of 12 digits in quotes: a number loses its leading zeros' })
                .regex(/^\d{12}$/, 'must be an account id of 12 digits'),
            )
            .min(1)
            .max(1_000)
            .optional(),
          marks: z
            .array(z.enum(LABEL_MARKS, `must be one of ${LABEL_MARKS.join(', ')}`))
            .max(LABEL_MARKS.length)
            .refine((marks) => !(marks.includes('production') && marks.includes('nonproduction')), {
              message: 'must not have both production and nonproduction: a label is one or the other',
            })
            .default([]),
          tags: z.array(tagSelectorSchema).min(1).max(100).optional(),
        })
        .refine(({ resources, tags }) => resources || tags, 'must have resources, tags, or both'),
    )
    .max(1_000),
})

/** The placeholder for each of a label's accounts. */
const ACCOUNT = '{account}'
/** Each is compared with each resource of a task. */
const MAX_PATTERNS = 20_000

/** No labels: nothing is within or touches anything. */
export const NO_LABELS: LabelSet = parseLabels({ labels: [] })

/**
 * Reads the operator's labels: `{labels: [{label: 'env:prod', resources: ['arn:aws:s3:::prod-*'], marks: ['production']}]}`. A
 * label may also, or instead, have `tags: [{key: 'env', values: ['prod']}]`: its resources are those of both.
 *
 * `accounts` stand for `{account}` in the resources, each in turn.
 *
 * On S3 a bucket and its objects are different resources: `arn:aws:s3:::prod-data` means the bucket alone, and
 * `arn:aws:s3:::prod-data/*` its objects alone; list both. `arn:aws:s3:::prod-*` means both, since `*` crosses `/`, and so does
 * `arn:aws:s3:::prod-data*`, which also means the bucket `prod-data-2`.
 *
 * `arn:aws:*:*:222222222222:*` is a whole account. A resource without an account in its ARN, such as a bucket, may be in it: it
 * touches the label and is not within it.
 *
 * @param document what the input was read from, which gives problems their place.
 * @throws {StintError} LABELS_INVALID; `details.problems` lists everything that is wrong, by path.
 */
export function parseLabels(input: unknown, document?: Pick<YamlDocument, 'error'>): LabelSet {
  const invalid = (problems: readonly LabelProblem[]) => document?.error(problems) ?? labelsInvalid(problems)
  const parsed = schema.safeParse(input)
  if (!parsed.success) {
    throw invalid(parsed.error.issues)
  }
  const seen = new Set<string>()
  const problems: LabelProblem[] = []
  const labels = parsed.data.labels.map(({ label, resources = [], accounts, tags = [], marks }, at) => {
    if (seen.has(label))
      problems.push({
        path: ['labels', at, 'label'],
        message: `${label} is given twice; put all its resources in one place`,
      })
    seen.add(label)
    const patterns = resources.flatMap((text, index) => {
      const path = ['labels', at, 'resources', index]
      const [first = text, ...others] = spellAccounts(text, accounts)
      const pattern = patternAt(first, path, problems)
      // A mistake in the pattern of the first account is in the pattern of each.
      return pattern.length === 0 ? [] : [...pattern, ...others.flatMap((other) => patternAt(other, path, problems))]
    })
    if (accounts && !resources.some((text) => text.includes(ACCOUNT)))
      problems.push({ path: ['labels', at, 'accounts'], message: `stand for ${ACCOUNT} in resources, and none has it` })
    return { label, marks: [...new Set(marks)].sort(), patterns, tags }
  })
  const count = labels.reduce((sum, { patterns }) => sum + patterns.length, 0)
  if (count > MAX_PATTERNS)
    problems.push({ path: ['labels'], message: `must have at most ${MAX_PATTERNS} patterns in all (got ${count})` })
  if (problems.length > 0) throw invalid(problems)
  labels.sort((a, b) => (a.label < b.label ? -1 : 1))
  return { labels }
}

/** A pattern for each account; as it is if it names none in this way, or if there are none. */
function spellAccounts(text: string, accounts: readonly string[] | undefined): readonly string[] {
  if (!accounts || !text.includes(ACCOUNT)) return [text]
  return [...new Set(accounts)].map((account) => text.replaceAll(ACCOUNT, account))
}

/** The marks of labels, by label; labels without a mark are left out. */
export function findMarks(
  { labels }: LabelSet,
  wanted: ReadonlySet<string>,
): Readonly<Record<string, readonly LabelMark[]>> {
  const marked = labels.filter(({ label, marks }) => marks.length > 0 && wanted.has(label))
  return Object.fromEntries(marked.map(({ label, marks }) => [label, marks]))
}

/** Globs of the resources below a pattern. A pattern that ends in `*` matches them already. */
function compileChildGlobs(text: string): Glob[] {
  return text.endsWith('*') ? [] : [compileGlob(`${text}/*`), compileGlob(`${text}:*`)]
}

interface LabelProblem {
  /** e.g. labels, 0, resources, 2 */
  readonly path: readonly PropertyKey[]
  readonly message: string
}

function patternAt(text: string, path: readonly PropertyKey[], problems: LabelProblem[]): LabelPattern[] {
  if (text.includes(ACCOUNT)) {
    problems.push({ path, message: `has ${ACCOUNT}: list the accounts that it stands for as accounts of the label` })
    return []
  }
  try {
    const pattern = parseResourcePattern(text, { anyService: true })
    return [{ ...pattern, service: splitArn(text).service ?? '', below: compileChildGlobs(text) }]
  } catch (error) {
    problems.push({ path, message: asStintError(error).details.explanation ?? 'is not a resource pattern' })
    return []
  }
}

const MAX_LISTED = 100

/** For labels that come from no file. */
function labelsInvalid(found: readonly LabelProblem[]): StintError {
  const problems = found.map(({ path, message }) => ({ path: path.map(String).join('.') || 'labels', message }))
  const [first = { path: 'labels', message: 'is malformed' }] = problems
  const where = `${first.path}: ${first.message}`.replace(/(?<![.?])$/, '.')
  return new StintError('LABELS_INVALID', {
    explanation: problems.length > 1 ? `${problems.length} problems, the first at ${where}` : where,
    problems: problems.slice(0, MAX_LISTED).map((problem) => ({ ...problem })),
  })
}

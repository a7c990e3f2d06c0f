import type { DetailedError } from '@cedar-policy/cedar-wasm/nodejs'
import { canonicalJson, sha256Hex } from '../core/canonical-json.ts'
import { type ApprovalAnnotation, parseApproval, unknownAnnotation } from './annotations.ts'
import { NEVER_REUSED, NEVER_WAIVED } from './approval-requirements.ts'
import { findReach } from './cedar/candidates.ts'
import { CEDAR_SCHEMA, type CedarEngine, loadCedarEngine } from './cedar/cedar-engine.ts'
import { CedarJudge } from './cedar/cedar-judge.ts'
import { openPatterns } from './cedar/open-patterns.ts'
import { type PolicySource, positionAt, splitPolicies, unitsOfBytes } from './cedar/policy-text.ts'
import { unsoundUses } from './cedar/soundness.ts'
import type { Policy } from './policy.ts'

/** A file's name, for messages, and its text. */
export interface PolicyFile {
  readonly name: string
  readonly text: string
}

/** Checks that compare policies with other files and settings. */
export type PolicyRule =
  | 'unknown-name'
  | 'approval-unanswerable'
  | 'waiver-idle'
  | 'marks-overlap'
  | 'label-idle'
  | 'registration-idle'

/** Something wrong with a policy set (`error`: it is not used) or worth a look (`warning`). */
export interface PolicyProblem {
  readonly severity: 'error' | 'warning'
  readonly file: string
  /** Both from 1; a problem of the file or the directory as a whole is at 1:1. */
  readonly line: number
  readonly column: number
  readonly message: string
  readonly policyId?: string
  /** The check that found it, if it compares policies with other files and settings. */
  readonly rule?: PolicyRule
}

/** A checked set of policies; never changes. */
export interface PolicySet {
  /** Lower-case hex SHA-256 over the schema and every policy's id and text, whatever file they are in. */
  readonly hash: string
  /** Sorted by id. */
  readonly policies: readonly Policy[]
  readonly warnings: readonly PolicyProblem[]
  /** Cedar, with this set loaded. */
  readonly judge: CedarJudge
}

/** More than this in one set is refused. */
const MAX_POLICIES = 5_000

/**
 * Parses and checks policies as a whole, and collects everything that is wrong.
 *
 * @returns `set` only if no problem is an error. No policies at all is a set that denies everything, with a warning.
 */
export function compilePolicySet(files: readonly PolicyFile[]): { set?: PolicySet; problems: PolicyProblem[] } {
  const engine = loadCedarEngine()
  const problems: PolicyProblem[] = []
  const policies = files.flatMap((file) => parseFile(engine, file, problems))
  if (policies.length > MAX_POLICIES) {
    const message = `The set has ${policies.length} policies and the limit is ${MAX_POLICIES}.`
    problems.push({ severity: 'error', file: '.', line: 1, column: 1, message })
    return { problems }
  }
  const unique = withoutDuplicates(policies, problems)
  validate(engine, unique, problems)
  for (const parsed of unique) lint(parsed, problems)
  if (policies.length === 0 && problems.length === 0) {
    const message = 'There are no policies, so every request is denied.'
    problems.push({ severity: 'warning', file: '.', line: 1, column: 1, message })
  }
  problems.sort(comparePlaces)
  if (problems.some(({ severity }) => severity === 'error')) return { problems }
  const sorted = unique.map(({ policy }) => policy).sort((a, b) => compare(a.id, b.id))
  const hash = sha256Hex(canonicalJson([sha256Hex(CEDAR_SCHEMA), sorted.map(({ id, text }) => [id, text])]))
  const set = { hash, policies: sorted, warnings: problems, judge: new CedarJudge(sorted, engine) }
  return { set: Object.freeze(set), problems }
}

/** Orders problems by file, line and column. */
export function comparePlaces(a: PolicyProblem, b: PolicyProblem): number {
  return compare(a.file, b.file) || a.line - b.line || a.column - b.column
}

interface Parsed {
  readonly policy: Policy
  readonly source: PolicySource
  readonly file: PolicyFile
}

function parseFile(engine: CedarEngine, file: PolicyFile, problems: PolicyProblem[]): Parsed[] {
  const report = (offset: number, message: string, policyId?: string) =>
    problems.push(problemAt(file, offset, 'error', message, policyId))
  const { policies, problems: refused } = splitPolicies(file.text)
  for (const { offset, message } of refused) report(offset, message)
  const parsed: Parsed[] = []
  for (const source of policies) {
    const answer = attempt(() => engine.policyToJson(source.text))
    if (answer.type === 'failure') {
      for (const error of answer.errors) report(errorOffset(source, error), sentence(error))
      continue
    }
    const { annotations = {}, effect } = answer.json
    const { id } = annotations
    if (id === undefined)
      report(source.offset, 'This policy has no @id("…"); give it one, so that decisions can name it.')
    else if (!/^[A-Za-z0-9][A-Za-z0-9._/-]{0,99}$/.test(id))
      report(source.offset, 'An @id is 1 to 100 letters, digits, dots, dashes, underscores and slashes.')
    const unknown = unknownAnnotation(annotations)
    if (unknown !== undefined) report(source.offset, unknown, id)
    const approval = parseApproval(annotations, effect)
    if ('problem' in approval) report(source.offset, approval.problem, id)
    parsed.push({
      file,
      source,
      policy: {
        id: id ?? '',
        effect,
        ...toApproval(approval),
        ...(annotations.description !== undefined && { description: annotations.description }),
        text: source.text,
        file: file.name,
        ...positionAt(file.text, source.offset),
        json: answer.json,
      },
    })
  }
  return parsed
}

function toApproval(approval: ApprovalAnnotation | { readonly problem: string }): Partial<Policy> {
  if ('problem' in approval) return {}
  const { groups, exclude, reuse, waiver } = approval
  return {
    ...(groups && { approvalBy: groups }),
    ...(exclude && { exclude }),
    ...(reuse && { reuse }),
    ...(waiver !== undefined && { waiver }),
  }
}

function withoutDuplicates(parsed: readonly Parsed[], problems: PolicyProblem[]): Parsed[] {
  const first = new Map<string, Parsed>()
  return parsed.filter((one) => {
    const { id } = one.policy
    if (id === '') return true
    const earlier = first.get(id)
    first.set(id, earlier ?? one)
    if (!earlier) return true
    const message = `The @id "${id}" is taken by the policy at ${earlier.file.name}:${earlier.policy.line}.`
    problems.push(problemAt(one.file, one.source.offset, 'error', message, id))
    return false
  })
}

function validate(engine: CedarEngine, parsed: readonly Parsed[], problems: PolicyProblem[]): void {
  const staticPolicies = Object.fromEntries(parsed.map(({ policy }, index) => [`${index}`, policy.text]))
  const answer = attempt(() => engine.validate({ schema: CEDAR_SCHEMA, policies: { staticPolicies } }))
  if (answer.type === 'failure') {
    for (const error of answer.errors)
      problems.push({ severity: 'error', file: '.', line: 1, column: 1, message: sentence(error) })
    return
  }
  const report = (severity: 'error' | 'warning') => (found: { policyId: string; error: DetailedError }) => {
    const one = parsed[Number(found.policyId)]
    if (!one) throw new Error(`Cedar's validator names the unknown policy ${found.policyId}`)
    // The sentence names the policy by the position it was given; the id says more and is there already.
    const message = sentence(found.error).replace(/^For policy `\d+`, (.)/, (_, letter: string) => letter.toUpperCase())
    problems.push(problemAt(one.file, errorOffset(one.source, found.error), severity, message, one.policy.id))
  }
  answer.validationErrors.forEach(report('error'))
  answer.validationWarnings.forEach(report('warning'))
}

function lint({ policy, source, file }: Parsed, problems: PolicyProblem[]): void {
  for (const { severity, message } of unsoundUses(policy.json))
    problems.push(problemAt(file, source.offset, severity, message, policy.id))
  const classes = findReach(policy.json).classes ?? new Set<string>()
  if (policy.waiver !== undefined && classes.size > 0 && [...classes].every((name) => NEVER_WAIVED.includes(name))) {
    const message = `This waiver never applies: an approval of ${NEVER_WAIVED.join(' or ')} cannot be waived.`
    problems.push(problemAt(file, source.offset, 'error', message, policy.id))
  }
  const usedOnce = [...classes].filter((name) => NEVER_REUSED.includes(name))
  if (policy.reuse && usedOnce.length > 0) {
    const isOnly = usedOnce.length === classes.size
    const message = `This @reuse has no effect${isOnly ? '' : ` on ${usedOnce.join(', ')}`}: an approval of ${NEVER_REUSED.join(', ')} is used once.`
    problems.push(problemAt(file, source.offset, isOnly ? 'error' : 'warning', message, policy.id))
  }
  for (const pattern of openPatterns(policy.json)) {
    const message = `like "${pattern}" has no separator before the *, so it also matches longer names; write e.g. "${pattern.slice(0, -1)}/*" or "${pattern.slice(0, -1)}-*".`
    problems.push(problemAt(file, source.offset, 'warning', message, policy.id))
  }
  if (policy.effect === 'permit' && policy.json.conditions.length === 0 && policy.json.resource.op !== '==') {
    const message = 'This permit has no condition on the resource, so it covers every resource of every account.'
    problems.push(problemAt(file, source.offset, 'warning', message, policy.id))
  }
}

/** A WebAssembly trap inside Cedar refuses the set. The engine cannot be used again and is dropped with it. */
function attempt<T extends { type: 'success' } | { type: 'failure'; errors: DetailedError[] }>(call: () => T) {
  try {
    return call()
  } catch (cause) {
    const message = `Cedar gave up on this policy set (${cause instanceof Error ? cause.message : 'unknown cause'})`
    const error: DetailedError = { message, help: 'make the policies simpler', code: null, url: null, severity: null }
    return { type: 'failure' as const, errors: [error] }
  }
}

function problemAt(
  file: PolicyFile,
  offset: number,
  severity: 'error' | 'warning',
  message: string,
  policyId?: string,
): PolicyProblem {
  const named = policyId === undefined || policyId === '' ? {} : { policyId }
  return { severity, file: file.name, ...positionAt(file.text, offset), message, ...named }
}

function errorOffset(source: PolicySource, error: DetailedError): number {
  return source.offset + unitsOfBytes(source.text, error.sourceLocations?.[0]?.start ?? 0)
}

function sentence({ message, help, sourceLocations }: DetailedError): string {
  const text = message.replace(/^failed to parse policy from string: /, '')
  const hint = help ?? sourceLocations?.[0]?.label
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${hint ? ` (${hint})` : ''}.`
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0
}

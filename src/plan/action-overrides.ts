import { ACTION_CLASSES, type ActionClass } from '../aws/action-classes.ts'
import { classify, expandActions } from '../aws/classify.ts'
import { z } from '../core/documents/schema.ts'
import type { YamlDocument } from '../core/documents/yaml-document.ts'
import { asStintError, StintError } from '../core/errors.ts'

/** An operator's decision about the class of one action. */
export interface ActionOverride {
  readonly action: string
  readonly class: ActionClass
  /** The class that Stint's own rules give it. */
  readonly ownClass: ActionClass
  /** True if `class` is the milder of the two. */
  readonly isLowered: boolean
  readonly reason: string
}

/** An operator's decisions, by action in AWS's spelling; an action that keeps its class is not among them. Immutable. */
export type ActionOverrides = ReadonlyMap<string, ActionOverride>

const rowSchema = z.strictObject({
  action: z.string().min(1).max(200),
  class: z.enum(ACTION_CLASSES, `must be one of ${ACTION_CLASSES.join(', ')}`),
  reason: z
    .string()
    .max(500)
    .refine((text) => text.trim().length >= 10, 'must say why, in at least 10 characters'),
})

/** The rows are checked one by one, so that a malformed one does not hide what is wrong with another. */
const schema = z.strictObject({ overrides: z.array(z.unknown()).max(1_000) })

/** No overrides: every action has the class of Stint's own rules. */
export const NO_OVERRIDES: ActionOverrides = new Map()

interface OverrideProblem {
  readonly path: PropertyKey[]
  readonly message: string
}

/**
 * Reads an operator's overrides: `{overrides: [{action: 'ec2:StopInstances', class: 'write', reason: '…'}]}`.
 *
 * Any class may be raised. A wildcard raises the actions below the class and leaves the others alone. Lowering names one action
 * at a time, and only `destructive` can be lowered, to `write`. `permissions`, `escalation` and the flag `audit` cannot, since
 * their holder could undo every other rule. Nothing goes below `write`, since lists and reads may take `*` and are not denied
 * on completion.
 *
 * @param document what the input was read from, which gives problems their place.
 * @throws {StintError} ACTION_OVERRIDES_INVALID; `details.problems` lists everything that is wrong, by path.
 */
export function parseActionOverrides(input: unknown, document?: Pick<YamlDocument, 'error'>): ActionOverrides {
  const invalid = (problems: readonly OverrideProblem[]) => document?.error(problems) ?? overridesInvalid(problems)
  const parsed = schema.safeParse(input)
  if (!parsed.success) throw invalid(parsed.error.issues.map(({ path, message }) => ({ path, message })))
  const overrides = new Map<string, ActionOverride>()
  const rowByAction = new Map<string, number>()
  const problems: OverrideProblem[] = []
  for (const [at, row] of parsed.data.overrides.entries()) {
    const { found, refused } = readRow(row)
    problems.push(...refused.map(({ path, message }) => ({ path: ['overrides', at, ...path], message })))
    for (const override of found) {
      const before = rowByAction.get(override.action)
      rowByAction.set(override.action, at)
      overrides.set(override.action, override)
      if (before === undefined) continue
      const message = `names ${override.action}, which overrides.${before} names already; give it one class`
      problems.push({ path: ['overrides', at, 'action'], message })
    }
  }
  if (problems.length > 0) throw invalid(problems)
  return new Map([...overrides].filter(([, override]) => override.class !== override.ownClass))
}

/** A sentence about a class that was lowered, for plan and status. */
export function describeLowering({ action, class: risk, ownClass, reason }: ActionOverride): string {
  return `${action} counts as ${risk} instead of ${ownClass}, since an operator has lowered it: ${reason}`
}

interface ReadRow {
  readonly found: readonly ActionOverride[]
  readonly refused: readonly OverrideProblem[]
}

/** Reads one row; see `parseActionOverrides` for wildcards. */
function readRow(input: unknown): ReadRow {
  const parsed = rowSchema.safeParse(input)
  if (!parsed.success) return { found: [], refused: parsed.error.issues }
  const { action: written, class: wanted, reason } = parsed.data
  let members: readonly string[]
  try {
    members = expandActions(written)
  } catch (thrown) {
    return { found: [], refused: [{ path: ['action'], message: `is refused: ${asStintError(thrown).message}` }] }
  }
  const all = members.map((action): ActionOverride => {
    const { class: ownClass } = classify(action)
    return { action, class: wanted, ownClass, isLowered: rank(wanted) < rank(ownClass), reason }
  })
  if (/[*?]/.test(written)) {
    const raised = all.filter((override) => rank(override.class) > rank(override.ownClass))
    const message = `raises no action of ${written}, and a wildcard cannot lower one; name each action to lower`
    return { found: raised, refused: raised.length > 0 ? [] : [{ path: ['class'], message }] }
  }
  const refusals = all.flatMap((override) => refuseLowering(override) ?? [])
  return { found: all, refused: refusals.map((message) => ({ path: ['class'], message })) }
}

function refuseLowering({ action, class: wanted, ownClass, isLowered }: ActionOverride): string | undefined {
  if (!isLowered) return undefined
  if (ownClass === 'permissions' || ownClass === 'escalation') {
    return `cannot lower ${action}, which is ${ownClass}: whoever may do that can undo every other rule`
  }
  if (classify(action).flags.includes('audit')) {
    return `cannot lower ${action}, which has the flag audit: it can hide traces of everything else`
  }
  if (ownClass === 'destructive' && wanted === 'write') return undefined
  return `cannot lower ${action} from ${ownClass} to ${wanted}; only destructive can be lowered, and only to write`
}

function rank(risk: ActionClass): number {
  return ACTION_CLASSES.indexOf(risk)
}

function overridesInvalid(found: readonly OverrideProblem[]): StintError {
  const problems = found.map(({ path, message }) => ({ path: path.map(String).join('.') || 'overrides', message }))
  const explanation = problems.map(({ path, message }) => `${path} ${message}`).join('; ')
  return new StintError('ACTION_OVERRIDES_INVALID', { explanation: `${explanation}.`, problems })
}

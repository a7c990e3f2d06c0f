import { ACTION_FLAGS } from '../../aws/action-classes.ts'
import { findAction } from '../../aws/classify.ts'
import { CONDITION_KEYS, findConditionKey } from '../../aws/conditions/condition-keys.ts'
import { asStintError } from '../../core/errors.ts'
import { didYouMean } from '../../core/text/nearest.ts'
import { AUTH_METHODS } from '../../identity/caller-identity.ts'
import type { Policy } from '../policy.ts'
import type { PolicyProblem, PolicyRule } from '../policy-set.ts'
import { findMentions, type Mention, type NameKind } from './mentions.ts'

/** The names of one kind that exist. */
export interface NameSource {
  /** The source of the names, for messages, e.g. `labels.yaml`. */
  readonly source: string
  /** All of them, for "did you mean". */
  readonly names: readonly string[]
  /** Set where more names exist than can be listed, as of agents that a prefix covers. Default: the listed names. */
  readonly has?: (name: string) => boolean
}

/** The names that exist outside the policies, by kind. A missing kind is not checked. */
export type KnownNames = Readonly<Partial<Record<NameKind, NameSource>>>

/** The kinds of names that each outside source holds. */
export const OUTSIDE_KINDS = {
  labels: ['label'],
  registrations: ['team', 'agent', 'owner', 'registration'],
  operators: ['group'],
  roles: ['role'],
  'trust domains': ['trustDomain'],
} as const satisfies Readonly<Record<string, readonly NameKind[]>>

/** The sources of `OUTSIDE_KINDS` that names are checked against, and those that are not given. */
export function listLooked(known: KnownNames): { checked: string[]; notChecked: string[] } {
  const looked = Map.groupBy(Object.entries(OUTSIDE_KINDS), ([, kinds]) => kinds.every((kind) => known[kind]))
  const words = (yes: boolean) => (looked.get(yes) ?? []).map(([collection]) => collection)
  return { checked: words(true), notChecked: words(false) }
}

/**
 * Finds names in policies that exist nowhere. A permit with such a name never applies, and a forbid never stops anything.
 *
 * Actions, flags, condition keys and authentication methods are always checked, other kinds if `known` has them.
 */
export function findUnknownNames(policies: readonly Policy[], known: KnownNames = {}): PolicyProblem[] {
  return policies.flatMap((policy) =>
    findMentions(policy).flatMap((mention) => {
      const message = explainUnknown(mention, { ...known, ...BUILT_IN })
      return message === undefined ? [] : [problemIn(policy, mention.name, 'error', message, 'unknown-name')]
    }),
  )
}

/** A problem at the first mention of `name` in the policy, also as the group of an approval; else at the policy's beginning. */
export function problemIn(
  policy: Policy,
  name: string,
  severity: PolicyProblem['severity'],
  message: string,
  rule: PolicyRule,
): PolicyProblem {
  const quoted = JSON.stringify(name)
  const places = [quoted, `${quoted.slice(0, -1)}:`].map((text) => policy.text.indexOf(text))
  const before = policy.text.slice(0, places.find((place) => place >= 0) ?? 0).split('\n')
  const onFirst = before.length === 1
  const column = [...(before.at(-1) ?? '')].length + (onFirst ? policy.column : 1)
  const line = policy.line + before.length - 1
  return { severity, file: policy.file, line, column, message, policyId: policy.id, rule }
}

/** Names that depend on no file. */
const BUILT_IN: KnownNames = {
  flag: { source: 'Stint', names: ACTION_FLAGS },
  authMethod: { source: 'Stint', names: AUTH_METHODS },
  conditionKey: {
    source: 'Stint',
    names: CONDITION_KEYS.map(({ name }) => name),
    // Policies compare keys exactly; the name of a family is followed by a tag key.
    has: (name) => findConditionKey(name)?.key === name,
  },
}

const NOUNS: Readonly<Record<NameKind, string>> = {
  label: 'label',
  team: 'team',
  agent: 'registration that covers the agent',
  owner: 'owner',
  registration: 'registration',
  trustDomain: 'trust domain',
  role: 'role',
  group: 'operator in the group',
  action: 'action',
  flag: 'flag',
  authMethod: 'authentication method',
  conditionKey: 'condition key',
}

function explainUnknown({ kind, name }: Mention, known: KnownNames): string | undefined {
  if (kind === 'action') return explainUnknownAction(name)
  const source = known[kind]
  if (!source || (source.has?.(name) ?? source.names.includes(name))) return undefined
  return `${source.source} has no ${NOUNS[kind]} ${JSON.stringify(name)}${didYouMean(name, source.names) || '.'}`
}

function explainUnknownAction(name: string): string | undefined {
  try {
    const { action } = findAction(name)
    if (action === name) return undefined
    return `context.action is spelled ${JSON.stringify(action)}, so it never equals ${JSON.stringify(name)}; write ${JSON.stringify(action)}.`
  } catch (error) {
    return asStintError(error).details.explanation ?? `There is no action ${JSON.stringify(name)}.`
  }
}

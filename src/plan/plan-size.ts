import { ACTION_TABLE_VERSION } from '../aws/classify.ts'
import type { ActionWildcard } from '../aws/policy-statements/shorten-actions.ts'
import { MAX_SESSION_POLICY_CHARACTERS } from '../aws/session-policy.ts'
import type { PlanWarning } from './plan.ts'

/** Warns of wildcards in a session policy, with what they could allow later; empty if it has none. */
export function wildcardWarnings(wildcards: readonly ActionWildcard[]): readonly PlanWarning[] {
  if (wildcards.length === 0) return []
  const exceptions = [...new Set(wildcards.flatMap((wildcard) => wildcard.exceptions ?? []))]
  const without = exceptions.length === 0 ? '' : `, and a Deny of ${exceptions.join(', ')}`
  const actionsByPattern = new Map<string, Set<string>>()
  for (const { pattern, actions } of wildcards) {
    actionsByPattern.set(pattern, new Set([...(actionsByPattern.get(pattern) ?? []), ...actions]))
  }
  const listed = [...actionsByPattern].map(([pattern, { size }]) => `${pattern} for ${size} actions`).join(', ')
  const explanation = `To stay within ${MAX_SESSION_POLICY_CHARACTERS} characters, the session policy has ${listed}${without}. Today that is exactly these actions (table ${ACTION_TABLE_VERSION}). An action of such a name that AWS adds later would be allowed too, on the same resources and within the role's own policies. A smaller task has no wildcards.`
  return [{ kind: 'actions_shortened', explanation }]
}

import type { NoReason, PairReach, RoleReach } from '../../aws/role-policies/role-reach.ts'
import type { PlanPair, PlanWarning } from '../plan.ts'
import type { PlanReach } from './reach-record.ts'

/** Finds the reach of a role; undefined for one whose policies are not known. */
export type FindRoleReach = (roleArn: string) => RoleReach | undefined

/** Policies that nobody reads here. Each can only narrow access, except the last. */
const NEVER_READ = ['service control policies', 'resource control policies', 'other resource policies'] as const

/** Cuts the pairs of a plan by the policies of its role. */
export function planReach(pairs: readonly PlanPair[], role: RoleReach, subject: string): PlanReach {
  const judged = pairs.map((pair) => ({ pair, reach: role.judge(pair, subject) }))
  const working = judged.filter(({ reach }) => reach.verdict !== 'no').map(({ pair }) => pair)
  const count = (verdict: PairReach['verdict']) => judged.filter(({ reach }) => reach.verdict === verdict).length
  return {
    policiesDigest: role.digest,
    yes: count('yes'),
    no: count('no'),
    yesIf: count('yes-if'),
    byClass: countBy(working, (pair) => [pair.class]),
    byLabel: countBy(working, (pair) => pair.touches),
    limited: judged.flatMap(({ reach }, pair) => (reach.verdict === 'yes' ? [] : [{ pair, ...reach }])),
    unknown: [...role.unread, ...NEVER_READ],
  }
}

/** Warns of pairs that will be refused; undefined if there are none. */
export function noReachWarning(pairs: readonly PlanPair[], { no, limited }: PlanReach): PlanWarning | undefined {
  if (no === 0) return undefined
  const first = limited.find(({ verdict }) => verdict === 'no')
  const pair = first && pairs[first.pair]
  const example = pair
    ? `, such as ${pair.action} on ${pair.resource}: ${REFUSAL_REASONS[first.reason ?? 'not_allowed']}`
    : ''
  const explanation = `AWS will refuse ${no} of ${pairs.length} pairs${example}. An operator of the role can allow them; else leave them out of the task.`
  return { kind: 'role_refuses', explanation }
}

/** The reasons for which a pair cannot work, in words. */
export const REFUSAL_REASONS: Readonly<Record<NoReason, string>> = {
  not_allowed: "the role's own policies do not allow it",
  boundary: "the role's permissions boundary does not allow it",
  denied: 'a policy of the role denies it',
}

function countBy<Name extends string>(
  pairs: readonly PlanPair[],
  names: (pair: PlanPair) => readonly Name[],
): Readonly<Record<Name, number>> {
  const counts = new Map<Name, number>()
  for (const pair of pairs) for (const name of names(pair)) counts.set(name, (counts.get(name) ?? 0) + 1)
  return Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))) as Record<Name, number>
}

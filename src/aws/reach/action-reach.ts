import type { TableAction } from '../action-table.ts'
import { type ResourcePattern, splitArn } from '../arn.ts'
import { compileGlob, type Glob, intersects } from '../glob.ts'
import { ownerWithoutAccount, serviceReach } from './service-reach.ts'

/** Everything that an action can reach; the same object for actions that reach the same. */
export interface ActionReach {
  /** To tell quickly that a pattern of another service is not reached. */
  readonly services: ReadonlySet<string>
  readonly arns: readonly ReachedArns[]
}

/** ARNs of one service. */
interface ReachedArns {
  /** Partition, service, region and account. */
  readonly parts: readonly Glob[]
  /** Accounts that the resources may be in where their ARN names none; undefined where it names one, or AWS owns them. */
  readonly owner?: Glob
}

/** A role, as far as its reach depends on it. */
export interface ReachingRole {
  readonly partition: string
  /** '' where roles have none: then every account. */
  readonly accountId: string
}

const known = new Map<string, ActionReach>()
const MAX_KNOWN = 2_000

/**
 * All that an action can reach: the resources of its service and of the resource types in its row, in the role's own account
 * where resources of the service are in no other. Said of `*` and of patterns with a wildcard in the account; an account that
 * a pattern spells is taken at its word.
 *
 * @returns undefined for everything: an action that takes nothing narrower than `*` may look at any service's resources, as
 *   `tag:GetResources` does, unless its service is known.
 */
export function findReach({ service, resourceTypes }: TableAction, role: ReachingRole): ActionReach | undefined {
  const own = role.accountId || '*'
  const reach = serviceReach(service)
  const takesStarOnly = resourceTypes.length === 0
  if (takesStarOnly && !reach) return undefined
  const isOwn = takesStarOnly || reach?.account === 'own'
  const account = isOwn ? own : '*'
  const arns = new Set([`${service} ${account}`, `${service} - ${isOwn ? own : toOwner(service, own)}`])
  for (const { name, template } of resourceTypes) {
    const type = splitArn(template)
    const typeService = type.service ?? ''
    const theirs = serviceReach(typeService)
    const isOpen = !isOwn || theirs?.account !== 'own' || theirs.shared?.has(name) === true
    const isWithout = type.account === ''
    arns.add(isWithout ? `${typeService} - ${toOwner(typeService, own)}` : `${typeService} ${isOpen ? '*' : own}`)
  }
  return remember(role.partition, [...arns].sort())
}

/** The part of a reach that a pattern can stand for. */
export function narrowReach(reach: ActionReach, { parts }: ResourcePattern): ActionReach {
  if (parts.length === 0) return reach
  const arns = reach.arns.filter((arn) => arn.parts.every((part, at) => intersects(part, parts[at + 1] ?? part)))
  return { ...reach, arns }
}

/** True if a pattern leaves open whose the resource is: `*`, or a wildcard where the account stands. */
export function leavesAccountOpen({ text }: ResourcePattern): boolean {
  return text === '*' || /[*?]/.test(splitArn(text).account ?? '')
}

/** The accounts that the resources of a pattern may be in which names none; undefined where it does, or AWS owns them. */
export function ownersWithoutAccount({ text }: ResourcePattern, { accountId }: ReachingRole): Glob | undefined {
  const { service = '', account } = splitArn(text)
  const owner = account === '' ? toOwner(service, accountId || '*') : ''
  return owner === '' ? undefined : compileGlob(owner)
}

/**
 * True if an action with this reach may meet what a pattern stands for, read as ARNs are: no wildcard crosses a colon, but in
 * the last part, which does not matter here.
 *
 * @param service the pattern's, as written; `*` and '' mean any.
 */
export function reachesPattern(reach: ActionReach, service: string, { parts }: ResourcePattern): boolean {
  if (service !== '' && service !== '*' && !reach.services.has(service)) return false
  return reach.arns.some((arns) => arns.parts.every((part, at) => intersects(part, parts[at + 1] ?? part)))
}

function toOwner(service: string, own: string): string {
  const owner = ownerWithoutAccount(service)
  return owner === 'aws' ? '' : owner === 'own' ? own : '*'
}

function remember(partition: string, rows: readonly string[]): ActionReach {
  const key = [partition, ...rows].join('\n')
  const before = known.get(key)
  if (before) return before
  if (known.size >= MAX_KNOWN) known.clear()
  const reach = {
    services: new Set(rows.map((row) => row.split(' ')[0] ?? '')),
    arns: rows.map((row): ReachedArns => {
      const [service = '', account = '', owner] = row.split(' ')
      const parts = [partition, service, '*', account === '-' ? '' : account].map((part) => compileGlob(part))
      return { parts, ...(owner && { owner: compileGlob(owner) }) }
    }),
  }
  known.set(key, reach)
  return reach
}

import type { TableAction } from '../action-table.ts'
import { type ResourcePattern, splitArn } from '../arn.ts'
import { compileGlob, type Glob, intersects } from '../glob.ts'
import { ownerWithoutAccount, serviceReach } from './service-reach.ts'

/** The ARNs that an action can reach. Actions with the same reach share one object. */
export interface ActionReach {
  /** The services of `arns`, for a quick refusal. */
  readonly services: ReadonlySet<string>
  readonly arns: readonly ReachedArns[]
}

/** ARNs of one service. */
interface ReachedArns {
  /** Partition, service, region and account. */
  readonly parts: readonly Glob[]
  /** Accounts of the resources whose ARN names none; undefined if it names one, or if AWS owns them. */
  readonly owner?: Glob
}

/** The part of a role that its reach depends on. */
export interface ReachingRole {
  readonly partition: string
  /** '' where roles have none: then every account. */
  readonly accountId: string
}

const known = new Map<string, ActionReach>()
const MAX_KNOWN = 2_000

/**
 * Finds the ARNs that an action can reach by `*`, or by a pattern with a wildcard in the account: those of its service and of
 * the resource types in its row. They are in the role's own account if the service has no resources in others. A pattern
 * that spells an account reaches that account, whatever the role's is.
 *
 * @returns undefined if it can reach anything: an action that takes nothing narrower than `*` may see the resources of every
 *   service, as `tag:GetResources` does, unless its service is in `serviceReach`.
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

/** The part of a reach that a pattern may mean. */
export function narrowReach(reach: ActionReach, { parts }: ResourcePattern): ActionReach {
  if (parts.length === 0) return reach
  const arns = reach.arns.filter((arn) => arn.parts.every((part, at) => intersects(part, parts[at + 1] ?? part)))
  return { ...reach, arns }
}

/** True if a pattern leaves the account open: `*`, or a wildcard in the account. */
export function leavesAccountOpen({ text }: ResourcePattern): boolean {
  return text === '*' || /[*?]/.test(splitArn(text).account ?? '')
}

/** The accounts that may own the resources of a pattern without an account; undefined if it names one, or if AWS owns them. */
export function ownersWithoutAccount({ text }: ResourcePattern, { accountId }: ReachingRole): Glob | undefined {
  const { service = '', account } = splitArn(text)
  const owner = account === '' ? toOwner(service, accountId || '*') : ''
  return owner === '' ? undefined : compileGlob(owner)
}

/**
 * True if an action with this reach may meet a resource of a pattern. Wildcards do not cross colons here; the last part, where
 * they do, is not compared.
 *
 * @param service the service of the pattern, as written; `*` and '' mean any.
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

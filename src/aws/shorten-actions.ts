import { actionsOfService } from './action-table.ts'

/**
 * Replaces actions by `service:Prefix*` where that stands for exactly the same actions of the table; `service:*` if it is
 * the whole service. Only actions known to the table count: an action that AWS adds later under the prefix would be allowed
 * too (within the role's own policies), so this is for policies that do not fit otherwise. To keep that small, a prefix holds
 * at least the first word, and all that its actions have in common: `ec2:Describe*` rather than `ec2:Des*`.
 *
 * @param actions canonical, without wildcards.
 * @returns sorted; never longer in characters than what came in.
 */
export function shortenActions(actions: readonly string[]): readonly string[] {
  const wanted = new Map<string, string[]>()
  for (const action of actions) {
    const [service = '', name = ''] = action.split(':')
    const names = wanted.get(service) ?? []
    names.push(name)
    wanted.set(service, names)
  }
  const short = [...wanted].flatMap(([service, names]) => shortenService(service, names))
  return short.sort()
}

function shortenService(service: string, names: readonly string[]): string[] {
  const wanted = new Set(names.map((name) => name.toLowerCase()))
  const others = [...(actionsOfService(service)?.keys() ?? [])].filter((key) => !wanted.has(key))
  if (others.length === 0 && names.length > 1) return [`${service}:*`]
  const out: string[] = []
  const covered = new Set<string>()
  for (const name of [...names].sort()) {
    if (covered.has(name)) continue
    const prefix = ownPrefix(name, others)
    const under = names.filter((other) => prefix !== undefined && startsWith(other, prefix))
    if (under.length < 2) {
      out.push(`${service}:${name}`)
      continue
    }
    for (const other of under) covered.add(other)
    out.push(`${service}:${commonPrefix(under)}*`)
  }
  return out
}

/** The shortest beginning of the name, from its first word on, that no other action of the service has. */
function ownPrefix(name: string, others: readonly string[]): string | undefined {
  const firstWord = /^[A-Z]*[^A-Z]*/.exec(name)?.[0].length ?? name.length
  for (let length = Math.max(1, firstWord); length <= name.length; length += 1) {
    const prefix = name.slice(0, length)
    if (!others.some((other) => startsWith(other, prefix))) return prefix
  }
  return undefined
}

function commonPrefix(names: readonly string[]): string {
  const [first = '', ...rest] = names
  let length = first.length
  while (!rest.every((name) => startsWith(name, first.slice(0, length)))) length -= 1
  return first.slice(0, length)
}

function startsWith(name: string, prefix: string): boolean {
  return name.toLowerCase().startsWith(prefix.toLowerCase())
}

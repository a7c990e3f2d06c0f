import { idBody } from '../../../core/ids.ts'
import { createDenies } from '../../deny-spread.ts'
import type { DocumentDenies } from '../../provider.ts'
import { agentName } from '../agent-name.ts'

/** A statement of a policy that anybody may have written. */
type Statement = Readonly<Record<string, unknown>>

/**
 * Reads the denies of a policy, as far as its statements have the forms that `deny-document.ts` writes. A statement of any
 * other form counts for nothing, even where it denies a grant: the broker then writes that grant in its own form.
 */
export function readDenies(statements: readonly Statement[]): DocumentDenies {
  const named = new Set<string>()
  const agents = new Map<string, Date>()
  let watermark: Date | undefined
  for (const { sources, userIds, before } of statements.flatMap(readDeny)) {
    for (const body of sources) named.add(body)
    for (const pattern of userIds) {
      const body = GRANT_PATTERN.exec(pattern)?.[1]
      if (body !== undefined && !before) named.add(body)
      const agent = AGENT_PATTERN.exec(pattern)?.[1]
      if (agent !== undefined && before) agents.set(agent, latest(agents.get(agent), before))
    }
    if (before && userIds.length === 0 && sources.length === 0) watermark = latest(watermark, before)
  }
  return createDenies({
    names: (grantId) => named.has(idBody(grantId)),
    watermark,
    findWatermark: (agent) => agents.get(agentName(agent)),
  })
}

interface Deny {
  readonly sources: readonly string[]
  readonly userIds: readonly string[]
  readonly before: Date | undefined
}

const GRANT_PATTERN = /^\*:([0-9A-Z]{26})\.\*$/
const AGENT_PATTERN = /^\*\.([a-z2-7]{12})$/

/** One condition by name, or one watermark, or both; a deny that asks for more denies less. */
function readDeny({ Effect, Action, Resource, Condition = {}, ...others }: Statement): Deny[] {
  const hasMore = Object.keys(others).some((key) => key !== 'Sid')
  if (Effect !== 'Deny' || !isStar(Action) || !isStar(Resource) || hasMore) return []
  const conditions = Object.entries(Condition as Record<string, Record<string, unknown>>).flatMap(([operator, keys]) =>
    Object.entries(keys).map(([key, value]) => ({ name: `${operator} ${key}`, values: [value].flat().map(String) })),
  )
  const valuesOf = (name: string) => conditions.find((one) => one.name === name)?.values ?? []
  const sources = valuesOf('StringEquals aws:SourceIdentity')
  const userIds = valuesOf('StringLike aws:userid')
  const [instant, another] = valuesOf('DateLessThan aws:TokenIssueTime')
  const before = instant === undefined ? undefined : new Date(instant)
  const known = [sources, userIds, before ? [instant] : []].filter((values) => values.length > 0).length
  const isOurs = known === conditions.length && conditions.length > 0 && another === undefined
  // Two of a kind are joined by AND: only the name of an agent and a watermark belong together.
  if (!isOurs || (sources.length > 0 && conditions.length > 1)) return []
  if (before && Number.isNaN(before.getTime())) return []
  return [{ sources, userIds, before }]
}

function isStar(value: unknown): boolean {
  const [only, another] = [value].flat()
  return only === '*' && another === undefined
}

function latest(a: Date | undefined, b: Date): Date {
  return a && a > b ? a : b
}

import type { AgentWatermark, DeniedGrant, DenyListContent } from './provider.ts'

/** A grant that has to stay denied, and how it competes for a place. */
export interface DenyCandidate extends DeniedGrant {
  /** An operator ended it: it has a place in reserve, which ordinary entries cannot fill. */
  readonly urgent?: boolean
}

/** Inputs of a planned list. */
export interface DenyListInput {
  /** All grants that must be denied now; those whose last session is over are not in it. */
  readonly entries: readonly DenyCandidate[]
  /** True if the document has room for a list and so many further grants. */
  readonly fits: (list: DenyListContent, spare: number) => boolean
  /** The common watermark that the document may hold now. */
  readonly currentWatermark?: Date
  /** Everybody's sessions issued before this are denied in any case, whatever entries there are. */
  readonly floor?: Date
  /**
   * Between the newest covered session and a watermark, at least a second since aws:TokenIssueTime has whole seconds. Choose
   * more where issue times come from a clock that may be behind AWS's.
   */
  readonly marginMs?: number
  /** Places that only operators' revocations take. */
  readonly reserve?: number
}

/** Places for what operators revoke while agents fill the rest. */
export const RESERVED_PLACES = 16

/** The entries of one agent that compete for places. */
interface Share {
  readonly agent: string
  /** Grants that an operator ended first, then those that can chain, then the newest. */
  readonly entries: readonly DenyCandidate[]
}

/** How many entries each agent may have by name, and how many watermarks of agents may differ. */
interface Allotment {
  readonly each: number
  /** So many agents, those that want least first … */
  readonly favoured: number
  /** … may have so many. */
  readonly favouredEach: number
  /** Agents whose watermarks lie so near to each other, in milliseconds, share the latest of theirs. */
  readonly spanMs: number
}

/**
 * The whole list that a policy document has to hold. Each entry is either named or under a watermark.
 *
 * Places are shared by agent: each may have as many entries by name as every other one, and what an agent does not need goes
 * to those that want more. An agent that wants more than that has its newest entries named and a watermark of its own over
 * the older ones, which cuts its own older sessions and nobody else's. It comes back by itself when its entries fit.
 *
 * When not even one watermark for each agent fits, agents whose watermarks lie near to each other share one, no farther apart
 * than needed. The common watermark, which cuts everybody's older sessions, comes last: when the names of all agents do not fit, or
 * so many entries that no watermark of an agent covers.
 *
 * No clock is read: what is denied must not hang on this machine's, which may have jumped. A watermark of an agent follows
 * from the entries alone: every document covers each of them. The common one never goes down while an entry that it may cover
 * lives, and goes away when none is left.
 *
 * @returns `grants` newest first. If not even the common watermark fits, the list is empty and the write will be refused.
 */
export function planDenyList(input: DenyListInput): DenyListContent {
  const entries = newestFirst(input.entries)
  // A document in which the reserve takes too much is shared without one.
  for (const reserve of [input.reserve ?? RESERVED_PLACES, 0]) {
    const plan = new SharedPlan(entries, input, reserve)
    const list = plan.named() ?? plan.byShare() ?? plan.byFewWatermarks()
    if (list) return list
  }
  return planCommonWatermark(entries, input)
}

/** Tries allotments, the least harmful first. */
class SharedPlan {
  readonly #input: DenyListInput
  readonly #marginMs: number
  readonly #floorMs: number
  /** Those that want least first. */
  readonly #shares: readonly Share[]
  /** Entries that are named in any case: those in reserve, and those that only their names can deny. */
  readonly #always: readonly DenyCandidate[]
  /** The rest of the reserve. */
  readonly #spare: number

  constructor(entries: readonly DenyCandidate[], input: DenyListInput, reserve: number) {
    this.#input = input
    this.#marginMs = toMarginMs(input)
    this.#floorMs = keptWatermarkMs(entries, input)
    const open = entries.filter((entry) => !this.#isUnderFloor(entry))
    const reserved = chooseReserved(open.filter(isCoverable), reserve)
    this.#always = open.filter((entry) => !isCoverable(entry) || reserved.has(entry))
    this.#shares = shareByAgent(open.filter((entry) => !reserved.has(entry)))
    this.#spare = reserve - reserved.size
  }

  /** Everything by name. */
  named(): DenyListContent | undefined {
    return this.#ifFits({ each: ALL, favoured: 0, favouredEach: ALL, spanMs: 0 })
  }

  /** Equal shares, and a watermark for each agent that wants more. What equal shares leave over goes to those that want least. */
  byShare(): DenyListContent | undefined {
    const most = Math.max(0, ...this.#shares.map(({ entries }) => entries.length))
    const equal = largest(most, (each) => this.#ifFits({ each, favoured: 0, favouredEach: each, spanMs: 0 }))
    if (!equal) return undefined
    const { level: each } = equal
    return largest(this.#shares.length, (favoured) =>
      this.#ifFits({ each, favoured, favouredEach: each + 1, spanMs: 0 }),
    )?.found
  }

  /**
   * Watermarks that agents share, as near to their own as fits: one that floods must not cut the sessions of those that completed
   * before it. Then as many agents by name as fit.
   */
  byFewWatermarks(): DenyListContent | undefined {
    const plan = (favoured: number, seconds: number) =>
      this.#ifFits({ each: 0, favoured, favouredEach: ALL, spanMs: seconds * 1_000 })
    const most = largest(LONGEST_SPAN_SECONDS, (fewer) => plan(0, LONGEST_SPAN_SECONDS - fewer))
    if (!most) return undefined
    const seconds = Math.max(HARMLESS_SPAN_SECONDS, LONGEST_SPAN_SECONDS - most.level)
    return largest(this.#shares.length, (favoured) => plan(favoured, seconds))?.found
  }

  #ifFits(allotment: Allotment): DenyListContent | undefined {
    const list = this.#list(allotment)
    return this.#input.fits(list, this.#spare) ? list : undefined
  }

  #list({ each, favoured, favouredEach, spanMs }: Allotment): DenyListContent {
    const named = [...this.#always]
    const watermarks: AgentWatermark[] = []
    for (const [place, { agent, entries }] of this.#shares.entries()) {
      const most = place < favoured ? favouredEach : each
      const rest = entries.slice(most)
      const beforeMs = Math.max(...rest.map((entry) => this.#coveredMs(entry)))
      if (rest.length > 0) watermarks.push({ agent, before: new Date(beforeMs) })
      // Entries that the watermark covers need no place.
      named.push(...entries.slice(0, most).filter((entry) => entry.chains || this.#coveredMs(entry) > beforeMs))
    }
    return toList(named, shareInstants(watermarks, spanMs), this.#floorMs)
  }

  #coveredMs({ lastIssuedAt }: DenyCandidate): number {
    return wholeSecondMs(lastIssuedAt.getTime() + this.#marginMs)
  }

  #isUnderFloor(entry: DenyCandidate): boolean {
    return !entry.chains && entry.lastIssuedAt.getTime() + this.#marginMs <= this.#floorMs
  }
}

/** The largest number from 0 to `most` that gives a list, by halving: a larger one hardly ever takes less room. */
function largest(
  most: number,
  plan: (n: number) => DenyListContent | undefined,
): { readonly level: number; readonly found: DenyListContent } | undefined {
  let best: { readonly level: number; readonly found: DenyListContent } | undefined
  let [low, high] = [0, most]
  while (low <= high) {
    const level = Math.floor((low + high) / 2)
    const found = plan(level)
    if (found) {
      best = { level, found }
      low = level + 1
    } else high = level - 1
  }
  return best
}

/** The last resort: the newest by name, and everybody's sessions that are older than the others are cut. */
function planCommonWatermark(entries: readonly DenyCandidate[], input: DenyListInput): DenyListContent {
  const marginMs = toMarginMs(input)
  const floorMs = keptWatermarkMs(entries, input)
  const candidate = (listed: number) => {
    const oldest = entries[listed]
    const neededMs = oldest ? wholeSecondMs(oldest.lastIssuedAt.getTime() + marginMs) : Number.NEGATIVE_INFINITY
    const watermarkMs = Math.max(floorMs, neededMs)
    const named = entries.slice(0, listed).filter((entry) => entry.lastIssuedAt.getTime() + marginMs > watermarkMs)
    return toList(named, [], watermarkMs)
  }
  // The largest number of listed entries that fits; a longer list is never smaller, so halving finds it.
  let fitting = 0
  let tooMany = entries.length
  while (tooMany - fitting > 1) {
    const middle = Math.floor((fitting + tooMany) / 2)
    if (input.fits(candidate(middle), 0)) fitting = middle
    else tooMany = middle
  }
  return candidate(fitting)
}

const ALL = Number.POSITIVE_INFINITY
/** No two entries were issued farther apart: those of sessions that can chain stay for more than an hour. */
const LONGEST_SPAN_SECONDS = 8_192
/** A watermark that agents share may be so much later than an agent's own: it cuts sessions that began in between without need. */
const HARMLESS_SPAN_SECONDS = 5

function toList(
  named: readonly DenyCandidate[],
  agents: readonly AgentWatermark[],
  watermarkMs: number,
): DenyListContent {
  const chaining = named.filter((entry) => entry.chains).map((entry) => entry.grantId)
  return {
    grants: named.toSorted(byNewest).map((entry) => entry.grantId),
    ...(chaining.length > 0 ? { chaining } : {}),
    ...(agents.length > 0 ? { agents } : {}),
    ...(Number.isFinite(watermarkMs) ? { watermark: new Date(watermarkMs) } : {}),
  }
}

function isCoverable({ agent, named }: DenyCandidate): boolean {
  return agent !== undefined && named === true
}

/** Grants that operators ended, shared by agent too: the first of each, then the second … */
function chooseReserved(entries: readonly DenyCandidate[], reserve: number): ReadonlySet<DenyCandidate> {
  const taken = new Map<string | undefined, number>()
  const inTurn = entries
    .filter((entry) => entry.urgent)
    .map((entry) => {
      const turn = taken.get(entry.agent) ?? 0
      taken.set(entry.agent, turn + 1)
      return { entry, turn }
    })
  return new Set(
    inTurn
      .sort((a, b) => a.turn - b.turn)
      .slice(0, reserve)
      .map(({ entry }) => entry),
  )
}

function shareByAgent(entries: readonly DenyCandidate[]): Share[] {
  const byAgent = new Map<string, DenyCandidate[]>()
  for (const entry of entries) {
    if (entry.agent === undefined || !isCoverable(entry)) continue
    const own = byAgent.get(entry.agent) ?? []
    own.push(entry)
    byAgent.set(entry.agent, own)
  }
  return [...byAgent]
    .map(([agent, own]) => ({ agent, entries: own.sort((a, b) => rank(a) - rank(b) || byNewest(a, b)) }))
    .sort((a, b) => a.entries.length - b.entries.length || (a.agent < b.agent ? -1 : 1))
}

function rank({ urgent, chains }: DenyCandidate): number {
  return urgent ? 0 : chains ? 1 : 2
}

/** Watermarks whose instants lie within a span of each other get the latest of theirs, the latest ones first. */
function shareInstants(watermarks: readonly AgentWatermark[], spanMs: number): AgentWatermark[] {
  const latestFirst = watermarks.toSorted((a, b) => b.before.getTime() - a.before.getTime())
  let shared = new Date(Number.POSITIVE_INFINITY)
  return latestFirst.map(({ agent, before }) => {
    if (!(shared.getTime() - before.getTime() <= spanMs)) shared = before
    return { agent, before: shared }
  })
}

/** The present watermark as long as some entry was issued before it, and the floor if it is later; else nothing. */
function keptWatermarkMs(
  entries: readonly DenyCandidate[],
  { currentWatermark: current, floor }: Pick<DenyListInput, 'currentWatermark' | 'floor'>,
): number {
  const floorMs = floor ? wholeSecondMs(floor.getTime()) : Number.NEGATIVE_INFINITY
  if (!current) return floorMs
  const covers = entries.some((entry) => entry.lastIssuedAt.getTime() < current.getTime())
  return covers ? Math.max(floorMs, wholeSecondMs(current.getTime())) : floorMs
}

function newestFirst(entries: readonly DenyCandidate[]): DenyCandidate[] {
  const newest = new Map<string, DenyCandidate>()
  for (const entry of entries) {
    const known = newest.get(entry.grantId)
    if (!known || known.lastIssuedAt < entry.lastIssuedAt) newest.set(entry.grantId, entry)
  }
  return [...newest.values()].sort(byNewest)
}

function byNewest(a: DenyCandidate, b: DenyCandidate): number {
  return b.lastIssuedAt.getTime() - a.lastIssuedAt.getTime()
}

function toMarginMs({ marginMs = 1_000 }: Pick<DenyListInput, 'marginMs'>): number {
  return Math.max(1_000, marginMs)
}

function wholeSecondMs(ms: number): number {
  return Math.ceil(ms / 1_000) * 1_000
}

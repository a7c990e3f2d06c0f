import { canonicalJson, sha256Hex } from '../../../core/canonical-json.ts'
import type { Clock } from '../../../core/clock.ts'
import { BoundedMap } from '../../../core/limits/bounded-map.ts'
import { type PredictedSize, type RefusedSize, type SizeForecast, sessionTooLarge } from '../../session-size.ts'
import type { ProviderFault } from '../calls/errors.ts'
import type { LeaseSession } from './lease-session.ts'

/** The parts of a session that count for its packed size. */
export type PackedParts = Pick<LeaseSession, 'roleArn' | 'sessionPolicy' | 'tags'>

/** How much of AWS's room a session took: of its token, or, from an older STS, of the policies and tags in it. */
interface Utilization {
  readonly measure: 'SessionTokenUtilization' | 'PackedPolicySize'
  readonly percent: number
}

interface Observation {
  /** Characters of policy and tags. */
  readonly characters: number
  readonly percent: number
}

interface Refusal {
  readonly at: Date
  /** A wall clock that is set back must not make it last. */
  readonly atMonotonicMs: number
  readonly percent?: number
}

interface RoleSizes {
  readonly measure: Utilization['measure']
  /** The newest last. */
  readonly seen: readonly Observation[]
}

const MAX_ROLES = 1_000
const SEEN_PER_ROLE = 32
const MAX_REFUSED = 1_000
/** AWS may raise its limit: after this a refused session is tried again. */
const REFUSED_MS = 3_600_000
/** A line is fitted only through so many observations whose sizes differ by so much. */
const LINE = { observations: 3, charactersApart: 200 }

/** The time in the Deny that ends a lease: it differs from lease to lease, its length does not. */
const LEASE_END = /("aws:CurrentTime":")[^"]*(")/g

/**
 * Sizes that STS reported for earlier sessions of each role, and which sessions it refused as too large. AWS publishes neither
 * the limit nor how it packs, so a prediction is a guess, and only what was refused before is refused. All of it is in
 * memory: after a start nothing is known.
 */
export class PackedSizes {
  readonly #clock: Clock
  readonly #roles = new BoundedMap<RoleSizes>({ limit: MAX_ROLES })
  readonly #refused = new BoundedMap<Refusal>({ limit: MAX_REFUSED })

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock
  }

  /** Remembers the sizes in an answer of STS, if it has any. */
  minted(
    session: PackedParts,
    answer: { SessionTokenUtilization?: number | undefined; PackedPolicySize?: number | undefined },
  ): void {
    if (this.#refused.size > 0) this.#refused.delete(refusalKey(session))
    const said = readUtilization(answer)
    if (!said) return
    const { measure, percent } = said
    const before = this.#roles.get(session.roleArn)
    const kept = before?.measure === measure ? before.seen : []
    const seen = [...kept, { characters: countCharacters(session), percent }].slice(-SEEN_PER_ROLE)
    this.#roles.set(session.roleArn, { measure, seen })
  }

  /** Remembers a failed call that STS refused as too large when packed; any other says nothing of sizes. */
  failed(session: PackedParts, { awsCode, error }: Pick<ProviderFault, 'awsCode' | 'error'>): void {
    if (!/^PackedPolicyTooLarge/.test(awsCode)) return
    const { packedPercent } = error.details
    this.refused(session, typeof packedPercent === 'number' ? packedPercent : undefined)
  }

  /** Remembers that STS refused the session. @param percent as its message has it */
  refused(session: PackedParts, percent?: number): void {
    const now = { at: this.#clock.now(), atMonotonicMs: this.#clock.monotonicMs() }
    this.#refused.set(refusalKey(session), { ...now, ...(percent !== undefined && { percent }) })
  }

  /** @throws {StintError} SESSION_POLICY_TOO_LARGE, `details.outcome` 'not_minted', for a session that STS refused lately. */
  check(session: PackedParts): void {
    const refused = this.#findRefusal(session)
    if (refused) throw sessionTooLarge(refused, { outcome: 'not_minted' })
  }

  /** Forecasts the size of a session before it is minted. */
  forecast(session: PackedParts): SizeForecast {
    const refused = this.#findRefusal(session)
    if (refused) return refused
    const seen = this.#roles.get(session.roleArn)?.seen ?? []
    if (seen.length === 0) return { kind: 'unknown' }
    const characters = countCharacters(session)
    const { percentAt, percentEach } = fitLine(seen)
    const size = {
      percent: Math.round(percentAt(characters)),
      tagsPercent: Math.round(percentEach * countTags(session)),
      mints: seen.length,
    }
    return { kind: 'predicted', ...size, explanation: explainPredicted(size) }
  }

  #findRefusal(session: PackedParts): RefusedSize | undefined {
    if (this.#refused.size === 0) return undefined
    const key = refusalKey(session)
    const found = this.#refused.get(key)
    if (!found) return undefined
    const { at, atMonotonicMs, percent } = found
    if (this.#clock.monotonicMs() - atMonotonicMs < REFUSED_MS) {
      const size = { at, until: new Date(at.getTime() + REFUSED_MS), ...(percent !== undefined && { percent }) }
      return { kind: 'refused', ...size, explanation: explainRefused(size) }
    }
    this.#refused.delete(key)
    return undefined
  }
}

function explainPredicted({ percent, tagsPercent, mints }: Pick<PredictedSize, 'percent' | 'tagsPercent' | 'mints'>) {
  return `A session of this plan will use about ${percent}% of the packed size that STS allows for its policy and tags, judging by ${mints} earlier mints of this role; its tags (agent, owner, team, grant) use about ${tagsPercent}%. Over 100%, STS refuses the mint. To use less, ask for less, or shorten the names of owner and team.`
}

function explainRefused({ at, until, percent }: Pick<RefusedSize, 'at' | 'until' | 'percent'>): string {
  const size = percent === undefined ? '' : ` (${percent}% of the limit)`
  return `STS refused this session policy with these tags at ${at.toISOString()} as too large when packed${size}; split the task or ask for less. The same task is tried again from ${until.toISOString()} on.`
}

function readUtilization({
  SessionTokenUtilization: token,
  PackedPolicySize: packed,
}: Parameters<PackedSizes['minted']>[1]): Utilization | undefined {
  if (isPercent(token)) return { measure: 'SessionTokenUtilization', percent: token }
  return isPercent(packed) ? { measure: 'PackedPolicySize', percent: packed } : undefined
}

function isPercent(value: number | undefined): value is number {
  return value !== undefined && value > 0 && value <= 100
}

/**
 * Fits a straight line through the observations and moves it up until none lies above it. Where they are too few or too alike
 * for a line, the size is taken as proportional to the characters, and never below an observed one.
 */
function fitLine(seen: readonly Observation[]): {
  readonly percentAt: (characters: number) => number
  readonly percentEach: number
} {
  const mean = (of: (one: Observation) => number) => seen.reduce((sum, one) => sum + of(one), 0) / seen.length
  const x = mean(({ characters }) => characters)
  const y = mean(({ percent }) => percent)
  const sizes = seen.map(({ characters }) => characters)
  const apart = Math.max(...sizes) - Math.min(...sizes)
  if (seen.length < LINE.observations || apart < LINE.charactersApart) {
    return {
      percentAt: (characters) => Math.max(...seen.map((one) => one.percent * Math.max(1, characters / one.characters))),
      percentEach: y / x,
    }
  }
  const variance = mean(({ characters }) => (characters - x) ** 2)
  const slope = Math.max(0, mean(({ characters, percent }) => (characters - x) * (percent - y)) / variance)
  const above = Math.max(...seen.map(({ characters, percent }) => percent - (y + slope * (characters - x))))
  return { percentAt: (characters) => y + slope * (characters - x) + above, percentEach: slope }
}

function countCharacters(session: PackedParts): number {
  return session.sessionPolicy.length + countTags(session)
}

function countTags({ tags }: PackedParts): number {
  return Object.entries(tags).reduce((sum, [key, value]) => sum + key.length + value.length, 0)
}

/** Equal for two sessions that differ only in the grant's id and in their end, which are always as long. */
function refusalKey({ roleArn, sessionPolicy, tags }: PackedParts): string {
  const { 'stint:grant': _, ...named } = tags
  return sha256Hex(canonicalJson([roleArn, sessionPolicy.replace(LEASE_END, '$1$2'), named]))
}

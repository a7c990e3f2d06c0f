import { sha256Hex } from '../core/canonical-json.ts'
import { matchCovers } from './agent-match.ts'
import type { Registration } from './registration.ts'
import { Registry, type SetAsideRegistration } from './registry.ts'

/** A signed review of a registration. It counts while the registration has this match. */
interface Review {
  readonly name: string
  readonly match: string
  readonly nextAt: Date
}

/** The sources of the registrations of one moment. */
export interface RegistrationSources {
  /** Registrations of the file. */
  readonly file: Registry
  /** Registrations of the admin API, with their versions. */
  readonly api: readonly Registration[]
  readonly reviews: readonly Review[]
  /** Matches within which the API may register agents: see `registry.writableByApi`. */
  readonly writableByApi: readonly string[]
  /** Names in lower case that an owner must be among; anybody may be an owner unless given. */
  readonly owners?: ReadonlySet<string>
}

/**
 * Puts the registrations of the file and of the API together. Where both name one agent or use one name, the file's holds, and
 * the API's is set aside. A signed review moves the review date on, whatever source the registration has.
 */
export function combineRegistrations({ file, api, reviews, writableByApi, owners }: RegistrationSources): Registry {
  const byName = new Map(file.registrations.map((registration) => [registration.name, registration]))
  const byMatch = new Map(file.registrations.map((registration) => [registration.match, registration]))
  const setAside: SetAsideRegistration[] = []
  const inForce: Registration[] = [...file.registrations]
  for (const registration of api) {
    const because = explainSetAside(registration, { byName, byMatch, writableByApi })
    if (because === undefined) inForce.push(registration)
    else setAside.push({ ...registration, because })
  }
  const reviewed = new Map(reviews.map((review) => [review.name, review]))
  return new Registry({
    registrations: inForce.map((registration) => withReview(registration, reviewed.get(registration.name))),
    setAside,
    hash: combinedHash({ file, api, reviews, writableByApi, ...(owners && { owners }) }),
    ...(owners && { owners }),
  })
}

/** The hash of everything that decides; that of the file while nothing else does. */
function combinedHash({ file, api, reviews, writableByApi, owners }: RegistrationSources): string {
  if (api.length === 0 && reviews.length === 0 && !owners) return file.hash
  return sha256Hex(JSON.stringify([file.hash, api, reviews, writableByApi, owners && [...owners].sort()]))
}

/** Why the API may not register agents by this match or name: the end of a sentence. Undefined if it may. */
export function explainSetAside(
  { name, match }: Pick<Registration, 'name' | 'match'>,
  file: {
    readonly byName: ReadonlyMap<string, Registration>
    readonly byMatch: ReadonlyMap<string, Registration>
    readonly writableByApi: readonly string[]
  },
): string | undefined {
  const holder = file.byMatch.get(match)
  if (holder) return `the registry file registers ${match} as ${holder.name}`
  if (file.byName.has(name)) return `the registry file has a registration named ${name}`
  if (file.writableByApi.some((allowed) => matchCovers(allowed, match))) return undefined
  return `registry.writableByApi does not let the API register ${match}`
}

/** The later date counts: the file may ask for a later review than the one that was signed for. */
function withReview(registration: Registration, review: Review | undefined): Registration {
  if (!review || review.match !== registration.match) return registration
  const { reviewAt } = registration
  return reviewAt && reviewAt > review.nextAt ? registration : { ...registration, reviewAt: review.nextAt }
}

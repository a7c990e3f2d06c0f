import { StintError } from '../core/errors.ts'
import { isOidcSubject, parseOidcSubject } from '../identity/oidc/subject.ts'
import { parseSpiffeId, spiffeIdText } from '../identity/spiffe-id.ts'
import { type Registration, type RegistrationStanding, STANDING_CODES } from './registration.ts'

/** A registration of the API that is not in force, and why. */
export interface SetAsideRegistration extends Registration {
  readonly because: string
}

/** The registrations of one moment, ready to be looked up; never changes. */
export class Registry {
  /** In the order of the file. */
  readonly registrations: readonly Registration[]
  /** Registrations of the API that are not in force, since the file or the settings decide otherwise. */
  readonly setAside: readonly SetAsideRegistration[]
  /** Lower-case hex SHA-256 of the file. */
  readonly hash: string
  readonly #owners: ReadonlySet<string> | undefined
  readonly #byMatch: ReadonlyMap<string, Registration>

  /**
   * @param options.registrations checked: see `parseRegistry`.
   * @param options.owners names in lower case that an owner must be among; anybody may be an owner unless given.
   */
  constructor({
    registrations,
    hash,
    setAside = [],
    owners,
  }: {
    registrations: readonly Registration[]
    hash: string
    setAside?: readonly SetAsideRegistration[]
    owners?: ReadonlySet<string>
  }) {
    this.registrations = registrations
    this.setAside = setAside
    this.hash = hash
    this.#owners = owners
    this.#byMatch = new Map(registrations.map((registration) => [registration.match, registration]))
  }

  /**
   * The most specific registration that covers an agent: an exact one, else the longest prefix. Only that one counts:
   * when it has expired, a wider one does not stand in for it.
   *
   * @param subject the caller's SPIFFE ID or OIDC subject.
   * @throws {StintError} AGENT_UNREGISTERED, REGISTRATION_EXPIRED, REGISTRATION_UNREVIEWED, REGISTRATION_OWNERLESS,
   *   SPIFFE_ID_INVALID, SUBJECT_INVALID
   */
  lookup(subject: string, now: Date): Registration {
    const registration = this.find(subject)
    if (!registration) {
      const explanation = `No registration covers ${subject}; an operator must register it with an owner and a purpose.`
      throw new StintError('AGENT_UNREGISTERED', { explanation, subject })
    }
    const standing = this.standing(registration, now)
    if (standing === 'good') return registration
    const explanation = explainStanding(registration, standing, subject)
    throw new StintError(STANDING_CODES[standing], { explanation, subject, registration: registration.name })
  }

  /** Whether the agents of a registration are served. */
  standing({ expiresAt, reviewAt, owner }: Registration, now: Date): RegistrationStanding {
    // Written so that a time that is no time counts as expired.
    if (!(now.getTime() < expiresAt.getTime())) return 'expired'
    if (reviewAt && !(now.getTime() < reviewAt.getTime())) return 'unreviewed'
    if (this.#owners && !this.#owners.has(owner.toLowerCase())) return 'ownerless'
    return 'good'
  }

  /** The registration of a name, in force or not at this time; undefined if there is none. */
  named(name: string): Registration | undefined {
    return this.registrations.find((registration) => registration.name === name)
  }

  /** As `lookup`, expired or not. */
  find(subject: string): Registration | undefined {
    if (isOidcSubject(subject)) return this.#findOidc(subject)
    const { trustDomain, path } = parseSpiffeId(subject)
    if (path === '') return undefined
    const exact = this.#byMatch.get(spiffeIdText({ trustDomain, path }))
    if (exact) return exact
    for (let end = path.lastIndexOf('/'); end >= 0; end = path.lastIndexOf('/', end - 1)) {
      const prefix = this.#byMatch.get(`${spiffeIdText({ trustDomain, path: path.slice(0, end) })}/*`)
      if (prefix) return prefix
      if (end === 0) break
    }
    return undefined
  }

  /** Fields fall away from the end, each as a whole: a separator inside a value is escaped, so no value can reach over. */
  #findOidc(subject: string): Registration | undefined {
    parseOidcSubject(subject)
    const exact = this.#byMatch.get(subject)
    if (exact) return exact
    for (let end = subject.lastIndexOf(';'); end >= 0; end = subject.lastIndexOf(';', end - 1)) {
      const prefix = this.#byMatch.get(`${subject.slice(0, end)};*`)
      if (prefix) return prefix
    }
    return undefined
  }
}

function explainStanding(
  { name, owner, expiresAt, reviewAt }: Registration,
  standing: keyof typeof STANDING_CODES,
  subject: string,
): string {
  if (standing === 'expired') {
    return `The registration ${name} of ${subject} expired at ${expiresAt.toISOString()}; its owner must renew it.`
  }
  if (standing === 'unreviewed') {
    return `The registration ${name} of ${subject} had to be reviewed by ${reviewAt?.toISOString()}; somebody who does not run the agent must sign a review: stint agents review ${name} --sign.`
  }
  return `The owner ${owner} of the registration ${name} of ${subject} is not an operator of this broker; an operator must name a new owner.`
}

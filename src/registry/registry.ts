import { StintError } from '../core/errors.ts'
import { isOidcSubject, parseOidcSubject } from '../identity/oidc/subject.ts'
import { parseSpiffeId, spiffeIdText } from '../identity/spiffe-id.ts'
import type { Registration } from './registration.ts'

/** The registrations of one file, ready to be looked up; never changes. */
export class Registry {
  /** In the order of the file. */
  readonly registrations: readonly Registration[]
  /** Lower-case hex SHA-256 of the file. */
  readonly hash: string
  readonly #byMatch: ReadonlyMap<string, Registration>

  /** @param options.registrations checked: see `parseRegistry`. */
  constructor({ registrations, hash }: { registrations: readonly Registration[]; hash: string }) {
    this.registrations = registrations
    this.hash = hash
    this.#byMatch = new Map(registrations.map((registration) => [registration.match, registration]))
  }

  /**
   * The most specific registration that covers an agent: an exact one, else the longest prefix. Only that one counts:
   * when it has expired, a wider one does not stand in for it.
   *
   * @param subject the caller's SPIFFE ID or OIDC subject.
   * @throws {StintError} AGENT_UNREGISTERED, REGISTRATION_EXPIRED, SPIFFE_ID_INVALID, SUBJECT_INVALID
   */
  lookup(subject: string, now: Date): Registration {
    const registration = this.find(subject)
    if (!registration) {
      const explanation = `No registration covers ${subject}; an operator must register it with an owner and a purpose.`
      throw new StintError('AGENT_UNREGISTERED', { explanation, subject })
    }
    const { name, expiresAt } = registration
    // Written so that a time that is no time counts as expired.
    if (!(now.getTime() < expiresAt.getTime())) {
      const explanation = `The registration ${name} of ${subject} expired at ${expiresAt.toISOString()}; its owner must renew it.`
      throw new StintError('REGISTRATION_EXPIRED', { explanation, subject, registration: name })
    }
    return registration
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

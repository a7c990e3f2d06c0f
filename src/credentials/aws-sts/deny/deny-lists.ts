import type { Clock } from '../../../core/clock.ts'
import { StintError } from '../../../core/errors.ts'
import type { DenyListLocation, DenyReach } from '../../provider.ts'
import type { DenyListLocations, PlacedDocument } from './deny-list-locations.ts'

/**
 * Rules that were replaced answer for so long: until then a session that was started by them may work, 15 minutes and an hour for
 * what it may have made, with a margin.
 */
const KEPT_MS = 120 * 60_000
/** Replaced rules that are kept; each has up to 10,000 roles. */
const MAX_KEPT = 20

interface Replaced {
  readonly locations: DenyListLocations
  readonly untilMs: number
}

/**
 * The deny lists of the roles that are served, and of those that were until the configuration changed: what is on a list stays in
 * its document until it is over, and a role that has left the configuration can be revoked.
 */
export class DenyLists {
  readonly #clock: Clock
  #now: DenyListLocations
  /** The latest first. */
  #replaced: readonly Replaced[] = []

  constructor(locations: DenyListLocations, clock: Clock) {
    this.#now = locations
    this.#clock = clock
  }

  /** From now on roles are denied by these rules. */
  replace(locations: DenyListLocations): void {
    const nowMs = this.#clock.monotonicMs()
    const replaced = { locations: this.#now, untilMs: nowMs + KEPT_MS }
    this.#replaced = [replaced, ...this.#replaced.filter(({ untilMs }) => untilMs > nowMs)].slice(0, MAX_KEPT)
    this.#now = locations
  }

  /** Undefined for a role whose sessions can only run out, and for one that is not, and was not lately, served. */
  findList(roleArn: string): DenyListLocation | undefined {
    if (this.#now.serves(roleArn)) return this.#now.findList(roleArn)
    return this.#before()
      .find((locations) => locations.serves(roleArn))
      ?.findList(roleArn)
  }

  confirmSpelling(roleArn: string): void {
    this.#now.confirmSpelling(roleArn)
  }

  /** True for a list that a served role has. Others are written for what is on them, and then no more. */
  isServed(listKey: string): boolean {
    return this.#now.find(listKey) !== undefined
  }

  /** See `CredentialProvider.denyReach`. */
  reach(): DenyReach {
    const all = [this.#now, ...this.#before()].map((locations) => locations.reach())
    const unique = (keys: readonly string[]) => [...new Set(keys)]
    return { lists: unique(all.flatMap(({ lists }) => lists)), beyond: unique(all.flatMap(({ beyond }) => beyond)) }
  }

  /** The keys of the documents of a list, its own first; none for a list that no role has or had. */
  listDocuments(listKey: string): readonly string[] {
    return this.#holderOf(listKey)?.listDocuments(listKey) ?? []
  }

  /** The roles of a list that are listed by their own ARN. */
  listedRoles(key: string): readonly string[] {
    return this.#holderOf(key)?.listedRoles(key) ?? []
  }

  /** @param key of any document of a list */
  find(key: string): PlacedDocument | undefined {
    return this.#holderOf(key)?.find(key)
  }

  /** @throws {StintError} PROVIDER_REFUSED for a key that no configured role has or had lately. */
  require(key: string): PlacedDocument {
    const placed = this.find(key)
    if (placed) return placed
    throw new StintError('PROVIDER_REFUSED', {
      explanation: 'No configured role has this deny list; put the role back into the configuration to revoke on it.',
      target: key,
      outcome: 'not_minted',
    })
  }

  #holderOf(key: string): DenyListLocations | undefined {
    if (this.#now.find(key)) return this.#now
    return this.#before().find((locations) => locations.find(key) !== undefined)
  }

  #before(): DenyListLocations[] {
    const nowMs = this.#clock.monotonicMs()
    return this.#replaced.filter(({ untilMs }) => untilMs > nowMs).map(({ locations }) => locations)
  }
}

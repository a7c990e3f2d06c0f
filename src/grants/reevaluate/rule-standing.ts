import { StintError } from '../../core/errors.ts'

/**
 * Whether another replica works by newer rules than this one. While new files are rolled out, a broker that still has the old ones
 * ends no grant by them: what it refuses, the newer rules may allow.
 */
export class RuleStanding {
  #newest: string | undefined

  /** @param newestDigest of the rules of another replica; undefined: ours are the newest. */
  set(newestDigest: string | undefined): void {
    this.#newest = newestDigest
  }

  get isOutdated(): boolean {
    return this.#newest !== undefined
  }

  /** The error for a renewal that the rules of this broker refuse, and those of another one may not. */
  refusal(grantId: string, cause: unknown): StintError {
    const explanation = `The rules of this broker do not allow grant ${grantId} any more, but another broker has newer rules. Try again: the newer rules decide.`
    return new StintError('RULES_OUTDATED', { grantId, explanation }, cause)
  }
}

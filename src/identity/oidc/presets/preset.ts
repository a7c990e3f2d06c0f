import type { Claims } from '../claim-path.ts'

/** Inputs of a preset's check besides the claims. */
export interface PresetCheckContext {
  readonly issuer: string
  /** True if a condition of the configuration is about this claim, so that the operator has decided. */
  decides(pointer: string): boolean
}

/** A check for tokens of this issuer that the common checks would accept although they name the wrong agent. */
export interface PresetCheck {
  /** e.g. `event_name`; shown by `stint whoami`, and `details.check` of the refusal. */
  readonly name: string
  /** @returns what is wrong and what would be right; undefined when the token passes. */
  problem(claims: Claims, context: PresetCheckContext): string | undefined
}

/** Everything known of one kind of issuer: its claims, its limits and the checks that only it needs. */
export interface IssuerPreset {
  readonly algorithms: readonly string[]
  readonly maxTokenAgeMs: number
  readonly maxLifetimeMs: number
  /** Short names for claims: JSON Pointers by name. */
  readonly fields: Readonly<Record<string, string>>
  /** Claims that name an agent unless the configuration says otherwise; by name. */
  readonly subject: readonly string[]
  /** Claims that may come first in a subject: those never given to another once gone, or that cannot leave the issuer. */
  readonly pins: readonly string[]
  /** Claims that every subject has to hold. */
  readonly required?: readonly string[]
  /** Claims that decide nothing here, neither as subject nor as condition: why not, by JSON Pointer (and all below it). */
  readonly unfit: Readonly<Record<string, string>>
  /** Claims with the client that the token was made for; `azp` unless given. */
  readonly partyClaims?: readonly string[]
  /** Where the keys may be besides the issuer's own host. */
  readonly jwksHosts?: readonly string[]
  /** True if condition values must be texts, since the issuer writes all its claims so. */
  readonly textsOnly?: boolean
  readonly presetChecks: readonly PresetCheck[]
  /** Claims to be put on record, never judged; JSON Pointers by name. */
  readonly facets?: Readonly<Record<string, string>>
  /** @returns what is wrong with an issuer URL for this preset. */
  issuerProblem?(issuer: string): string | undefined
  /** @returns why an audience of this issuer's tokens must not be ours. */
  audienceProblem?(audience: string): string | undefined
}

const MINUTE_MS = 60_000

/** For the token lifetimes of presets. */
export const TEN_MINUTES_MS = 10 * MINUTE_MS
/** For the token lifetimes of presets. */
export const HOUR_MS = 60 * MINUTE_MS

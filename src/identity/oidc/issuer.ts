import { StintError } from '../../core/errors.ts'
import type { ClaimReference } from './claim-path.ts'
import { claimReference } from './claim-path.ts'
import { type IssuerSettings, issuerProblems, listAudiences } from './issuer-problems.ts'
import { type KeyPlace, keyPlaces, reviewUrls } from './keys/key-places.ts'
import type { PresetCheck } from './presets/preset.ts'
import { findPreset } from './presets/presets.ts'
import { issuerTrustDomain } from './subject.ts'

/** A claim with the values it may have, each compared with its type. */
export interface Condition extends ClaimReference {
  readonly values: readonly (string | number | boolean)[]
}

/** An issuer of workload tokens, its settings checked and its preset filled in. */
export interface OidcIssuer {
  readonly alias: string
  /** `oidc:` and the alias. */
  readonly trustDomain: string
  /** The exact text of `iss`. */
  readonly issuer: string
  /** Our own identifiers, of which a token names any, and nothing else. */
  readonly audiences: readonly string[]
  readonly algorithms: readonly string[]
  readonly maxTokenAgeSeconds: number
  readonly maxLifetimeSeconds: number
  readonly leewaySeconds: number
  readonly maxKeyAgeMs: number
  /** Where the keys are; at least one. */
  readonly keyPlaces: readonly KeyPlace[]
  /** True if the servers of the keys are shown a token. */
  readonly showsToken: boolean
  /** API servers that are asked whether a token still counts, before anything is minted for it. */
  readonly reviewUrls: readonly string[]
  /** Names an agent, in this order. */
  readonly subject: readonly ClaimReference[]
  readonly conditions: readonly Condition[]
  readonly authorizedParties: readonly string[]
  readonly partyClaims: readonly string[]
  readonly presetChecks: readonly PresetCheck[]
  readonly facets: Readonly<Record<string, string>>
}

/**
 * Checks the settings of an issuer and fills in what its preset knows.
 *
 * @throws {StintError} CONFIG_INVALID; `details.problems` lists everything that is wrong, by path.
 */
export function defineIssuer(settings: IssuerSettings): OidcIssuer {
  const problems = issuerProblems(settings)
  if (problems.length > 0) {
    throw new StintError('CONFIG_INVALID', {
      explanation: problems.map(({ path, message }) => `${path.join('.')} ${message}`).join('\n'),
      problems: problems.map(({ path, message }) => ({ path: path.join('.'), message })),
    })
  }
  const { alias, issuer, authorizedParties = [] } = settings
  const preset = findPreset(settings.preset)
  return {
    alias,
    trustDomain: issuerTrustDomain(alias),
    issuer,
    audiences: listAudiences(settings),
    algorithms: settings.algorithms ?? preset.algorithms,
    maxTokenAgeSeconds: (settings.maxTokenAge ?? preset.maxTokenAgeMs) / 1_000,
    maxLifetimeSeconds: (settings.maxLifetime ?? preset.maxLifetimeMs) / 1_000,
    leewaySeconds: (settings.leeway ?? 10_000) / 1_000,
    maxKeyAgeMs: settings.maxKeyAge ?? 3_600_000,
    keyPlaces: keyPlaces(settings, preset.jwksHosts),
    showsToken: settings.tokenFile !== undefined,
    reviewUrls: reviewUrls(settings),
    subject: references(settings.subject ?? preset.subject, preset.fields),
    conditions: Object.entries(settings.conditions ?? {}).flatMap(([name, values]) =>
      references([name], preset.fields).map((reference) => ({ ...reference, values })),
    ),
    authorizedParties,
    partyClaims: preset.partyClaims ?? ['azp'],
    presetChecks: preset.presetChecks,
    facets: preset.facets ?? {},
  }
}

function references(names: readonly string[], fields: Readonly<Record<string, string>>): ClaimReference[] {
  return names.flatMap((name) => claimReference(name, fields) ?? [])
}

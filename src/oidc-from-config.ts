import type { Config } from './config/schema.ts'
import type { Clock } from './core/clock.ts'
import { StintError } from './core/errors.ts'
import { readSmallFile } from './core/files/read-small-file.ts'
import { createGuardedFetch, type GuardedFetch } from './core/guarded-fetch.ts'
import { defineIssuer, type OidcIssuer } from './identity/oidc/issuer.ts'
import { OidcVerifier } from './identity/oidc/oidc-verifier.ts'

type IssuerConfig = Config['identity']['oidc'][number]

/** What following the keys of issuers needs, and who hears of it. */
export interface OidcDeps {
  readonly clock: Clock
  readonly onProblem?: (issuer: OidcIssuer, error: StintError) => void
  readonly onLoaded?: (issuer: OidcIssuer, notes: readonly string[]) => void
}

/** Of one document of an issuer. */
const TIMEOUT_MS = 5_000
const MAX_BYTES = 1_048_576

/**
 * The verifier of all configured issuers, not started; undefined when there are none.
 *
 * @throws {StintError} CONFIG_INVALID
 */
export async function createOidcVerifier(config: Config, deps: OidcDeps): Promise<OidcVerifier | undefined> {
  const { oidc } = config.identity
  if (oidc.length === 0) return undefined
  const fetches = new Map<string, GuardedFetch>()
  for (const settings of oidc) fetches.set(settings.issuer, await issuerFetch(settings))
  return new OidcVerifier({
    ...deps,
    issuers: oidc.map(defineIssuer),
    fetchFor: ({ issuer }) => fetches.get(issuer) ?? createGuardedFetch({ ca: [] }),
  })
}

/**
 * The way to the documents of one issuer.
 *
 * @throws {StintError} CONFIG_INVALID when its `caFile` cannot be read.
 */
export async function issuerFetch({ allowPrivate = [], caFile }: IssuerConfig): Promise<GuardedFetch> {
  const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, allowPrivate }
  if (caFile === undefined) return createGuardedFetch(limits)
  const pem = await readSmallFile(caFile).catch((error: Error) => {
    throw new StintError('CONFIG_INVALID', { explanation: `The caFile ${caFile} ${error.message}.` }, error)
  })
  return createGuardedFetch({ ...limits, ca: [pem.text] })
}

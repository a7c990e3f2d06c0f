import { isDeepStrictEqual } from 'node:util'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import type { PartHealth } from '../../core/health/part-health.ts'
import { createGuardedFetch, type GuardedFetch } from '../../core/net/guarded-fetch.ts'
import { isAt } from '../../core/net/host-port.ts'
import { defineIssuer, type OidcIssuer } from '../../identity/oidc/issuer.ts'
import { loadKeys, type PublishedKeys } from '../../identity/oidc/keys/discovery.ts'
import { type KeyPlace, placeName, reviewUrls, tokenHosts } from '../../identity/oidc/keys/key-places.ts'
import { OidcVerifier, type OidcVerifierOptions } from '../../identity/oidc/oidc-verifier.ts'
import { checkTokenReview } from '../../identity/oidc/token-review.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

type IssuerConfig = Config['identity']['oidc'][number]

/** Dependencies of following the keys of issuers, and its callbacks. */
export interface OidcDeps {
  readonly clock: Clock
  readonly onProblem?: (issuer: OidcIssuer, error: StintError, place: string) => void
  readonly onLoaded?: (issuer: OidcIssuer, notes: readonly string[], place: string) => void
  readonly onReview?: (issuer: OidcIssuer, problem: StintError | undefined) => void
}

/** Timeout for one document of an issuer. */
const TIMEOUT_MS = 5_000
const MAX_BYTES = 1_048_576
const MAX_TOKEN_BYTES = 65_536

/** The verifier of the tokens of the issuers of now, following their keys. */
export const issuers = definePart({
  name: 'issuers',
  async start({ config, liveConfig, clock, partHealth }: Surroundings) {
    const value = await createOidcVerifier(config, { clock, ...keyReports(partHealth) })
    value.start()
    liveConfig.follow('issuers', async (next) => {
      const before = new Map(liveConfig.current().identity.oidc.map((settings) => [settings.alias, settings]))
      const { oidc } = next.identity
      const kept = new Set(
        oidc.flatMap((settings) => (isDeepStrictEqual(before.get(settings.alias), settings) ? [settings.alias] : [])),
      )
      const { issuers: all, fetchFor } = await verifierOptions(next, { clock })
      return () => {
        value.replace({ issuers: all, fetchFor, kept })
        for (const settings of before.values()) if (!kept.has(settings.alias)) forget(settings, partHealth)
      }
    })
    return { value, stop: () => value.stop() }
  },
})

/** Takes the problems of an issuer off the status that is gone, or has other settings now. */
function forget(settings: IssuerConfig, partHealth: PartHealth): void {
  const issuer = defineIssuer(settings)
  const components = issuer.keyPlaces.map((place) => componentName(issuer, placeName(place)))
  for (const component of [...components, `token_review:${issuer.alias}`]) {
    partHealth.well(component)
    partHealth.found(component, [])
  }
}

/** An issuer that cannot be reached is a problem of its own agents alone. */
function keyReports(partHealth: PartHealth): Omit<OidcDeps, 'clock'> {
  return {
    onProblem: (issuer, error, place) =>
      partHealth.failed(componentName(issuer, place), error, { issuer: issuer.alias, place }),
    onReview: ({ alias }, problem) => partHealth.report(`token_review:${alias}`, problem),
    onLoaded: (issuer, notes, place) => {
      const component = componentName(issuer, place)
      partHealth.well(component)
      partHealth.found(
        component,
        notes.map((explanation) => ({ finding: 'keys', code: 'ISSUER_INVALID', explanation })),
      )
    },
  }
}

function componentName({ alias, keyPlaces }: OidcIssuer, place: string): string {
  return keyPlaces.length > 1 ? `issuer:${alias}:${place}` : `issuer:${alias}`
}

/** The verifier of all configured issuers, not started. @throws {StintError} CONFIG_INVALID */
export async function createOidcVerifier(config: Config, deps: OidcDeps): Promise<OidcVerifier> {
  return new OidcVerifier(await verifierOptions(config, deps))
}

async function verifierOptions(config: Config, deps: OidcDeps): Promise<OidcVerifierOptions> {
  const { oidc, reloadEvery } = config.identity
  const fetches = new Map<string, GuardedFetch>()
  for (const settings of oidc) fetches.set(settings.alias, await issuerFetch(settings))
  return {
    ...deps,
    issuers: oidc.map(defineIssuer),
    fileRefreshMs: reloadEvery,
    fetchFor: ({ alias }) => fetches.get(alias) ?? createGuardedFetch({ ca: [] }),
  }
}

/** Gets the keys of an issuer once, from one of its places. @throws {StintError} as `loadKeys`; CONFIG_INVALID */
export async function lookAtKeys(settings: IssuerConfig, place: KeyPlace): Promise<PublishedKeys> {
  return loadKeys(defineIssuer(settings), place, { fetch: await issuerFetch(settings) })
}

/** Checks that the cluster of an issuer reviews tokens for us. @throws {StintError} what is wrong; CONFIG_INVALID */
export async function lookAtReview(settings: IssuerConfig): Promise<void> {
  await checkTokenReview({ urls: reviewUrls(settings), fetch: await issuerFetch(settings) })
}

/**
 * The way to the documents of one issuer. Its roots and its token are read for each fetch, since both change while the
 * broker runs; the token goes to hosts that the configuration names and to no other.
 *
 * @throws {StintError} CONFIG_INVALID when its `caFile` or `tokenFile` cannot be read; the fetch FETCH_FAILED.
 */
async function issuerFetch(settings: IssuerConfig): Promise<GuardedFetch> {
  const { allowPrivate = [], caFile, tokenFile } = settings
  const limits = { timeoutMs: TIMEOUT_MS, maxBytes: MAX_BYTES, allowPrivate }
  const hosts = tokenHosts(settings)
  await readRoots(caFile).catch(asConfigInvalid)
  await readToken(tokenFile).catch(asConfigInvalid)
  return async (url, request) => {
    const ca = await readRoots(caFile)
    const fetch = createGuardedFetch({ ...limits, ...(ca !== undefined && { ca: [ca] }) })
    const target = URL.parse(url)
    if (tokenFile === undefined || !target || !hosts.some((host) => isAt(target, host))) return fetch(url, request)
    return fetch(url, { ...request, authorization: `Bearer ${await readToken(tokenFile)}` })
  }
}

function readRoots(file: string | undefined): Promise<string | undefined> {
  return readFor('caFile', file, MAX_BYTES)
}

/** Blanks around a token do not count. */
async function readToken(file: string | undefined): Promise<string | undefined> {
  const token = (await readFor('tokenFile', file, MAX_TOKEN_BYTES))?.trim()
  if (token === undefined || /^[!-~]+$/.test(token)) return token
  throw unusable(`The tokenFile ${file} of an issuer does not hold a token.`)
}

async function readFor(setting: string, file: string | undefined, maxBytes: number): Promise<string | undefined> {
  if (file === undefined) return undefined
  try {
    return (await readSmallFile(file, { maxBytes })).text
  } catch (error) {
    throw unusable(`The ${setting} ${file} of an issuer ${error instanceof Error ? error.message : ''}.`, error)
  }
}

function unusable(explanation: string, cause?: unknown): StintError {
  return new StintError('FETCH_FAILED', { check: 'file', explanation }, cause)
}

function asConfigInvalid(error: unknown): never {
  const explanation = error instanceof StintError ? error.details.explanation : undefined
  throw new StintError('CONFIG_INVALID', { explanation: explanation ?? 'A file of an issuer cannot be read.' }, error)
}

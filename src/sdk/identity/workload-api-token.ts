import { asStintError, StintError } from '../../core/errors.ts'
import { chooseSpiffeId, fits, type SvidChoice } from '../../identity/workload-api/choose-svid.ts'
import { workloadApiTarget } from '../../identity/workload-api/endpoint.ts'
import { fetchJwtSvids } from '../../identity/workload-api/fetch-jwt-svids.ts'
import { CHOICE_SETTINGS } from './workload-api-svid.ts'

/**
 * JWT-SVIDs from the Workload API, asked for before every call; the agent caches them. What is left out is taken from `svid`
 * where that is a Workload API too.
 */
export interface TokenFromWorkloadApi extends SvidChoice {
  /** The audience that the broker accepts: its `identity.tokens.audience`. */
  readonly audience: string
  /** `unix:///path` or `tcp://ip:port`; SPIFFE_ENDPOINT_SOCKET if left out. */
  readonly workloadApi?: string
}

const TIMEOUT_MS = 5_000

/**
 * Gives the JWT-SVID of one SPIFFE ID for each call; the first one says whose, for good.
 *
 * @throws {StintError} at once CONFIG_INVALID for a malformed address; of each token WORKLOAD_API_UNAVAILABLE, SVID_AMBIGUOUS,
 *   SVID_NOT_OFFERED, SVID_WITHDRAWN
 */
export function tokensFromWorkloadApi(
  { audience, spiffeId, hint }: Omit<TokenFromWorkloadApi, 'workloadApi'>,
  address: string,
): () => Promise<string> {
  const target = workloadApiTarget(address)
  const choice = { ...(spiffeId !== undefined && { spiffeId }), ...(hint !== undefined && { hint }) }
  let pinned: string | undefined
  return async () => {
    const offers = await fetchJwtSvids(target, { audience, spiffeId: pinned ?? spiffeId, withinMs: TIMEOUT_MS }).catch(
      (error) => {
        if (pinned === undefined || asStintError(error).code !== 'SVID_NOT_OFFERED') throw error
        return [] // which says below that it was withdrawn
      },
    )
    const ours = chooseSpiffeId(offers, { choice, pinned, settings: CHOICE_SETTINGS })
    const token = offers.find((offer) => offer.spiffeId === ours && fits(offer, choice))?.token
    if (token === undefined)
      throw new StintError('TOKEN_INVALID', { explanation: 'The Workload API did not return a token.' })
    pinned = ours
    return token
  }
}

import { isJsonObject, parseStrictJson, type StrictJson } from '../../core/documents/strict-json.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import type { FetchedDocument, GuardedFetch } from '../../core/net/guarded-fetch.ts'
import { type TokenParts, tokenInvalid } from '../jwt/jwt-token.ts'
import { readClaim } from './claim-path.ts'

/**
 * Asks a cluster whether a token still counts.
 *
 * @throws {StintError} TOKEN_INVALID (token-review) when it does not; ISSUER_UNAVAILABLE when nobody can say; CANCELLED.
 */
export type TokenReview = (token: TokenParts, signal?: AbortSignal) => Promise<void>

/** Options of the TokenReview check of the Kubernetes API. */
export interface TokenReviewOptions {
  /** API servers of the cluster, e.g. `https://10.0.0.1:6443`; the first that answers decides. */
  readonly urls: readonly string[]
  /** Shows the broker's own token to these servers. */
  readonly fetch: GuardedFetch
  /** Told how each call went. Must not throw. */
  readonly onOutcome?: (problem: StintError | undefined) => void
}

type Json = { readonly [name: string]: StrictJson }

const PATH = '/apis/authentication.k8s.io/v1/tokenreviews'
const API_VERSION = 'authentication.k8s.io/v1'
const POD_UID = 'authentication.kubernetes.io/pod-uid'

/**
 * The TokenReview of a Kubernetes cluster. A signature says that a token was good when it was made; the API server also knows
 * whether the service account, the pod and the node that it is bound to are still there, with the same uids. Nothing is
 * kept: each call asks anew.
 *
 * @see https://kubernetes.io/docs/reference/kubernetes-api/authentication-resources/token-review-v1/
 */
export function tokenReview({ urls, fetch, onOutcome }: TokenReviewOptions): TokenReview {
  return async (token, signal) => {
    const audiences = listTokenAudiences(token)
    const body = JSON.stringify({
      apiVersion: API_VERSION,
      kind: 'TokenReview',
      spec: { token: token.text, audiences },
    })
    let status: Json
    try {
      status = await firstAnswer(urls, body, { fetch, ...(signal && { signal }) })
      onOutcome?.(undefined)
    } catch (thrown) {
      const error = asStintError(thrown)
      if (error.code === 'CANCELLED') throw error
      const explanation =
        "The token's cluster cannot confirm that the token is still valid, so the call is refused; try again later."
      const problem = new StintError('ISSUER_UNAVAILABLE', { check: 'token-review', explanation }, error)
      onOutcome?.(error)
      throw problem
    }
    checkStatus(status, token, audiences)
  }
}

/** Checks that the cluster reviews tokens for us, by a text that is no token. @throws {StintError} what is wrong */
export async function checkTokenReview({ urls, fetch }: Omit<TokenReviewOptions, 'onOutcome'>): Promise<void> {
  const spec = { token: 'not-a-token', audiences: ['stint-doctor'] }
  const body = JSON.stringify({ apiVersion: API_VERSION, kind: 'TokenReview', spec })
  for (const url of urls) await ask(url, body, { fetch })
}

/** @throws {StintError} of the last server, when none of them answers */
async function firstAnswer(
  urls: readonly string[],
  body: string,
  deps: { fetch: GuardedFetch; signal?: AbortSignal },
): Promise<Json> {
  let failure: unknown
  for (const url of urls) {
    try {
      return await ask(url, body, deps)
    } catch (error) {
      if (deps.signal?.aborted) throw error
      failure = error
    }
  }
  throw failure
}

async function ask(
  url: string,
  body: string,
  { fetch, signal }: { fetch: GuardedFetch; signal?: AbortSignal },
): Promise<Json> {
  const post = { type: 'application/json', body }
  const answer = await fetch(`${url.replace(/\/$/, '')}${PATH}`, {
    accept: 'application/json',
    post,
    ...(signal && { signal }),
  })
  const status = readStatus(answer)
  if (status) return status
  throw unusable('The answer of the API server is not a TokenReview with a status.')
}

function readStatus({ status, body }: FetchedDocument): Json | undefined {
  if (status === 401) throw unusable('The API server rejected the token in tokenFile (401).')
  if (status === 403) {
    throw unusable(
      'The token in tokenFile may not create TokenReviews (403): its service account needs the ClusterRole system:auth-delegator.',
    )
  }
  if (status !== 200 && status !== 201) throw unusable(`The API server answered with status ${status}.`)
  let answer: StrictJson
  try {
    answer = parseStrictJson(body)
  } catch {
    return undefined
  }
  if (!isJsonObject(answer) || answer.kind !== 'TokenReview' || answer.apiVersion !== API_VERSION) return undefined
  return isJsonObject(answer.status) ? answer.status : undefined
}

/** The cluster has to say yes, for this service, and of the very service account and pod that the claims name. */
function checkStatus({ authenticated, user, audiences }: Json, { claims }: TokenParts, asked: readonly string[]): void {
  if (authenticated !== true) {
    throw refused('The cluster no longer accepts the token: its service account, pod or node was deleted or recreated.')
  }
  if (
    !Array.isArray(audiences) ||
    !asked.every((audience) => (audiences as readonly StrictJson[]).includes(audience))
  ) {
    throw refused('The cluster does not say that the token is for this service; it may not know audiences.')
  }
  const uid = readClaim(claims, '/kubernetes.io/serviceaccount/uid')
  if (!isJsonObject(user) || user.username !== claims.sub || uid === undefined || user.uid !== uid) {
    throw refused('The cluster says that the token belongs to a different service account from the one in its claims.')
  }
  const pod = readClaim(claims, '/kubernetes.io/pod/uid')
  const extra = isJsonObject(user.extra) ? user.extra[POD_UID] : undefined
  if (extra === undefined || (pod !== undefined && Array.isArray(extra) && extra.length === 1 && extra[0] === pod))
    return
  throw refused('The cluster says that the token belongs to a different pod from the one in its claims.')
}

function listTokenAudiences({ claims: { aud } }: TokenParts): string[] {
  const all: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  return all.filter((one) => typeof one === 'string')
}

function refused(explanation: string): StintError {
  return tokenInvalid('token-review', explanation)
}

function unusable(explanation: string): StintError {
  return new StintError('ISSUER_INVALID', { check: 'token-review', explanation })
}

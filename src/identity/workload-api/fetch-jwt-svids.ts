import { type ServiceError, status } from '@grpc/grpc-js'
import { StintError } from '../../core/errors.ts'
import type { JwtSvidRequest, JwtSvidResponse } from './definition.ts'
import { asError, connect } from './open-stream.ts'

type Call = (
  request: JwtSvidRequest,
  metadata: object,
  options: { deadline: number },
  done: (error: ServiceError | null, response?: JwtSvidResponse) => void,
) => void

/** A JWT-SVID as the Workload API gives it: not verified. */
export interface OfferedJwtSvid {
  readonly spiffeId: string
  readonly hint: string
  /** The token itself. */
  readonly token: string
}

/**
 * Asks the Workload API for JWT-SVIDs, one for each SPIFFE ID of this workload, or for the named one alone.
 *
 * @param target as `workloadApiTarget` gives it.
 * @throws {StintError} WORKLOAD_API_UNAVAILABLE; SVID_NOT_OFFERED: the agent has none for this process and SPIFFE ID.
 * @see SPIFFE Workload API, section 6.2.1
 */
export async function fetchJwtSvids(
  target: string,
  { audience, spiffeId, withinMs }: { audience: string; spiffeId: string | undefined; withinMs: number },
): Promise<readonly OfferedJwtSvid[]> {
  const { client, metadata } = connect(target)
  try {
    const { svids } = await new Promise<JwtSvidResponse>((resolve, reject) => {
      const request = { audience: [audience], spiffe_id: spiffeId ?? '' }
      ;(client.FetchJWTSVID as Call).call(
        client,
        request,
        metadata,
        { deadline: Date.now() + withinMs },
        (error, response) => {
          if (error) reject(refusal(error, spiffeId))
          else resolve(response ?? { svids: [] })
        },
      )
    })
    const usable = svids.filter(({ svid, spiffe_id: id }) => svid !== '' && id !== '')
    return usable.map(({ spiffe_id: id, svid: token, hint }) => ({ spiffeId: id, token, hint }))
  } finally {
    client.close()
  }
}

/** SPIRE answers PermissionDenied for a process without identity, and for an ID that is none of the process's. */
function refusal(cause: ServiceError, spiffeId: string | undefined): StintError {
  if (cause.code !== status.PERMISSION_DENIED || spiffeId === undefined) return asError(cause).error
  const explanation = `The Workload API provides no JWT-SVID for ${spiffeId} to this process; register the workload under that ID, or choose another.`
  return new StintError('SVID_NOT_OFFERED', { offered: [], explanation }, cause)
}

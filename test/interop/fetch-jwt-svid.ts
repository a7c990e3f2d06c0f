import { loadPackageDefinition, type ServiceClientConstructor, type ServiceDefinition } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'

/** What a workload asks for; at least one audience. */
export interface JwtSvidRequest {
  readonly audience: readonly string[]
  readonly spiffe_id: string
}

export interface JwtSvidResponse {
  readonly svids: readonly { readonly spiffe_id: string; readonly svid: string; readonly hint: string }[]
}

const text = (id: number) => ({ type: 'string', id })

/** @see SPIFFE Workload API, appendix A */
const SCHEMA: Parameters<typeof fromJSON>[0] = {
  nested: {
    JWTSVIDRequest: { fields: { audience: { rule: 'repeated', ...text(1) }, spiffe_id: text(2) } },
    JWTSVID: { fields: { spiffe_id: text(1), svid: text(2), hint: text(3) } },
    JWTSVIDResponse: { fields: { svids: { rule: 'repeated', type: 'JWTSVID', id: 1 } } },
    SpiffeWorkloadAPI: {
      methods: { FetchJWTSVID: { requestType: 'JWTSVIDRequest', responseType: 'JWTSVIDResponse', comment: '' } },
    },
  },
}

const definition = fromJSON(SCHEMA, { defaults: true, arrays: true, objects: true })
const stub = loadPackageDefinition(definition).SpiffeWorkloadAPI as ServiceClientConstructor

/** The method of the Workload API by which a workload gets JWT-SVIDs, which Stint itself has no use for. */
export const FETCH_JWT_SVID: ServiceDefinition = stub.service

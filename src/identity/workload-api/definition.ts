import { loadPackageDefinition, type ServiceClientConstructor } from '@grpc/grpc-js'
import { fromJSON } from '@grpc/proto-loader'

/** `message FetchX509SVID` answers with; each message is the full state. */
export interface X509SvidResponse {
  readonly svids: readonly X509SvidMessage[]
  readonly crl: readonly Uint8Array[]
  /** By the SPIFFE ID of the foreign trust domain; concatenated DER certificates. */
  readonly federated_bundles: { readonly [trustDomainId: string]: Uint8Array }
}

/** One X.509-SVID of our own, with its private key and the bundle of its trust domain. */
export interface X509SvidMessage {
  readonly spiffe_id: string
  /** Concatenated DER certificates, leaf first. */
  readonly x509_svid: Uint8Array
  /** PKCS#8 DER. */
  readonly x509_svid_key: Uint8Array
  /** Concatenated DER certificates. */
  readonly bundle: Uint8Array
  readonly hint: string
}

/** The answer of `FetchJWTBundles`; each message is the full state. */
export interface JwtBundlesResponse {
  /** By the SPIFFE ID of the trust domain; JWKS documents. */
  readonly bundles: { readonly [trustDomainId: string]: Uint8Array }
}

/** The request of `FetchJWTSVID`; at least one audience. */
export interface JwtSvidRequest {
  readonly audience: readonly string[]
  /** '' for all that this workload may have. */
  readonly spiffe_id: string
}

/** The answer of `FetchJWTSVID`. */
export interface JwtSvidResponse {
  readonly svids: readonly { readonly spiffe_id: string; readonly svid: string; readonly hint: string }[]
}

const bytes = (id: number) => ({ type: 'bytes', id })
const text = (id: number) => ({ type: 'string', id })
const bytesByName = (id: number) => ({ keyType: 'string', type: 'bytes', id })
const serverStream = (requestType: string, responseType: string) => ({
  requestType,
  responseType,
  responseStream: true,
  comment: '',
})

/**
 * The messages of the SPIFFE Workload API that are used here, with the names and numbers of the standard. The service
 * has no package, so that its methods are called `/SpiffeWorkloadAPI/…`.
 *
 * @see SPIFFE Workload API, appendix A
 */
const SCHEMA: Parameters<typeof fromJSON>[0] = {
  nested: {
    X509SVIDRequest: { fields: {} },
    X509SVIDResponse: {
      fields: {
        svids: { rule: 'repeated', type: 'X509SVID', id: 1 },
        crl: { rule: 'repeated', ...bytes(2) },
        federated_bundles: bytesByName(3),
      },
    },
    X509SVID: {
      fields: { spiffe_id: text(1), x509_svid: bytes(2), x509_svid_key: bytes(3), bundle: bytes(4), hint: text(5) },
    },
    JWTBundlesRequest: { fields: {} },
    JWTBundlesResponse: { fields: { bundles: bytesByName(1) } },
    JWTSVIDRequest: { fields: { audience: { rule: 'repeated', ...text(1) }, spiffe_id: text(2) } },
    JWTSVID: { fields: { spiffe_id: text(1), svid: text(2), hint: text(3) } },
    JWTSVIDResponse: { fields: { svids: { rule: 'repeated', type: 'JWTSVID', id: 1 } } },
    SpiffeWorkloadAPI: {
      methods: {
        FetchJWTSVID: { requestType: 'JWTSVIDRequest', responseType: 'JWTSVIDResponse', comment: '' },
        FetchX509SVID: serverStream('X509SVIDRequest', 'X509SVIDResponse'),
        FetchJWTBundles: serverStream('JWTBundlesRequest', 'JWTBundlesResponse'),
      },
    },
  },
}

const definition = fromJSON(SCHEMA, { defaults: true, arrays: true, objects: true })
const loaded = loadPackageDefinition(definition)

/** Makes a client: `new WorkloadApiStub(target, credentials, channelOptions)`. */
export const WorkloadApiStub = loaded.SpiffeWorkloadAPI as ServiceClientConstructor

/** A request as it came over the wire, its body read whole. */
export interface WireRequest {
  readonly method: string
  /** Raw path without the query, as sent. */
  readonly path: string
  /** Raw query string without `?`; '' if there is none. */
  readonly query: string
  /** Lower-case names; repeated headers joined by ','. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: Buffer
  /** Address of the client; absent once it is gone. */
  readonly sourceIp?: string
}

/** The caller's claim. Nothing in it is true until `verifySignature` has passed. */
export interface SignatureClaim {
  readonly accessKeyId: string
  readonly sessionToken?: string
  /** `20261121T120000Z` */
  readonly timestamp: string
  /** `20261121/eu-central-1/sts/aws4_request` */
  readonly scope: string
  readonly day: string
  readonly region: string
  readonly service: string
  readonly signedHeaders: readonly string[]
  readonly signature: string
  /** Set for a presigned URL: how many seconds it lives. */
  readonly presignedSeconds?: number
}

import { type ClientReadableStream, credentials, Metadata, type ServiceError, status } from '@grpc/grpc-js'
import { StintError } from '../../core/errors.ts'
import { type JwtBundlesResponse, WorkloadApiStub, type X509SvidResponse } from './definition.ts'

/** The streams of the Workload API by method. */
export interface WorkloadApiStreams {
  readonly FetchX509SVID: X509SvidResponse
  readonly FetchJWTBundles: JwtBundlesResponse
}

/** Callbacks of `openStream`. */
export interface StreamHandlers<T> {
  /** Must not throw. */
  onMessage(message: T): void
  /** Called once; undefined when the server has ended the stream without an error. */
  onEnd(error: WorkloadApiError | undefined): void
}

/** How a stream failed: the gRPC code, and the same as one of our errors. */
export interface WorkloadApiError {
  readonly code: status
  readonly error: StintError
}

/** The target comes from configuration, so nothing else may say where to connect: no proxy, no service config from DNS. */
const CHANNEL_OPTIONS = {
  'grpc.enable_http_proxy': 0,
  'grpc.service_config_disable_resolution': 1,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
  'grpc.enable_channelz': 0,
}

/**
 * Opens one stream on a connection of its own, with the metadata that keeps a careless HTTP client from being one.
 *
 * @param target as `workloadApiTarget` gives it.
 * @returns ends the stream; `onEnd` is not called any more.
 * @see SPIFFE Workload Endpoint, sections 3 and 6
 */
export function openStream<Method extends keyof WorkloadApiStreams>(
  target: string,
  method: Method,
  { onMessage, onEnd }: StreamHandlers<WorkloadApiStreams[Method]>,
): () => void {
  const { client, metadata } = connect(target)
  const start = client[method] as (request: object, metadata: Metadata) => ClientReadableStream<unknown>
  const stream = start.call(client, {}, metadata)
  let over = false
  const end = (error: WorkloadApiError | undefined) => {
    if (over) return
    over = true
    client.close()
    onEnd(error)
  }
  stream.on('data', (message: WorkloadApiStreams[Method]) => {
    if (!over) onMessage(message)
  })
  stream.on('error', (error: ServiceError) => end(asError(error)))
  stream.on('end', () => setImmediate(end, undefined))
  return () => {
    over = true
    stream.cancel()
    client.close()
  }
}

/** A connection of one call's own, not yet made, and the metadata for the call. */
export function connect(target: string) {
  const client = new WorkloadApiStub(target, credentials.createInsecure(), CHANNEL_OPTIONS)
  const metadata = new Metadata()
  metadata.set('workload.spiffe.io', 'true')
  return { client, metadata }
}

/** The answer's own words stay in the cause: they are another program's. */
export function asError(cause: ServiceError): WorkloadApiError {
  const name = status[cause.code] ?? 'UNKNOWN'
  const explanation = EXPLANATIONS.get(cause.code) ?? `The Workload API ended the stream with ${name}.`
  return { code: cause.code, error: new StintError('WORKLOAD_API_UNAVAILABLE', { status: name, explanation }, cause) }
}

const EXPLANATIONS: ReadonlyMap<status, string> = new Map([
  [status.UNAVAILABLE, 'The Workload API cannot be reached; is its agent running and its socket mounted here?'],
  [status.DEADLINE_EXCEEDED, 'The Workload API did not answer in time; is its agent connected to its server?'],
  [status.PERMISSION_DENIED, 'The Workload API has no identity for this process; register the workload.'],
  [status.INVALID_ARGUMENT, 'The Workload API rejected this call as malformed; it is not called again.'],
  [status.UNIMPLEMENTED, 'The Workload API does not offer this call; it is not called again.'],
])

import type { Metadata } from '@grpc/grpc-js'
import { type Correlation, REQUEST_ID_HEADER, readCorrelation, TRACEPARENT_HEADER } from '../core/correlation.ts'

/** The ids of a call. Of two calls of this with the same metadata the second gives what the first put there. */
export function callCorrelation(metadata: Metadata): Correlation {
  return readCorrelation({
    requestId: onlyValue(metadata, REQUEST_ID_HEADER),
    traceparent: onlyValue(metadata, TRACEPARENT_HEADER),
  })
}

/** Settles the ids of a call at the door: nothing behind it sees what the caller sent in their place. */
export function settleCorrelation(metadata: Metadata): Correlation {
  const correlation = callCorrelation(metadata)
  metadata.set(REQUEST_ID_HEADER, correlation.requestId)
  if (correlation.traceId === undefined) metadata.remove(TRACEPARENT_HEADER)
  return correlation
}

function onlyValue(metadata: Metadata, name: string): unknown {
  const values = metadata.get(name)
  return values.length === 1 ? values[0] : undefined
}

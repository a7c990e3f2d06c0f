import type { ServerOptions } from '@grpc/grpc-js'

/** The largest request that is read, in bytes, after decompression. */
export const MAX_REQUEST_BYTES = 64 * 1024

const KEEPALIVE_MS = 10_000
const KEEPALIVE_TIMEOUT_MS = 10_000

/** How long it takes at most to notice that a connection is dead: a token that it holds has to wait as long. */
export const DEAD_AFTER_MS = KEEPALIVE_MS + KEEPALIVE_TIMEOUT_MS

/**
 * Options for the `grpc.Server` that listeners feed: grpc-js leaves nearly all of these unlimited. A connection ends
 * after half an hour, so that a client's certificate is looked at by the handshake again; a client reconnects by itself.
 */
export const GRPC_SERVER_OPTIONS: ServerOptions = {
  'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
  'grpc.max_send_message_length': 1024 * 1024,
  'grpc.max_concurrent_streams': 100,
  'grpc.max_connection_age_ms': 30 * 60_000,
  'grpc.max_connection_age_grace_ms': 60_000,
  'grpc.max_connection_idle_ms': 10 * 60_000,
  'grpc.keepalive_time_ms': KEEPALIVE_MS,
  'grpc.keepalive_timeout_ms': KEEPALIVE_TIMEOUT_MS,
  'grpc.keepalive_permit_without_calls': 1,
  /** MiB per connection. */
  'grpc-node.max_session_memory': 8,
  /** Channelz would show peers' certificates to any caller. */
  'grpc.enable_channelz': 0,
}

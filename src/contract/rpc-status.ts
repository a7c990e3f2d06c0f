import { fromJSON, type MessageTypeDefinition } from '@grpc/proto-loader'

/** Metadata key of gRPC's rich error model; the value is a serialised `google.rpc.Status`. */
export const STATUS_DETAILS_KEY = 'grpc-status-details-bin'

/** One of google.rpc.BadRequest. */
export interface FieldViolation {
  /** By the names of the .proto, e.g. `task.access[0].actions[1]`. */
  readonly field: string
  readonly description: string
  /** UPPER_SNAKE_CASE; '' for none. */
  readonly reason: string
}

/** The parts of a `google.rpc.Status` that Stint sends and reads. */
export interface RpcStatus {
  /** gRPC status code as number. */
  readonly code: number
  readonly message: string
  readonly errorInfo?: {
    readonly reason: string
    readonly domain: string
    readonly metadata: Readonly<Record<string, string>>
  }
  readonly fieldViolations?: readonly FieldViolation[]
  /** google.rpc.RetryInfo, in milliseconds. */
  readonly retryDelayMs?: number
}

/** A map field; a constant because the typings of the loader forget `keyType`. */
const METADATA_FIELD = { keyType: 'string', type: 'string', id: 3 }

/**
 * The messages of google/rpc/{status,error_details}.proto that are needed, with Google's field numbers, written here as
 * reflection JSON: `proto/` holds only what Stint publishes, and the lint rules for it do not fit Google's packages.
 *
 * @see https://github.com/googleapis/googleapis/blob/master/google/rpc/error_details.proto
 */
const messages = fromJSON(
  {
    nested: {
      google: {
        nested: {
          rpc: {
            nested: {
              Status: {
                fields: {
                  code: { type: 'int32', id: 1 },
                  message: { type: 'string', id: 2 },
                  details: { rule: 'repeated', type: 'Packed', id: 3 },
                },
              },
              // google.protobuf.Any under another name, so that the loader leaves it packed.
              Packed: { fields: { typeUrl: { type: 'string', id: 1 }, value: { type: 'bytes', id: 2 } } },
              ErrorInfo: {
                fields: {
                  reason: { type: 'string', id: 1 },
                  domain: { type: 'string', id: 2 },
                  metadata: METADATA_FIELD,
                },
              },
              BadRequest: {
                fields: { fieldViolations: { rule: 'repeated', type: 'FieldViolation', id: 1 } },
                nested: {
                  FieldViolation: {
                    fields: {
                      field: { type: 'string', id: 1 },
                      description: { type: 'string', id: 2 },
                      reason: { type: 'string', id: 3 },
                    },
                  },
                },
              },
              RetryInfo: { fields: { retryDelay: { type: 'Duration', id: 1 } } },
              Duration: { fields: { seconds: { type: 'int64', id: 1 }, nanos: { type: 'int32', id: 2 } } },
            },
          },
        },
      },
    },
  },
  { longs: String, defaults: true, arrays: true, objects: true, bytes: Buffer },
)

const Status = message<{ code: number; message: string; details: { typeUrl: string; value: Buffer }[] }>('Status')
const ErrorInfo = message<{ reason: string; domain: string; metadata: Record<string, string> }>('ErrorInfo')
const BadRequest = message<{ fieldViolations: FieldViolation[] }>('BadRequest')
const RetryInfo = message<{ retryDelay: { seconds: string; nanos: number } | null }>('RetryInfo')

/** Serialises for `grpc-status-details-bin`. */
export function encodeRpcStatus(status: RpcStatus): Buffer {
  const details: { typeUrl: string; value: Buffer }[] = []
  const { errorInfo, fieldViolations = [], retryDelayMs } = status
  if (errorInfo) details.push(pack('ErrorInfo', ErrorInfo.serialize({ ...errorInfo, metadata: errorInfo.metadata })))
  if (fieldViolations.length > 0) {
    details.push(pack('BadRequest', BadRequest.serialize({ fieldViolations: [...fieldViolations] })))
  }
  if (retryDelayMs !== undefined) {
    const seconds = Math.floor(retryDelayMs / 1_000)
    const nanos = Math.round((retryDelayMs - seconds * 1_000) * 1_000_000)
    details.push(pack('RetryInfo', RetryInfo.serialize({ retryDelay: { seconds: String(seconds), nanos } })))
  }
  return Status.serialize({ code: status.code, message: status.message, details })
}

/** @returns undefined for bytes that are no `google.rpc.Status`; details of other types are passed over. */
export function decodeRpcStatus(bytes: Uint8Array): RpcStatus | undefined {
  try {
    const { code, message, details } = Status.deserialize(Buffer.from(bytes))
    const parts = new Map(details.map((packed) => [packed.typeUrl.slice(packed.typeUrl.lastIndexOf('/') + 1), packed]))
    const info = parts.get('google.rpc.ErrorInfo')
    const badRequest = parts.get('google.rpc.BadRequest')
    const retry = parts.get('google.rpc.RetryInfo')
    const delay = retry && RetryInfo.deserialize(retry.value).retryDelay
    return {
      code,
      message,
      ...(info && { errorInfo: ErrorInfo.deserialize(info.value) }),
      ...(badRequest && { fieldViolations: BadRequest.deserialize(badRequest.value).fieldViolations }),
      ...(delay && { retryDelayMs: Math.max(0, Number(delay.seconds) * 1_000 + Math.ceil(delay.nanos / 1_000_000)) }),
    }
  } catch {
    return undefined
  }
}

function pack(name: string, value: Buffer): { typeUrl: string; value: Buffer } {
  return { typeUrl: `type.googleapis.com/google.rpc.${name}`, value }
}

function message<T>(name: string): MessageTypeDefinition<T, T> {
  return messages[`google.rpc.${name}`] as unknown as MessageTypeDefinition<T, T>
}

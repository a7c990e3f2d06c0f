import { fileURLToPath } from 'node:url'
import { loadPackageDefinition } from '@grpc/grpc-js'
import { loadSync, type Options, type PackageDefinition } from '@grpc/proto-loader'
import type { ProtoGrpcType } from './gen/broker.ts'
import type { BrokerServiceDefinition } from './gen/stint/v1/BrokerService.ts'
import { findUnknownFields, type UnknownField } from './unknown-fields.ts'

/** How messages look in memory: what `src/contract/gen` was generated for. */
const LOADER_OPTIONS: Options = {
  longs: String,
  enums: String,
  defaults: true,
  arrays: true,
  objects: true,
  oneofs: true,
}

/** Directory of the published `.proto` files: beside `src/` in a checkout, beside `dist/` in the package. */
const PROTO_DIRECTORY: string = fileURLToPath(new URL('../../proto', import.meta.url))

const brokerPackage: PackageDefinition = loadSync('stint/v1/broker.proto', {
  ...LOADER_OPTIONS,
  includeDirs: [PROTO_DIRECTORY],
})

const loaded = loadPackageDefinition(brokerPackage) as unknown as ProtoGrpcType

/** Client constructor: `new BrokerServiceClient(address, channelCredentials, channelOptions)`. */
export const BrokerServiceClient: ProtoGrpcType['stint']['v1']['BrokerService'] = loaded.stint.v1.BrokerService

const unknownFields = new WeakMap<object, readonly UnknownField[]>()

/** For `grpc.Server#addService`. */
export const brokerService: BrokerServiceDefinition = {
  ...BrokerServiceClient.service,
  PlanTask: rememberUnknownFields(BrokerServiceClient.service.PlanTask, 'PlanTaskRequest'),
  RequestGrant: rememberUnknownFields(BrokerServiceClient.service.RequestGrant, 'RequestGrantRequest'),
}

/**
 * The fields of a request for a task that were dropped when it was decoded, since this version does not have them.
 *
 * @param request as a handler of `brokerService` gets it.
 */
export function droppedFields(request: object): readonly UnknownField[] {
  return unknownFields.get(request) ?? []
}

function rememberUnknownFields<M extends { requestDeserialize: (bytes: Buffer) => object }>(
  method: M,
  message: string,
): M {
  const requestDeserialize = (bytes: Buffer) => {
    const request = method.requestDeserialize(bytes)
    const found = findUnknownFields(brokerPackage, `stint.v1.${message}`, bytes)
    if (found.length > 0) unknownFields.set(request, found)
    return request
  }
  return { ...method, requestDeserialize }
}

import type { Server } from '@grpc/grpc-js'
import { ReflectionService } from '@grpc/reflection'
import { FILE_DESCRIPTORS } from '../contract/gen/descriptors.ts'

/**
 * Serves grpc.reflection.v1 and v1alpha, so that tools such as grpcurl need no `.proto`. Of a package definition
 * `@grpc/reflection` reads the file descriptors only; those that `@grpc/proto-loader` puts there no client can use, so it gets
 * the ones that buf made of the same files.
 */
export function addReflection(server: Server): void {
  const fileDescriptorProtos = FILE_DESCRIPTORS.map((base64) => Buffer.from(base64, 'base64'))
  const definition = { files: { fileDescriptorProtos } } as unknown as ConstructorParameters<
    typeof ReflectionService
  >[0]
  new ReflectionService(definition).addToServer(server)
}

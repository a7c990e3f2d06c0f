import { fileURLToPath } from 'node:url'
import { Client, credentials } from '@grpc/grpc-js'
import { loadSync } from '@grpc/proto-loader'

const PROTO = fileURLToPath(import.meta.resolve('grpc-health-check/proto/health/v1/health.proto'))

/** Asks as the kubelet does: plain gRPC, once. Answers e.g. `SERVING`. */
export async function checkHealth(address: string, service: string): Promise<string> {
  const methods = loadSync(PROTO, { enums: String, defaults: true })['grpc.health.v1.Health']
  if (!methods || !('Check' in methods)) throw new Error('the health proto has no Check')
  const { path, requestSerialize, responseDeserialize } = (methods as Record<string, HealthMethod>)
    .Check as HealthMethod
  const client = new Client(address, credentials.createInsecure())
  try {
    return await new Promise((resolve, reject) => {
      client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        { service },
        { deadline: Date.now() + 10_000 },
        (error, answer) => (error ? reject(error) : resolve(answer?.status ?? '')),
      )
    })
  } finally {
    client.close()
  }
}

interface HealthMethod {
  readonly path: string
  readonly requestSerialize: (request: object) => Buffer
  readonly responseDeserialize: (bytes: Buffer) => { status: string }
}

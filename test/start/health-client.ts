import { Client, credentials } from '@grpc/grpc-js'

/** What gRPC health says of a service; `NONE` where nobody answers. */
export function health(address: string, service: string): Promise<string> {
  const client = new Client(address, credentials.createInsecure())
  const request = Buffer.concat([Buffer.from([10, service.length]), Buffer.from(service)])
  return new Promise((resolve) => {
    client.makeUnaryRequest(
      '/grpc.health.v1.Health/Check',
      (bytes: Buffer) => bytes,
      (bytes: Buffer) => bytes,
      request,
      { deadline: Date.now() + 5_000 },
      (error, answer) => {
        client.close()
        resolve(error || !answer ? 'NONE' : (STATES[answer[1] ?? 0] ?? 'NONE'))
      },
    )
  })
}

/** `HealthCheckResponse.ServingStatus` */
const STATES = ['UNKNOWN', 'SERVING', 'NOT_SERVING', 'SERVICE_UNKNOWN']

import { readFileSync } from 'node:fs'
import { Server, type ServerUnaryCall, type ServiceDefinition, type sendUnaryData } from '@grpc/grpc-js'
import { loadConfig } from '../../../src/config/load.ts'
import { systemClock } from '../../../src/core/clock.ts'
import { Secret } from '../../../src/core/secret.ts'
import { Listener } from '../../../src/grpc/connections/listener.ts'
import { GRPC_SERVER_OPTIONS } from '../../../src/grpc/server-options.ts'
import { BundleStore } from '../../../src/identity/bundle/bundle-store.ts'
import { parseSpiffeBundle } from '../../../src/identity/bundle/trust-bundle.ts'
import { serverIdentity } from '../../../src/identity/server-identity.ts'
import { bundleFiles } from '../../../src/start/identity/bundles.ts'
import { ECHO_METHOD } from '../echo-method.ts'
import { serveRole, usage } from '../pinned-process.ts'

const plain = (bytes: Buffer) => bytes
const SERVICE: ServiceDefinition = {
  Echo: {
    path: ECHO_METHOD,
    requestStream: false,
    responseStream: false,
    requestSerialize: plain,
    requestDeserialize: plain,
    responseSerialize: plain,
    responseDeserialize: plain,
  },
}

/** A gRPC server behind the broker's own listener that gives back what it gets: no call over it can cost less. */
export async function runEcho(): Promise<void> {
  let listener: Listener | undefined
  serveRole(
    {
      start: async ({ configFile }: { configFile: string }) => {
        const { identity } = loadConfig({ file: configFile, env: {} })
        const read = (file: string) => readFileSync(file, 'utf8')
        const bundles = new BundleStore()
        for (const [name, { file }] of Object.entries(bundleFiles(identity.domains))) {
          bundles.replace(name, parseSpiffeBundle(name, read(file)).bundle)
        }
        if (identity.server === 'workload-api') throw new Error('the bench reads its identity from files')
        const { certificateFile, privateKeyFile } = identity.server
        const server = new Server(GRPC_SERVER_OPTIONS)
        server.addService(SERVICE, {
          Echo: (call: ServerUnaryCall<Buffer, Buffer>, answer: sendUnaryData<Buffer>) => answer(null, call.request),
        })
        listener = Listener.mutual({
          server,
          bundles,
          identity: serverIdentity(read(certificateFile), new Secret(read(privateKeyFile))),
          clock: systemClock,
          // An echo is so cheap that the client makes more calls than any agent may.
          limits: { calls: { callsPerSecond: 1_000_000, burst: 1_000_000 } },
          onRefused: ({ error }) => console.error(error.message),
        })
        const { port } = await listener.listen({ host: '127.0.0.1', port: 0, setting: 'listen.agents' })
        return { address: `127.0.0.1:${port}` }
      },
      usage,
    },
    async () => listener?.stop(0),
  )
}

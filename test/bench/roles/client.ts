import { readFileSync } from 'node:fs'
import { type ChannelOptions, Client, credentials } from '@grpc/grpc-js'
import { BrokerServiceClient } from '../../../src/contract/broker.ts'
import { benchTask } from '../bench-grants.ts'
import type { AgentFiles } from '../bench-stage.ts'
import { ECHO_METHOD, ECHO_PAYLOAD } from '../echo-method.ts'
import { loadMethods, type Work } from '../load.ts'
import { serveRole } from '../pinned-process.ts'

/** Whom to call with what. `tasks`: how many different tasks take turns; 0 makes each one new. */
export interface ClientLoad {
  readonly address: string
  readonly agents: readonly AgentFiles[]
  readonly rootsFile: string
  readonly what: 'echo' | 'grants'
  readonly tasks?: number
}

const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.ssl_target_name_override': 'localhost',
  'grpc.use_local_subchannel_pool': 1,
  'grpc.enable_retries': 0,
}
const CALL_MS = 20_000

/** Agents: one mTLS connection each. */
export async function runClient(): Promise<void> {
  serveRole(loadMethods((load: ClientLoad) => (load.what === 'echo' ? echoes(load) : grants(load))))
}

function echoes({ address, agents, rootsFile }: ClientLoad): Work {
  const clients = agents.map((agent) => new Client(address, channelCredentials(agent, rootsFile), CHANNEL_OPTIONS))
  const next = inTurn(clients)
  const plain = (bytes: Buffer) => bytes
  const once = () =>
    new Promise((resolve, reject) => {
      const options = { deadline: Date.now() + CALL_MS }
      next().makeUnaryRequest(ECHO_METHOD, plain, plain, ECHO_PAYLOAD, options, (error, answer) =>
        error ? reject(error) : resolve(answer),
      )
    })
  return { once, close: () => closeAll(clients) }
}

function grants({ address, agents, rootsFile, tasks = 100 }: ClientLoad): Work {
  const clients = agents.map(
    (agent) => new BrokerServiceClient(address, channelCredentials(agent, rootsFile), CHANNEL_OPTIONS),
  )
  const next = inTurn(clients)
  const run = `${process.pid}-${Date.now()}`
  let made = 0
  const once = () => {
    made += 1
    const task = benchTask(tasks === 0 ? Date.now() * 1_000 + made : made % tasks)
    const request = { task, idempotencyKey: `bench-${run}-${made}` }
    return new Promise((resolve, reject) => {
      next().RequestGrant(request, { deadline: Date.now() + CALL_MS }, (error, answer) => {
        if (error) reject(error)
        else if (answer?.lease?.aws?.sessionToken) resolve(answer)
        else reject(new Error('a grant without credentials'))
      })
    })
  }
  return { once, close: () => closeAll(clients) }
}

function closeAll(clients: readonly { close(): void }[]): void {
  for (const client of clients) client.close()
}

function channelCredentials({ certificateFile, privateKeyFile }: AgentFiles, rootsFile: string) {
  return credentials.createSsl(readFileSync(rootsFile), readFileSync(privateKeyFile), readFileSync(certificateFile))
}

function inTurn<T>(items: readonly T[]): () => T {
  let turn = 0
  return () => {
    turn += 1
    return items[turn % items.length] as T
  }
}

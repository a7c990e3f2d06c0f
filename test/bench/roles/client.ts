import { readFileSync } from 'node:fs'
import { type ChannelOptions, Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { BrokerServiceClient } from '../../../src/contract/broker.ts'
import { fromServiceError } from '../../../src/contract/error-status.ts'
import type { BrokerServiceClient as BrokerClient } from '../../../src/contract/gen/stint/v1/BrokerService.ts'
import type { RequestGrantRequest } from '../../../src/contract/gen/stint/v1/RequestGrantRequest.ts'
import { benchTask } from '../bench-grants.ts'
import type { AgentFiles } from '../bench-stage.ts'
import { ECHO_METHOD, ECHO_PAYLOAD } from '../echo-method.ts'
import { loadMethods, type Work } from '../load.ts'
import { serveRole } from '../pinned-process.ts'
import { timeWakes } from './wakes.ts'

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
  const watchers = new Watchers()
  serveRole({
    ...loadMethods((load: ClientLoad) => (load.what === 'echo' ? echoes(load) : grants(load))),
    watch: (load: ClientLoad & { watchers: number }) => watchers.open(load),
    told: () => watchers.told(),
    wakes,
  })
}

async function wakes(load: ClientLoad & { readonly other: string; readonly rounds: number }): Promise<number[]> {
  const { agents, rootsFile } = load
  const connect = (address: string) =>
    new BrokerServiceClient(address, channelCredentials(agents[0] as AgentFiles, rootsFile), CHANNEL_OPTIONS)
  const two = { here: connect(load.address), there: connect(load.other) }
  try {
    return await timeWakes(two, load.rounds)
  } finally {
    closeAll(Object.values(two))
  }
}

/** A connection takes no more streams than this. */
const STREAMS_PER_CONNECTION = 100

/** Streams of WatchGrant, spread over the agents; each agent watches one grant of its own. */
class Watchers {
  #ended: Promise<ServiceError>[] = []
  #clients: BrokerClient[] = []

  /** Resolves when each stream has shown its grant. */
  async open({ address, agents, rootsFile, watchers }: ClientLoad & { readonly watchers: number }): Promise<void> {
    const each = Math.ceil(watchers / agents.length)
    const shown: Promise<unknown>[] = []
    for (const [n, agent] of agents.entries()) {
      const connect = () => this.#connect(address, agent, rootsFile)
      const grantId = await requestGrant(connect(), {
        task: benchTask(n),
        idempotencyKey: `bench-watched-${n}-${process.pid}`,
      })
      let client = connect()
      for (let stream = 0; stream < each; stream += 1) {
        if (stream > 0 && stream % STREAMS_PER_CONNECTION === 0) client = connect()
        const watch = client.WatchGrant({ grantId })
        this.#ended.push(new Promise((resolve) => watch.once('error', resolve)))
        shown.push(new Promise((resolve) => watch.once('data', resolve)))
      }
    }
    await Promise.all(shown)
  }

  /** @returns how many streams ended since the broker shuts down. */
  async told(): Promise<number> {
    const errors = await Promise.all(this.#ended)
    closeAll(this.#clients)
    return errors.filter((error) => fromServiceError(error).code === 'SHUTTING_DOWN').length
  }

  #connect(address: string, agent: AgentFiles, rootsFile: string): BrokerClient {
    const client = new BrokerServiceClient(address, channelCredentials(agent, rootsFile), CHANNEL_OPTIONS)
    this.#clients.push(client)
    return client
  }
}

function requestGrant(client: BrokerClient, request: RequestGrantRequest): Promise<string> {
  return new Promise((resolve, reject) => {
    client.RequestGrant(request, { deadline: Date.now() + CALL_MS }, (error, answer) =>
      error ? reject(error) : resolve(answer?.grant?.id ?? ''),
    )
  })
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

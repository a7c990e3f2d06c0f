import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type ConnectionOptions, connect } from 'node:tls'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { type Stage, setStage } from '../../src/practice/stage/stage.ts'
import { type BrokerAddresses, BrokerProcess, endBrokers } from '../support/broker-process.ts'

const ANY = '127.0.0.1:0'
/** Files of the broker's own SVID, relative to the stage's folder. */
const SERVER = {
  certificateFile: 'svids/practice.example_stint.pem',
  privateKeyFile: 'svids/practice.example_stint.key',
}

let folder: string
let stage: Stage
let addresses: BrokerAddresses
let agent: ConnectionOptions

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'stint-test-'))
  const listen = { agents: ANY, bearer: ANY, admin: ANY, health: ANY }
  stage = await setStage({ folder, config: { listen, admin: { tls: SERVER } } })
  const files = await stage.issueSvid('/agents/invoice-bot')
  agent = { cert: readFileSync(files.certificateFile), key: readFileSync(files.privateKeyFile) }
  addresses = await new BrokerProcess({ configFile: stage.configFile }).ready()
})
afterAll(async () => {
  await endBrokers()
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Tickets that the server has sent by the time it answers: they follow its handshake at once (RFC 8446, section 4.6.1). */
async function ticketsOf(address: string, options: ConnectionOptions, question: string | Buffer): Promise<number> {
  const { hostname: host, port } = new URL(address.includes('//') ? address : `https://${address}`)
  const socket = connect({ host, port: Number(port), rejectUnauthorized: false, ...options })
  try {
    let tickets = 0
    socket.on('session', () => {
      tickets += 1
    })
    await once(socket, 'secureConnect')
    socket.write(question)
    await once(socket, 'data')
    return tickets
  } finally {
    socket.destroy()
  }
}

const HTTP2 = Buffer.concat([
  Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'),
  Buffer.from([0, 0, 0, 4, 0, 0, 0, 0, 0]), // an empty SETTINGS frame
])

for (const { name, address, options, question } of [
  {
    name: 'agents',
    address: () => addresses.agents,
    options: () => ({ ...agent, ALPNProtocols: ['h2'] }),
    question: HTTP2,
  },
  { name: 'bearer', address: () => addresses.bearer, options: () => ({ ALPNProtocols: ['h2'] }), question: HTTP2 },
  {
    name: 'admin',
    address: () => addresses.admin,
    options: () => ({}),
    question: 'GET /v1/status HTTP/1.1\r\nhost: localhost\r\n\r\n',
  },
]) {
  test(`stint serve sends no session tickets on the ${name} port`, async () => {
    expect(await ticketsOf(address() ?? '', options(), question)).toBe(0)
  })
}

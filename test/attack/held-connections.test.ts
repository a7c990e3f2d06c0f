import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Stage, setStage } from '../../src/practice/stage.ts'
import { selfSigned } from '../admin/self-signed.ts'
import { type BrokerAddresses, BrokerProcess } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'
import { socketsOf } from '../support/open-sockets.ts'
import { HELD_CONNECTIONS } from './held-connections.ts'

const OF_EACH_KIND = 3
/** The slowest limit is that of a half-sent HTTP/2 preface on the health port: two keepalive times, 30 s. */
const ALL_LIMITS_MS = 60_000
const DRAIN = '1s'

describe('connections that get nowhere, on every port of a broker', () => {
  let stage: Stage
  let broker: BrokerProcess
  let ports: readonly { name: string; port: number; tls: boolean }[]
  let before: number

  beforeAll(async () => {
    const folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
    const { cert, key } = await selfSigned()
    writeFileSync(join(folder, 'tls.crt'), cert)
    writeFileSync(join(folder, 'tls.key'), key, { mode: 0o600 })
    stage = await setStage({
      folder,
      config: {
        listen: { bearer: '127.0.0.1:0' },
        identity: { bundleEndpoint: { listen: '127.0.0.1:0', trustDomain: 'practice.example' } },
        admin: { tls: { certificateFile: 'tls.crt', privateKeyFile: 'tls.key' } },
        server: { drainTime: DRAIN },
      },
    })
    broker = new BrokerProcess({ configFile: stage.configFile })
    ports = portsOf(await broker.ready())
    // The probe of the start may still be among them, which hides one socket; the test holds several of each kind.
    before = socketsOf(broker.pid)
  })
  const held: { destroy(): void }[] = []
  afterAll(async () => {
    for (const socket of held) socket.destroy()
    broker.signal('SIGKILL')
    await broker.exited
    await stage.close()
    rmSync(stage.folder, { recursive: true, force: true })
  })

  /** Several of each kind on each port; those that are not reset stay open on this side. */
  const holdAll = async () => {
    for (const { port, tls } of ports) {
      for (const { open } of HELD_CONNECTIONS) {
        for (let n = 0; n < OF_EACH_KIND; n += 1) held.push(await open(port, { tls }))
      }
    }
  }

  test('each is closed within the limits of its port', async () => {
    await holdAll()
    await eventually('the sockets are closed', () => socketsOf(broker.pid) <= before, ALL_LIMITS_MS)
    expect(await broker.serving()).toBe(true)
  }, 90_000)

  test('a stop ends although all of them are open', async () => {
    await holdAll()
    await eventually('the broker has them', () => socketsOf(broker.pid) > before)
    expect(await broker.stop()).toEqual({ code: 0, signal: null })
  })
})

function portsOf(addresses: BrokerAddresses) {
  const { agents = '', bearer = '', admin, bundle = '', health } = addresses
  const portOf = (address: string) => Number(address.split(':').at(-1))
  return [
    { name: 'agents', port: portOf(agents), tls: true },
    { name: 'bearer', port: portOf(bearer), tls: true },
    { name: 'admin', port: portOf(admin), tls: true },
    { name: 'bundle', port: portOf(bundle), tls: true },
    { name: 'health', port: health, tls: false },
  ]
}

import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { PostgresServer } from '../postgres/postgres-server.ts'
import { openPostgresStage } from './postgres-stage.ts'
import type { Transcript } from './transcript.ts'

/** A PostgreSQL server with a synchronous standby; it crashes under load, and the standby takes its place. */
export async function failOver(transcript: Transcript): Promise<void> {
  const primary = await PostgresServer.start()
  const address = await Address.of(primary.port)
  const { stage, agents, count } = await openPostgresStage(primary, address.port)
  let standby: PostgresServer | undefined
  try {
    const broker = stage.spawn()
    await agents.use(broker)
    await agents.finish(10)
    transcript.step('a broker on PostgreSQL serves four agents')
    standby = await PostgresServer.standbyOf(primary)
    await primary.configure(["synchronous_standby_names = '*'"])
    await primary.reload()
    await agents.finish(20)
    transcript.step('a standby follows; each commit waits for it; 20 grants')
    const crashedMs = performance.now()
    await primary.down('immediate')
    transcript.step('the server crashes (pg_ctl stop -m immediate)')
    await standby.program('pg_ctl', ['-D', standby.data, '-w', 'promote'])
    address.target = standby.port
    transcript.step('the standby is promoted, and its address leads to it')
    await agents.finish(1)
    transcript.step(
      `the next grant is through its whole life ${Math.round(performance.now() - crashedMs)} ms after the crash`,
    )
    await agents.finish(19)
    transcript.step(`20 grants; the broker ${broker.gone.aborted ? 'has ended' : 'is the same process'}`)
    await agents.stop()
    await broker.stop()
    await count(transcript, standby)
  } finally {
    await stage.close()
    address.close()
    await standby?.dispose()
    await primary.dispose()
  }
}

/** One address for whichever server has the database, as a virtual IP or a load balancer gives it. */
class Address {
  target: number
  readonly #server = createServer((client) => this.#pass(client))
  readonly #sockets = new Set<Socket>()

  private constructor(target: number) {
    this.target = target
  }

  static async of(target: number): Promise<Address> {
    const address = new Address(target)
    await new Promise<void>((resolve) => address.#server.listen(0, '127.0.0.1', resolve))
    return address
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port
  }

  close(): void {
    this.#server.close()
    for (const socket of this.#sockets) socket.destroy()
  }

  #pass(client: Socket): void {
    const server = connect(this.target, '127.0.0.1')
    for (const [one, other] of [
      [client, server],
      [server, client],
    ] as const) {
      this.#sockets.add(one)
      one.on('error', () => other.destroy())
      one.on('close', () => {
        this.#sockets.delete(one)
        other.destroy()
      })
      one.pipe(other)
    }
  }
}

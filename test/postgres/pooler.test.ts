import { spawn } from 'node:child_process'
import { chmodSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { allEvents, verifyLedger } from '../support/audit-record.ts'
import { eventually } from '../support/eventually.ts'
import { sampleLease, sampleOpen } from '../support/ledger-records.ts'
import { freePort, PASSWORD, PostgresServer } from './postgres-server.ts'
import { tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
const port = await freePort()
const file = (name: string) => join(server.folder, name)
writeFileSync(file('users'), `"stint" "${PASSWORD}"\n`)
// Each transaction gets another connection of the server than the one before.
writeFileSync(
  file('pgbouncer.ini'),
  `[databases]
postgres = host=127.0.0.1 port=${server.port}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
pidfile = ${file('pgbouncer.pid')}
auth_type = scram-sha-256
auth_file = ${file('users')}
pool_mode = transaction
default_pool_size = 4
min_pool_size = 4
server_round_robin = 1
`,
)
for (const name of ['users', 'pgbouncer.ini']) chmodSync(file(name), 0o644)
const isRoot = process.getuid?.() === 0
const [command, args] = isRoot
  ? ['runuser', ['-u', 'postgres', '--', 'pgbouncer', file('pgbouncer.ini')]]
  : ['pgbouncer', [file('pgbouncer.ini')]]
const bouncer = spawn(command, args, { stdio: 'ignore', cwd: '/' })
afterAll(async () => {
  bouncer.kill('SIGTERM')
  await server.dispose()
})
await eventually('the pooler', () => canConnect(port))

test('a ledger works behind a pooler in transaction mode', async () => {
  const tmp = await tmpPostgresLedger(server.address(), { server: server.address({ port, pooler: true }) })
  try {
    const now = tmp.clock.now()
    for (let round = 0; round < 5; round++) {
      await Promise.all(
        Array.from({ length: 10 }, async () => {
          const { grant } = await tmp.ledger.openGrant(sampleOpen(tmp.ids, now))
          const lease = sampleLease(tmp.ids, now)
          await tmp.ledger.intendLease({ grantId: grant.id, grantVersion: 1, lease, events: [] })
          expect(await tmp.ledger.listLeases(grant.id)).toHaveLength(2)
        }),
      )
    }
    await tmp.reopen()
    expect(await tmp.ledger.countGrants()).toMatchObject({ active: 50 })
    expect(await allEvents(tmp.ledger)).toHaveLength(102)
    expect((await verifyLedger(tmp.ledger)).problem).toBeUndefined()
  } finally {
    await tmp.dispose()
  }
})

test('replicas behind a pooler hear each other on the server itself', async () => {
  const tmp = await tmpPostgresLedger(server.address(), {
    server: server.address({ port, pooler: true }),
    listenAt: server.address(),
  })
  try {
    const other = await tmp.join()
    const told: unknown[] = []
    tmp.ledger.sharing?.listen({ onTold: (grantIds) => told.push(grantIds), onListening: () => undefined })
    for (const ledger of [tmp.ledger, other]) await eventually('listening', () => ledger.sharing?.isListening)
    other.sharing?.tell('grt_1')
    await eventually('the notification', () => told.length > 0)
    expect(told).toEqual([['grt_1']])
  } finally {
    await tmp.dispose()
  }
})

test('a pooler is not listened to, since no notification would come through it', async () => {
  const states: unknown[] = []
  const tmp = await tmpPostgresLedger(server.address(), {
    server: server.address({ port, pooler: true }),
    listenAt: server.address({ port }),
    onListen: (error) => states.push(error),
  })
  try {
    await eventually('the refusal', () => states.length > 0)
    expect(states).toMatchObject([{ code: 'LEDGER_LISTEN_FAILED', details: { pooler: true } }])
    expect(tmp.ledger.sharing?.isListening).toBe(false)
  } finally {
    await tmp.dispose()
  }
})

test('a pooler that is not told of is named', async () => {
  const tmp = await tmpPostgresLedger(server.address(), { server: server.address({ port }) })
  try {
    const open = () => tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
    const told = async () => {
      for (let tried = 0; tried < 20; tried++) await open()
    }
    await expect(told()).rejects.toMatchObject({
      code: 'LEDGER_UNAVAILABLE',
      message: expect.stringMatching(/does not keep prepared statements apart: set ledger\.postgres\.pooler/),
    })
  } finally {
    await tmp.dispose()
  }
})

function canConnect(to: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect(to, '127.0.0.1')
    socket.once('connect', () => {
      socket.destroy()
      resolve(true)
    })
    socket.once('error', () => resolve(false))
  })
}

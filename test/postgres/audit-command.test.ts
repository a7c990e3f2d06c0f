import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeEach, expect, test } from 'vitest'
import { stringify } from 'yaml'
import { formatHead } from '../../src/ledger/audit/chain-heads.ts'
import { readAuditSnapshot } from '../../src/ledger/postgres/audit-snapshot.ts'
import { stint } from '../support/cli.ts'
import { sampleEvent, sampleOpen } from '../support/ledger-records.ts'
import { PostgresServer } from './postgres-server.ts'
import { type TmpPostgresLedger, tmpPostgresLedger } from './tmp-postgres-ledger.ts'

const server = await PostgresServer.start()
afterAll(() => server.dispose())

let tmp: TmpPostgresLedger
let folder: string
beforeEach(async () => {
  tmp = await tmpPostgresLedger(server.address())
  folder = mkdtempSync(join(tmpdir(), 'stint-test-'))
  for (let n = 0; n < 3; n++) await tmp.ledger.openGrant(sampleOpen(tmp.ids, tmp.clock.now()))
})
afterEach(async () => {
  await tmp.dispose()
  rmSync(folder, { recursive: true, force: true })
})

function audit(...argv: string[]) {
  const config = join(folder, 'stint.yaml')
  const text = stringify({
    identity: {
      server: { certificateFile: 'server.pem', privateKeyFile: 'server.key' },
      domains: { 'example.org': { file: 'bundle.json' } },
    },
    registry: { file: 'agents.yaml' },
    policy: { directory: 'policies' },
    roles: [{ arn: 'arn:aws:iam::123456789012:role/stint/data', revocation: { kind: 'none' } }],
    aws: { region: 'eu-central-1' },
    ledger: { postgres: server.settings(tmp.schema) },
  })
  writeFileSync(config, text)
  return stint(['audit', ...argv, '--config', config])
}

test('the stored record is verified beside a broker, with heads that were saved, and its export verifies too', async () => {
  const heads = await audit('heads')
  expect(heads).toMatchObject({ exitCode: 0 })
  expect(heads.stdout.trim().split('\n')).toEqual((await tmp.ledger.auditHeads()).heads.map(formatHead))
  const verdict = await audit('verify', '--expect-head', heads.stdout.trim(), '-o', 'json')
  expect(verdict).toMatchObject({ exitCode: 0 })
  expect(JSON.parse(verdict.stdout)).toMatchObject({ verdict: 'whole', chains: 1 })
  const out = join(folder, 'export.jsonl')
  expect(await audit('export', '--out', out)).toMatchObject({ exitCode: 0 })
  expect(await stint(['audit', 'verify', out, '--expect-head', heads.stdout.trim()])).toMatchObject({ exitCode: 0 })
})

test('a record that was cut short, or edited, is found out', async () => {
  const heads = (await audit('heads')).stdout.trim()
  await tmp.sql(`DELETE FROM events WHERE position > 4; UPDATE chains SET seq = 4, hash = (SELECT hash FROM events WHERE seq = 4);
    UPDATE event_positions SET last = 4`)
  expect(await audit('verify')).toMatchObject({ exitCode: 0 })
  const cut = await audit('verify', '--expect-head', heads)
  expect(cut).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('truncated') })
  await tmp.sql('UPDATE events SET at = at + 1 WHERE seq = 2')
  expect(await audit('verify')).toMatchObject({ exitCode: 1, stdout: expect.stringContaining('edited') })
})

test('one snapshot is read: what is written meanwhile is not in it', async () => {
  await readAuditSnapshot({ server: server.address(), schema: tmp.schema }, async (snapshot) => {
    const before = await snapshot.auditHeads()
    await tmp.ledger.appendEvents([sampleEvent(tmp.clock.now())])
    expect(await snapshot.auditHeads()).toEqual(before)
    const verdict = await snapshot.verify(before.heads)
    expect(verdict).toMatchObject({ verdict: 'whole', events: before.position })
  })
})

test('a place without a ledger, or a file beside the configuration, is told', async () => {
  expect(await audit('verify', 'export.jsonl')).toMatchObject({ exitCode: 2 })
  const { schema } = tmp
  await tmp.ledger.close()
  await tmp.sql(`DROP SCHEMA ${schema} CASCADE`)
  expect(await audit('verify')).toMatchObject({ exitCode: 1, stderr: expect.stringContaining('There is no ledger') })
})

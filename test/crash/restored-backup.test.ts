import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import { backUpLedger } from '../../src/start/ledger/back-up-ledger.ts'
import { endBrokers } from '../support/broker-process.ts'
import { stint } from '../support/cli.ts'
import { eventually } from '../support/eventually.ts'
import { CrashStage } from './crash-stage.ts'

afterAll(endBrokers)

const LONG = { timeout: 240_000 }

/** A drill: what was given out, revoked and answered after the backup must not come back with it. */
for (const { name, reason, restore } of [
  {
    name: 'by stint restore',
    reason: 'restored',
    restore: async (stage: CrashStage, backup: string) => {
      const argv = ['restore', '--config', stage.stage.configFile, '--from', backup, '--quarantine']
      expect(await stint(argv)).toMatchObject({ exitCode: 0 })
    },
  },
  {
    // The deny document carries the writes of the lost state.
    name: 'by somebody who copies the file',
    reason: 'outdated',
    restore: async (stage: CrashStage, backup: string) => {
      const file = join(stage.stage.folder, 'ledger.db')
      for (const end of ['-wal', '-shm']) rmSync(`${file}${end}`, { force: true })
      copyFileSync(backup, file)
    },
  },
])
  test(`P13: an old backup, put back ${name}, gives nobody access`, LONG, async () => {
    const stage = await CrashStage.open()
    try {
      const file = join(stage.stage.folder, 'ledger.db')
      const backup = join(stage.stage.folder, 'backup.db')
      const ask = async (key: string) => {
        const answer = await stage.request(key, 'write')
        if (!answer?.lease) throw new Error('no credentials')
        return { id: answer.grant.id, key: answer.lease.accessKeyId }
      }
      const first = await stage.start()
      const [active, revokedBefore] = [await ask('key-00000001'), await ask('key-00000002')]
      await stage.revoke(revokedBefore.id)
      await backUpLedger(file, backup)
      const [later, revokedAfter] = [await ask('key-00000003'), await ask('key-00000004')]
      await stage.revoke(active.id)
      await stage.revoke(revokedAfter.id)
      await eventually('the deny of what was revoked last', () => !stage.works(revokedAfter.key))
      expect(stage.works(later.key)).toBe(true)
      await first.stop()
      const lost = (await verifyAuditFile(file)).heads
      await restore(stage, backup)

      const second = await stage.start()
      await expect(stage.request('key-00000005', 'write')).rejects.toMatchObject({ code: 'LEDGER_QUARANTINED' })
      await expect(stage.renew('key-00000001', active.id)).rejects.toMatchObject({
        code: expect.stringMatching(/^(LEDGER_QUARANTINED|GRANT_NOT_ACTIVE)$/),
      })
      const ada = await stage.admin('ada')
      expect(await ada.get('/v1/status')).toMatchObject({ ready: false })
      expect(await ada.get('/v1/quarantine')).toMatchObject({ inForce: true, quarantine: { reason } })
      const open = () => ada.post('/v1/quarantine/open', { body: { note: 'the disk was lost' } })
      const keys = [active, revokedBefore, later, revokedAfter].map(({ key }) => key)
      await eventually('the cut of every session', () => keys.every((key) => !stage.works(key)))
      await eventually('nothing left to wait for', async () => {
        // Whoever was revoked stays so at every instant.
        expect(stage.works(active.key) || stage.works(revokedAfter.key)).toBe(false)
        return (await ada.get('/v1/quarantine')).unfinished.length === 0
      })
      expect(await stage.stateOf(active.id)).toBe('ended')
      await open()
      await eventually('a broker that is ready', async () => (await ada.get('/v1/status')).ready)
      const fresh = await ask('key-00000006')
      expect(stage.works(fresh.key)).toBe(true)
      expect(keys.filter((key) => stage.works(key))).toEqual([])
      expect(await second.stop()).toEqual({ code: 0, signal: null })

      const { grants, events } = await stage.ledger()
      expect(grants.find(({ grant }) => grant.id === active.id)?.grant).toMatchObject({ reason: 'restored' })
      expect(events.map(({ type }) => type)).toEqual(expect.arrayContaining(['ledger.quarantined', 'ledger.opened']))
      expect((await verifyAuditFile(file)).verdict).not.toBe('broken')
      expect((await verifyAuditFile(file, lost)).verdict).toBe('broken')
    } finally {
      await stage.close()
    }
  })

import { copyFileSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import { backUpLedger } from '../../src/start/ledger/back-up-ledger.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import { eventually } from '../support/eventually.ts'
import type { Transcript } from './transcript.ts'

/** A backup is put in the place of a ledger that has granted and revoked since. */
export async function oldBackup(transcript: Transcript): Promise<void> {
  const stage = await CrashStage.open()
  const { cloud, folder } = stage.stage
  const works = () => cloud.sessions().filter(({ accessKeyId }) => stage.works(accessKeyId)).length
  try {
    const first = await stage.start()
    await stage.request('before-00000001', 'write')
    const backup = join(folder, 'backup.db')
    await backUpLedger(join(folder, 'ledger.db'), backup)
    transcript.step('a broker has granted once; stint backup copies its ledger')
    for (let n = 0; n < 5; n += 1) await stage.request(`after-0000000${n}`, 'write')
    const revoked = await stage.request('revoked-00000001', 'write')
    await stage.revoke(revoked?.grant.id ?? '')
    await eventually('the end', async () => (await stage.stateOf(revoked?.grant.id ?? '')) === 'ended')
    transcript.step('six further grants, one of which is revoked')
    transcript.count('sessions that work', works(), 6)
    await first.stop()
    for (const end of ['', '-wal', '-shm']) rmSync(join(folder, `ledger.db${end}`), { force: true })
    copyFileSync(backup, join(folder, 'ledger.db'))
    const second = stage.spawn()
    await eventually('the quarantine', () => second.output.includes('LEDGER_QUARANTINED'))
    transcript.step('the backup takes the place of the ledger; the broker that starts on it says LEDGER_QUARANTINED')
    await eventually('the cut', () => works() === 0, 150_000)
    transcript.step('no session from before works any more, those included that the backup does not know')
    transcript.count('sessions that STS made', cloud.sessions().length)
    transcript.count('of these working', works(), 0)
    second.signal('SIGTERM')
    await second.exited
  } finally {
    await stage.close()
  }
}

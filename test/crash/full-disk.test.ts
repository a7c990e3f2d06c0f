import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statfsSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { endBrokers } from '../support/broker-process.ts'
import { eventually } from '../support/eventually.ts'
import { CrashStage } from './crash-stage.ts'

const disk = mkdtempSync(join(tmpdir(), 'stint-disk-'))
const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=96m', 'tmpfs', disk]).status === 0
afterAll(async () => {
  await endBrokers()
  if (mounted) spawnSync('umount', [disk])
  rmSync(disk, { recursive: true, force: true })
})

// The reserve itself has tests that need no disk of their own.
if (!mounted)
  test('a disk of its own cannot be had here, since this user may not mount one', () => expect(mounted).toBe(false))
else
  test('on a disk that somebody has filled, grants can be revoked and nothing is granted', {
    timeout: 240_000,
  }, async () => {
    const filler = join(disk, 'filler')
    mkdirSync(join(disk, 'ledger'))
    const stage = await CrashStage.open({}, { ledger: { file: join(disk, 'ledger', 'ledger.db') } })
    try {
      const first = await stage.start()
      const answer = await stage.request('key-00000001', 'write')
      const grantId = answer?.grant.id ?? ''
      const { bavail, bsize } = statfsSync(disk)
      expect(() => writeFileSync(filler, Buffer.alloc(bavail * bsize + 1))).toThrow(/ENOSPC/)
      // Found at the next look, or by a write that fails: then the broker ends, and its supervisor starts it anew.
      await Promise.race([
        first.exited,
        eventually('a shortage', async () => (await refusal(stage)) === 'LEDGER_SPACE_LOW'),
      ])
      if (!first.gone.aborted) first.signal('SIGKILL')
      await first.exited

      await stage.start()
      expect(await refusal(stage)).toBe('LEDGER_SPACE_LOW')
      expect(await stage.revoke(grantId)).toBe(true)
      await eventually('the end of the grant', async () => (await stage.stateOf(grantId)) === 'ended')
      rmSync(filler)
      await eventually('space', async () => (await refusal(stage)) === undefined)
    } finally {
      await stage.close()
    }
  })

let asked = 0
async function refusal(stage: CrashStage): Promise<string | undefined> {
  asked += 1
  return stage.request(`key-1000000${asked}`, 'write').then(
    (answer) => (answer ? undefined : 'gone'),
    (error) => error.code,
  )
}

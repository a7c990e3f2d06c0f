import { diskFull } from './disk-full.ts'
import { failOver } from './fail-over.ts'
import { killSwitch } from './kill-switch.ts'
import { killedReplica } from './killed-replica.ts'
import { oldBackup } from './old-backup.ts'
import type { Transcript } from './transcript.ts'
import { twoVersions } from './two-versions.ts'

/** The drills by name. */
export const DRILLS: Readonly<Record<string, (transcript: Transcript) => Promise<void>>> = {
  'killed-replica': killedReplica,
  'old-backup': oldBackup,
  'two-versions': twoVersions,
  'fail-over': failOver,
  'disk-full': diskFull,
  'kill-switch': killSwitch,
}

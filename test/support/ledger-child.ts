import { systemClock } from '../../src/core/clock.ts'
import { asStintError } from '../../src/core/errors.ts'
import { randomIds } from '../../src/core/ids.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { sampleOpen, samplePlan } from './ledger-records.ts'

/**
 * A process of its own on a ledger file, for crash tests: `node ledger-child.ts <file> <how>`. `open` prints `ready` and
 * waits; `write` opens grants, eight at a time, and prints the id of each only after it was recorded; `once` records one.
 * Prints the error code and exits with 1 when the ledger cannot be opened.
 */
const [file = '', how = 'open'] = process.argv.slice(2)
const GRANTS = 400

try {
  const ledger = await openSqliteLedger({ file, clock: systemClock, ids: randomIds })
  process.stdout.write('ready\n')
  const plan = samplePlan()
  const write = async (count: number) => {
    for (let made = 0; made < count; made++) {
      const answer = await ledger.openGrant(sampleOpen(randomIds, systemClock.now(), { plan }))
      process.stdout.write(`${answer.grant.id}\n`)
    }
  }
  if (how === 'write') await Promise.all(Array.from({ length: 8 }, () => write(GRANTS / 8)))
  if (how === 'once') await write(1)
  if (how === 'open') setTimeout(() => process.exit(3), 20_000)
  else await ledger.close()
} catch (error) {
  process.stdout.write(`${asStintError(error).code}\n`)
  process.exitCode = 1
}

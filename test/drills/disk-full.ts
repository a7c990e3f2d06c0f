import { systemClock } from '../../src/core/clock.ts'
import { randomIds } from '../../src/core/ids.ts'
import { openSqliteLedger } from '../../src/ledger/sqlite/sqlite-ledger.ts'
import { CrashStage } from '../crash/crash-stage.ts'
import { SteadyAgents } from '../upgrade/steady-agents.ts'
import { countRecord, type Transcript } from './transcript.ts'

/** A broker on SQLite whose files may not grow any more, and the next one with space. */
export async function diskFull(transcript: Transcript): Promise<void> {
  const stage = await CrashStage.open()
  try {
    const agents = await SteadyAgents.on(stage)
    const first = stage.spawn(undefined, {}, { fileKib: 3_000 })
    await agents.use(first)
    transcript.step('a broker serves four agents; its files may grow to 3,000 KiB')
    const { code } = await first.exited
    agents.leave(first)
    const said = /LEDGER_UNAVAILABLE/.test(first.output) ? 'LEDGER_UNAVAILABLE' : 'nothing'
    transcript.step(`the write that finds no space fails; the broker says ${said} and ends with ${code}`)
    transcript.count('grants through their whole life so far', agents.done.length)
    const second = stage.spawn()
    await agents.use(second)
    transcript.step('there is space again: a broker is started on the same file, and is ready')
    await agents.finish(20)
    transcript.step('20 further grants')
    await agents.stop()
    await second.stop()
    const ledger = await openSqliteLedger({ file: stage.copyOfLedger(), clock: systemClock, ids: randomIds })
    try {
      await countRecord(transcript, ledger, stage, agents)
    } finally {
      await ledger.close()
    }
  } finally {
    await stage.close()
  }
}

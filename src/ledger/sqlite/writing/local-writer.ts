import { currentCall } from '../../../core/correlation.ts'
import { GroupCommit, type GroupCommitOptions } from '../database/group-commit.ts'
import { type SqliteWriter, type WriteParts, writeUnits } from './write-units.ts'

/** Writes in the thread that calls it. */
export function localWriter(parts: WriteParts, options: GroupCommitOptions | undefined): SqliteWriter {
  const { tx } = parts
  const units = writeUnits(parts)
  const commits = new GroupCommit(tx, options)
  const write = <T>(run: () => T, kind?: 'settling') => {
    // A unit runs later, in the turn of whoever began its commit: so the call is looked up now.
    const call = currentCall()
    return commits.write(() => tx.onBehalfOf(call, run), kind)
  }
  return {
    write(name, input, kind) {
      const run = units[name] as (input: unknown) => never
      return write(() => run(input), kind)
    },
    writeAlone(name, prepare) {
      const run = units[name] as (input: unknown) => never
      return write(() => {
        const input = prepare()
        return input === undefined ? undefined : run(input)
      }, 'settling')
    },
    // Nothing else runs while a commit does.
    isLive: () => true,
    close: () => commits.close(),
  }
}

import type { AuditEventInput } from '../../events/audit-event.ts'
import type { NoticeWrites } from '../../notices/notice-records.ts'
import {
  claimNotices,
  holdNotices,
  keepNotices,
  noteOnce,
  pruneNotices,
  resendNotices,
  type SharedStatement,
  type SharedUnit,
  type StepRows,
  settleNotices,
} from '../../notices/notice-units.ts'
import type { Rows, Statement } from '../database/statement.ts'
import type { Unit } from './unit.ts'

/** The writes of notices. @param write queues a unit */
export function noticeWrites(write: <T>(unit: Unit<T>) => Promise<T>): NoticeWrites {
  return {
    keepNotices: (input) => write(sharedUnit(() => keepNotices(input))),
    claimNotices: (input) => write(sharedUnit(() => claimNotices(input))),
    settleNotices: (input) => write(sharedUnit(() => settleNotices(input))),
    holdNotices: (input) => write(sharedUnit(() => holdNotices(input))),
    resendNotices: (input) => write(sharedUnit(() => resendNotices(input))),
    noteOnce: (input) => write(sharedUnit(() => noteOnce(input))),
    pruneNotices: (input) => write(sharedUnit(() => pruneNotices(input))),
  }
}

/** A shared unit as one of this store. It has a batch of its own, since it reads what cannot be named beforehand. */
function sharedUnit<T>(begin: () => SharedUnit<T>): Unit<T> {
  let events: AuditEventInput[] = []
  let hasWritten = false
  let value: T
  return {
    async prepare(_, run) {
      events = []
      hasWritten = false
      const noting = (statements: readonly Statement[]) => {
        hasWritten ||= statements.some(({ text }) => !text.startsWith('SELECT'))
        return run(statements)
      }
      value = await runShared(begin(), noting, (more) => events.push(...more))
    },
    decide(set) {
      set.isTouched ||= hasWritten
      set.append(events)
      return value
    },
  }
}

/** Runs a shared unit by a way of running statements. */
export async function runShared<T>(
  unit: SharedUnit<T>,
  run: (statements: readonly Statement[]) => Promise<Rows[]>,
  append: (events: readonly AuditEventInput[]) => void = () => {},
): Promise<T> {
  let rows: StepRows = []
  for (;;) {
    const step = unit.next(rows)
    if (step.done) return step.value
    rows = []
    if ('append' in step.value) append(step.value.append)
    else rows = step.value.length === 0 ? [] : await run(step.value.map(toStatement))
  }
}

function toStatement({ sql, values, lock }: SharedStatement): Statement {
  const text = `${sql.replace(/\?(\d)/g, '$$$1')}${lock ? ' FOR NO KEY UPDATE' : ''}`
  return { text, values }
}

import type { WriteInput } from '../../ledger.ts'
import type { Quarantine } from '../../records.ts'
import { begunQuarantine, openedQuarantine } from '../../rules/quarantine-rules.ts'
import type { Unit } from './unit.ts'

/** See `LedgerWrites.beginQuarantine`. */
export function beginQuarantine(input: WriteInput<'beginQuarantine'>): Unit<Quarantine> {
  return {
    want(wanted) {
      wanted.quarantine = true
    },
    decide(set) {
      const latest = set.latestQuarantine()
      const { quarantine: begun, events } = begunQuarantine(latest, input)
      if (begun === latest) return begun
      set.quarantines.put(String(begun.number), begun)
      set.append(events)
      return begun
    },
  }
}

/** See `LedgerWrites.openQuarantine`. */
export function openQuarantine(input: WriteInput<'openQuarantine'>): Unit<Quarantine> {
  return {
    want(wanted) {
      wanted.quarantine = true
    },
    decide(set) {
      const opened = openedQuarantine(set.latestQuarantine(), input)
      set.quarantines.put(String(opened.number), opened)
      set.append(input.events)
      return opened
    },
  }
}

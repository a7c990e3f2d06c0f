import type { Hold } from '../../holds/hold-records.ts'
import type { WriteInput } from '../../ledger.ts'
import { liftedHold, notedHold, placedHold } from '../../rules/hold-rules.ts'
import type { Unit } from './unit.ts'

/** See `HoldWrites.putHold`. */
export function putHold(
  input: WriteInput<'putHold'>,
): Unit<{ readonly kind: 'created' | 'existing'; readonly hold: Hold }> {
  return {
    want(wanted) {
      wanted.holdsInForce = true
      wanted.holds.add(input.hold.id)
    },
    decide(set) {
      const inForce = set.holdsInForce()
      const hold = placedHold(inForce, input.hold)
      if (inForce.includes(hold)) return { kind: 'existing', hold }
      set.changeHold(hold)
      set.append(input.events)
      return { kind: 'created', hold }
    },
  }
}

/** See `HoldWrites.liftHold`. */
export function liftHold(input: WriteInput<'liftHold'>): Unit<Hold> {
  return {
    want: (wanted) => wanted.holds.add(input.id),
    decide(set) {
      const hold = liftedHold(set.holds.get(input.id), input)
      set.changeHold(hold)
      set.append(input.events)
      return hold
    },
  }
}

/** See `HoldWrites.noteHold`. */
export function noteHold(input: WriteInput<'noteHold'>): Unit<Hold> {
  return {
    want: (wanted) => wanted.holds.add(input.id),
    decide(set) {
      const hold = notedHold(set.holds.get(input.id), input)
      set.holds.put(hold.id, hold)
      set.append(input.events)
      return hold
    },
  }
}

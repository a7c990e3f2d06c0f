import { asStintError, StintError } from '../../core/errors.ts'
import { databaseError, isConstraint, Unwritable } from './database/pg-errors.ts'

/** The database refused the rows of a unit; the store itself is well. */
export class RefusedByDatabase extends StintError {}

/** The error of ours for a unit whose rows the database refused. */
export function refused(error: unknown): StintError {
  if (error instanceof Unwritable) {
    const { code, details } = asStintError(error.cause)
    return new RefusedByDatabase(code, details, error.cause)
  }
  if (!isConstraint(error)) {
    const explanation = 'The database refused a value of the record.'
    return new RefusedByDatabase('INTERNAL', { explanation }, databaseError(error, '').cause)
  }
  const explanation = 'The row already exists, or refers to a row that does not: read it again and repeat the decision.'
  return new RefusedByDatabase('LEDGER_CONFLICT', { explanation }, databaseError(error, '').cause)
}

/** Final: this process writes nothing more until it is started again. */
export function takenOver(where: string): StintError {
  const explanation = `Another broker has taken over the ledger at ${where} from this one, which was silent for too long. Nothing more is recorded until this broker is started again.`
  return new StintError('LEDGER_UNAVAILABLE', { explanation, poisoned: true })
}

/** As final: the database does not have what this process left there. */
export function changedByOthers(where: string): StintError {
  const explanation = `The chain of this broker in the database at ${where} is not where this broker left it: somebody else wrote it, or the database was set back. Nothing more is recorded until the broker is started again.`
  return new StintError('LEDGER_UNAVAILABLE', { explanation, poisoned: true })
}

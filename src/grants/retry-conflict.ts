import { hasCode } from '../core/errors.ts'

const ATTEMPTS = 4

/**
 * Runs `attempt`, which reads a row and writes it by its version, again when somebody else was faster.
 *
 * @throws {StintError} LEDGER_CONFLICT when the row keeps moving.
 */
export async function retryOnConflict<T>(attempt: () => Promise<T>): Promise<T> {
  for (let left = ATTEMPTS; ; left -= 1) {
    try {
      return await attempt()
    } catch (error) {
      if (left <= 1 || !hasCode(error, 'LEDGER_CONFLICT')) throw error
    }
  }
}

import type { Hold } from '../../holds/hold-records.ts'
import type { HoldRow } from '../../holds/hold-row.ts'
import type { Statement } from '../database/statement.ts'
import { type HoldInForceRow, SELECT_HOLDS_IN_FORCE } from '../rows/hold-rows.ts'

/** The holds in force, and the generation of which they are. */
export interface HoldsInForce {
  readonly generation: number
  readonly holds: readonly Hold[]
}

/** No generation is as low: all holds are read. */
const UNKNOWN: HoldsInForce = { generation: 0, holds: [] }

/** Remembers the holds in force, so that they are read again only when one was set or lifted. Every read asks the database. */
export class HoldCache {
  #known = UNKNOWN

  /** Reads the holds in force if they are not those of the generation that is known. */
  statement(): Statement {
    return { name: 'holds-in-force', text: SELECT_HOLDS_IN_FORCE, values: [this.#known.generation] }
  }

  /**
   * Takes in the answer to a statement of this cache. Newer holds than those of the answer may come back, never older ones.
   *
   * @param toHold throws for a damaged row: then nothing is remembered, and the next read throws too.
   */
  take(rows: readonly HoldInForceRow[], toHold: (row: HoldRow) => Hold): HoldsInForce {
    const generation = rows[0]?.generation
    if (generation === undefined) throw new Error('the generation of holds is not there')
    if (generation <= this.#known.generation) return this.#known
    const holds = rows.flatMap((row) => (row.id === null ? [] : [toHold(row as HoldRow)]))
    const read = { generation, holds }
    this.#known = read
    return read
  }
}

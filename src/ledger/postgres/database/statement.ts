/** One value of one row. */
export type Cell = string | number | boolean | null
/** A parameter of a statement; a list is one column of many rows. */
export type Value = Cell | readonly Cell[]

/** One statement. With a name it is prepared once by each connection; the same name always has the same text. */
export interface Statement {
  readonly name?: string
  readonly text: string
  readonly values?: readonly Value[]
  /** Its answer is waited for without an end; its transaction has to lift the server's limit too. */
  readonly isPatient?: true
}

/** Rows by the names of their columns. */
export type Rows = readonly Readonly<Record<string, unknown>>[]

/** The outcome of a statement. */
export interface Answer {
  /** The first word of the server's tag, e.g. `UPDATE`; a COMMIT of a transaction that had failed says `ROLLBACK`. */
  readonly command: string
  readonly count: number
  readonly rows: Rows
}

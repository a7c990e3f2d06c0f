/** One step of the schema. Its text never changes once it has been released: a checksum is kept of it. */
export interface Migration {
  readonly version: number
  readonly name: string
  readonly sql: string
  /** The oldest schema version whose code can still work on the result: lets a release be rolled back. */
  readonly readableBy: number
}

import type { Cell, Statement } from '../database/statement.ts'

/** A column of a table, and where its cell comes from. */
export interface Column<T> {
  readonly name: string
  readonly type: 'text' | 'bigint' | 'integer' | 'boolean' | 'bytea'
  readonly of: (record: T) => Cell
  /** Never changes once the row is there. */
  readonly fixed?: true
}

/** Writes of many rows in one statement each: a parameter is a column of them all. */
export interface TableWriter<T> {
  insert(records: readonly T[]): Statement[]
  update(records: readonly T[]): Statement[]
  /** Changes the row that is there already. */
  upsert(records: readonly T[]): Statement[]
}

/**
 * The writes of one table; none for an empty list of records.
 *
 * @param key the primary key, among the columns
 * @param suffix.onConflict added to the insert, e.g. `ON CONFLICT (hash) DO NOTHING`
 */
export function tableWriter<T>(
  table: string,
  key: string,
  columns: readonly Column<T>[],
  suffix: { readonly onConflict?: string } = {},
): TableWriter<T> {
  const names = columns.map(({ name }) => name).join(', ')
  const rowsOf = (chosen: readonly Column<T>[]) =>
    `unnest(${chosen.map(({ type }, index) => `$${index + 1}::${type}[]`).join(', ')})`
  const changing = columns.filter(({ fixed }) => !fixed)
  const updating = columns.filter(({ name, fixed }) => name === key || !fixed)
  const insertText = `INSERT INTO ${table} (${names}) SELECT * FROM ${rowsOf(columns)}`
  const sets = changing.filter(({ name }) => name !== key)
  const texts = {
    insert: `${insertText}${suffix.onConflict === undefined ? '' : ` ${suffix.onConflict}`}`,
    update: `UPDATE ${table} t SET ${sets.map(({ name }) => `${name} = v.${name}`).join(', ')}
      FROM ${rowsOf(updating)} AS v(${updating.map(({ name }) => name).join(', ')}) WHERE t.${key} = v.${key}`,
    upsert: `${insertText} ON CONFLICT (${key}) DO UPDATE SET ${sets.map(({ name }) => `${name} = excluded.${name}`).join(', ')}`,
  }
  const write = (kind: keyof typeof texts, chosen: readonly Column<T>[], records: readonly T[]): Statement[] =>
    records.length === 0
      ? []
      : [
          {
            name: `${kind}-${table}`,
            text: texts[kind],
            values: chosen.map(({ of }) => records.map(of)),
          },
        ]
  return {
    insert: (records) => write('insert', columns, records),
    update: (records) => write('update', updating, records),
    upsert: (records) => write('upsert', columns, records),
  }
}

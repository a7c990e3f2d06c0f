import type { SqliteDatabase } from './sqlite-database.ts'

/** Texts kept in memory; over it the memory starts anew. */
const MAX_REMEMBERED = 20_000

/**
 * Texts that repeat in many rows (subjects, owners, roles, event types), stored once in the table `names` and named by
 * their row number there. They are never changed or removed, so what was committed stays true.
 */
export class InternedTexts {
  readonly #db: SqliteDatabase
  readonly #ids = new Map<string, number>()
  readonly #texts = new Map<number, string>()
  #fresh: string[] = []

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** The id of a text, which is stored if need be; only inside a unit. */
  intern(text: string): number {
    const known = this.findId(text)
    if (known !== undefined) return known
    const id = this.#db.insert('INSERT INTO names (text) VALUES (?)', text)
    this.#fresh.push(text)
    return this.#remember(text, id)
  }

  /** The id of a text that is stored. */
  findId(text: string): number | undefined {
    const known = this.#ids.get(text)
    if (known !== undefined) return known
    const row = this.#db.get<{ id: number }>('SELECT n AS id FROM names WHERE text = ?', text)
    return row && this.#remember(text, row.id)
  }

  getText(id: number): string {
    const known = this.#texts.get(id)
    if (known !== undefined) return known
    const row = this.#db.get<{ text: string }>('SELECT text FROM names WHERE n = ?', id)
    if (!row) throw new Error(`text ${id} is not there`)
    this.#remember(row.text, id)
    return row.text
  }

  /** The texts of this unit stay. */
  keep(): void {
    this.#fresh = []
  }

  /** How many texts this unit has stored so far. */
  get freshCount(): number {
    return this.#fresh.length
  }

  /** The texts of this unit were undone, all or those after the first `kept`. */
  undo(kept = 0): void {
    for (const text of this.#fresh.splice(kept)) {
      const id = this.#ids.get(text)
      this.#ids.delete(text)
      if (id !== undefined) this.#texts.delete(id)
    }
  }

  forget(): void {
    this.#ids.clear()
    this.#texts.clear()
    this.#fresh = []
  }

  #remember(text: string, id: number): number {
    if (this.#ids.size >= MAX_REMEMBERED) {
      this.#ids.clear()
      this.#texts.clear()
    }
    this.#ids.set(text, id)
    this.#texts.set(id, text)
    return id
  }
}

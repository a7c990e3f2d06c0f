import type { SqliteDatabase } from './sqlite-database.ts'

/** Texts kept in memory; over it the memory starts anew. */
const MAX_REMEMBERED = 20_000

/** Texts that repeat in many rows, by number. Names are never changed or removed, so what was committed stays true. */
export class Names {
  readonly #db: SqliteDatabase
  readonly #numbers = new Map<string, number>()
  readonly #texts = new Map<number, string>()
  #fresh: string[] = []

  constructor(db: SqliteDatabase) {
    this.#db = db
  }

  /** The number of a text, made if need be; only inside a unit. */
  number(text: string): number {
    const known = this.find(text)
    if (known !== undefined) return known
    const n = this.#db.insert('INSERT INTO names (text) VALUES (?)', text)
    this.#fresh.push(text)
    return this.#remember(text, n)
  }

  /** The number of a text, if it has one. */
  find(text: string): number | undefined {
    const known = this.#numbers.get(text)
    if (known !== undefined) return known
    const row = this.#db.get<{ n: number }>('SELECT n FROM names WHERE text = ?', text)
    return row && this.#remember(text, row.n)
  }

  text(n: number): string {
    const known = this.#texts.get(n)
    if (known !== undefined) return known
    const row = this.#db.get<{ text: string }>('SELECT text FROM names WHERE n = ?', n)
    if (!row) throw new Error(`name ${n} is not there`)
    this.#remember(row.text, n)
    return row.text
  }

  /** The names of this unit stay. */
  keep(): void {
    this.#fresh = []
  }

  /** The names of this unit were undone. */
  undo(): void {
    for (const text of this.#fresh) {
      const n = this.#numbers.get(text)
      this.#numbers.delete(text)
      if (n !== undefined) this.#texts.delete(n)
    }
    this.#fresh = []
  }

  forget(): void {
    this.#numbers.clear()
    this.#texts.clear()
    this.#fresh = []
  }

  #remember(text: string, n: number): number {
    if (this.#numbers.size >= MAX_REMEMBERED) {
      this.#numbers.clear()
      this.#texts.clear()
    }
    this.#numbers.set(text, n)
    this.#texts.set(n, text)
    return n
  }
}

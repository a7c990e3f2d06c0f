import type { Correlation } from '../../core/correlation.ts'
import type { Ids } from '../../core/ids.ts'
import { MAX_NAMED_HEADS } from '../audit/chain-heads.ts'
import { type ChainHead, emptyHead, sealEvent } from '../audit/sealed-event.ts'
import { type AuditEventInput, auditEvent } from '../events/audit-event.ts'
import { toHex } from '../row-values.ts'
import type { InternedTexts } from './database/interned-texts.ts'
import type { SqliteDatabase } from './database/sqlite-database.ts'

interface ChainRow {
  id: string
  seq: number
  hash: Uint8Array
}

/** Where the chain is; remembered before a unit, so that the unit can be undone. */
export interface ChainPlace {
  readonly head: ChainHead
  /** Undefined until the chain has its first event. */
  readonly rowId: number | undefined
}

/**
 * The chain of this process. It begins with the first event that is written, so that a process that records nothing leaves
 * nothing behind.
 */
export class ChainWriter {
  readonly #db: SqliteDatabase
  readonly #texts: InternedTexts
  readonly #ids: Ids
  #place: ChainPlace
  #written: ChainPlace

  /** @param deps.id names the process: random, new with every start. */
  constructor(deps: { db: SqliteDatabase; texts: InternedTexts; ids: Ids; id: string }) {
    this.#db = deps.db
    this.#texts = deps.texts
    this.#ids = deps.ids
    this.#place = { head: emptyHead(deps.id), rowId: undefined }
    this.#written = this.#place
  }

  get place(): ChainPlace {
    return this.#place
  }

  get #isEmpty(): boolean {
    return this.#place.head.seq === 0
  }

  /** Adds an event; the call, if one caused it, is sealed with it. */
  append(event: AuditEventInput, call: Correlation | undefined): void {
    if (this.#isEmpty) this.#open(event.at, this.#unnamed())
    this.#insert(event, call)
  }

  /** Names the ends of other chains that nobody has named; only with such is anything written. */
  nameHeads(at: Date): void {
    const heads = this.#unnamed()
    if (this.#isEmpty && heads.length > 0) this.#open(at, heads)
    else this.#nameRest(at, heads)
  }

  /** The last event of the chain, if it has any. */
  close(at: Date): void {
    if (this.#isEmpty) return
    this.nameHeads(at)
    this.#insert(auditEvent('chain.closed', { at, actor: 'stint', data: {} }), undefined)
  }

  /** Writes where the chain is; the last statement before a commit. */
  writePlace(): void {
    const { head, rowId } = this.#place
    if (rowId === undefined || head.seq === this.#written.head.seq) return
    this.#db.run('UPDATE chains SET seq = ?, hash = ? WHERE n = ?', head.seq, Buffer.from(head.hash, 'hex'), rowId)
  }

  committed(): void {
    this.#written = this.#place
  }

  rolledBack(): void {
    this.#place = this.#written
  }

  undoTo(place: ChainPlace): void {
    this.#place = place
  }

  #open(at: Date, heads: readonly ChainHead[]): void {
    const { head } = this.#place
    const rowId = this.#db.insert('INSERT INTO chains (id, seq, hash) VALUES (?, 0, zeroblob(32))', head.chain)
    this.#place = { head, rowId }
    const named = heads.slice(0, MAX_NAMED_HEADS)
    this.#insert(auditEvent('chain.opened', { at, actor: 'stint', data: { heads: named } }), undefined)
    this.#noteNamed(named)
    this.#nameRest(at, heads.slice(MAX_NAMED_HEADS))
  }

  #nameRest(at: Date, heads: readonly ChainHead[]): void {
    for (let from = 0; from < heads.length; from += MAX_NAMED_HEADS) {
      const named = heads.slice(from, from + MAX_NAMED_HEADS)
      this.#insert(auditEvent('chain.heads', { at, actor: 'stint', data: { heads: named } }), undefined)
      this.#noteNamed(named)
    }
  }

  #noteNamed(heads: readonly ChainHead[]): void {
    for (const { chain, seq } of heads) this.#db.run('UPDATE chains SET named_seq = ? WHERE id = ?', seq, chain)
  }

  #unnamed(): ChainHead[] {
    return unnamedHeads(this.#db).filter(({ chain }) => chain !== this.#place.head.chain)
  }

  #insert(input: AuditEventInput, call: Correlation | undefined): void {
    const event = { ...input, ...call }
    const id = this.#ids.next('evt', event.at)
    const { head, data } = sealEvent(this.#place.head, event, id)
    this.#db.run(
      'INSERT INTO events (id, chain_n, seq, type_n, actor_n, at, grant_id, lease_id, request_id, trace_id, data, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
      id,
      this.#place.rowId ?? null,
      head.seq,
      this.#texts.intern(event.type),
      this.#texts.intern(event.actor),
      event.at.getTime(),
      event.grantId ?? null,
      event.leaseId ?? null,
      event.requestId ?? null,
      event.traceId ?? null,
      data ?? null,
      Buffer.from(head.hash, 'hex'),
    )
    this.#place = { head, rowId: this.#place.rowId }
  }
}

/** The chains whose end no other chain names, in the order in which they began. */
export function unnamedHeads(db: SqliteDatabase): ChainHead[] {
  return db
    .all<ChainRow>('SELECT id, seq, hash FROM chains WHERE seq > named_seq ORDER BY n')
    .map(({ id, seq, hash }) => ({ chain: id, seq, hash: toHex(hash) }))
}

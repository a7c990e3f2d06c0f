import type { Correlation } from '../../../core/correlation.ts'
import type { Ids } from '../../../core/ids.ts'
import { MAX_NAMED_HEADS } from '../../audit/chain-heads.ts'
import { type ChainHead, sealEvent } from '../../audit/sealed-event.ts'
import { type AuditEventInput, auditEvent } from '../../events/audit-event.ts'
import type { EventContent } from '../../records.ts'
import { toMs } from '../../row-values.ts'
import type { Statement } from '../database/statement.ts'
import { toBytes } from '../rows/bytes.ts'
import type { Journal } from './journal.ts'

interface SealedRow {
  readonly event: EventContent
  readonly id: string
  readonly data: string | null
  readonly head: ChainHead
}

/**
 * Extends the chain of this process by the events of a batch. The chain begins with the first event that is written, so that a
 * process that records nothing leaves nothing behind.
 */
export class ChainPlace {
  readonly #journal: Journal
  readonly #ids: Ids
  readonly #start: ChainHead
  #head: ChainHead
  readonly #sealed: SealedRow[] = []
  #unnamed: readonly ChainHead[] = []
  #named: readonly ChainHead[] = []

  /** @param head the last event on record */
  constructor(journal: Journal, ids: Ids, head: ChainHead) {
    this.#journal = journal
    this.#ids = ids
    this.#start = head
    this.#head = head
  }

  get head(): ChainHead {
    return this.#head
  }

  get isEmpty(): boolean {
    return this.#head.seq === 0
  }

  /** @param heads of all chains whose end nobody names yet */
  loadUnnamed(heads: readonly ChainHead[]): void {
    this.#unnamed = heads.filter(({ chain }) => chain !== this.#head.chain)
  }

  /** Adds an event; the call, if one caused it, is sealed with it. */
  append(event: AuditEventInput, call: Correlation | undefined): void {
    if (this.isEmpty) this.#open(event.at)
    this.#seal(event, call)
  }

  /** Names the ends of other chains that nobody has named; only with such is anything written. */
  nameHeads(at: Date): void {
    if (this.#unnamed.length === 0) return
    if (this.isEmpty) this.#open(at)
    else this.#nameAll(at)
  }

  /** Writes the last event of the chain; nothing for an empty chain. */
  close(at: Date): void {
    if (this.isEmpty) return
    this.nameHeads(at)
    this.#seal(auditEvent('chain.closed', { at, actor: 'stint', data: {} }), undefined)
  }

  writes(): Statement[] {
    if (this.#sealed.length === 0) return []
    return [...this.#lockNamed(), this.#placeWrite(), ...this.#namedWrite(), this.#eventsWrite()]
  }

  #open(at: Date): void {
    const first = this.#unnamed.slice(0, MAX_NAMED_HEADS)
    this.#seal(auditEvent('chain.opened', { at, actor: 'stint', data: { heads: first } }), undefined)
    this.#note(first)
    this.#nameAll(at)
  }

  #nameAll(at: Date): void {
    while (this.#unnamed.length > 0) {
      const next = this.#unnamed.slice(0, MAX_NAMED_HEADS)
      this.#seal(auditEvent('chain.heads', { at, actor: 'stint', data: { heads: next } }), undefined)
      this.#note(next)
    }
  }

  #note(heads: readonly ChainHead[]): void {
    this.#remember()
    this.#unnamed = this.#unnamed.slice(heads.length)
    this.#named = [...this.#named, ...heads]
  }

  #seal(input: AuditEventInput, call: Correlation | undefined): void {
    const event: EventContent = { ...input, ...call }
    toMs(event.at)
    const id = this.#ids.next('evt', event.at)
    const { head, data } = sealEvent(this.#head, event, id)
    this.#remember()
    this.#head = head
    this.#sealed.push({ event, id, data: data ?? null, head })
  }

  #remember(): void {
    const [head, sealed, unnamed, named] = [this.#head, this.#sealed.length, this.#unnamed, this.#named]
    this.#journal.note(() => {
      this.#head = head
      this.#sealed.length = sealed
      this.#unnamed = unnamed
      this.#named = named
    })
  }

  #placeWrite(): Statement {
    const { chain, seq, hash } = this.#head
    const values = [chain, seq, toBytes(hash)]
    return this.#start.seq === 0
      ? { name: 'insert-chain', text: 'INSERT INTO chains (id, seq, hash) VALUES ($1, $2, $3::bytea)', values }
      : { name: 'update-chain', text: 'UPDATE chains SET seq = $2, hash = $3::bytea WHERE id = $1', values }
  }

  /** The rows of chains that are named, and of this one, in one order: their writers name each other at the same time. */
  #lockNamed(): Statement[] {
    if (this.#named.length === 0) return []
    const text = 'SELECT 1 FROM chains WHERE id = ANY($1::text[]) ORDER BY n FOR NO KEY UPDATE'
    return [{ name: 'lock-chains', text, values: [[this.#head.chain, ...this.#named.map(({ chain }) => chain)]] }]
  }

  #namedWrite(): Statement[] {
    if (this.#named.length === 0) return []
    const text = `UPDATE chains c SET named_seq = greatest(named_seq, v.seq)
      FROM unnest($1::text[], $2::bigint[]) AS v(id, seq) WHERE c.id = v.id`
    return [
      { name: 'name-heads', text, values: [this.#named.map(({ chain }) => chain), this.#named.map(({ seq }) => seq)] },
    ]
  }

  /**
   * The row of the last position is locked until the commit, so positions are committed in their order, whichever replica writes:
   * a reader that goes on after a position misses nothing.
   */
  #eventsWrite(): Statement {
    const sealed = this.#sealed
    const text = `WITH place AS (UPDATE event_positions SET last = last + $2 RETURNING last - $2 AS before)
      INSERT INTO events (chain_n, position, seq, id, type, actor, at, grant_id, lease_id, request_id, trace_id, data, hash)
      SELECT (SELECT n FROM chains WHERE id = $1), place.before + v.nth, v.seq, v.id, v.type, v.actor, v.at, v.grant_id,
        v.lease_id, v.request_id, v.trace_id, v.data, v.hash
      FROM place, unnest($3::bigint[], $4::text[], $5::text[], $6::text[], $7::bigint[], $8::text[], $9::text[], $10::text[],
        $11::text[], $12::text[], $13::bytea[]) WITH ORDINALITY
        AS v(seq, id, type, actor, at, grant_id, lease_id, request_id, trace_id, data, hash, nth)`
    return {
      name: 'insert-events',
      text,
      values: [
        this.#head.chain,
        sealed.length,
        sealed.map(({ head }) => head.seq),
        sealed.map(({ id }) => id),
        sealed.map(({ event }) => event.type),
        sealed.map(({ event }) => event.actor),
        sealed.map(({ event }) => event.at.getTime()),
        sealed.map(({ event }) => event.grantId ?? null),
        sealed.map(({ event }) => event.leaseId ?? null),
        sealed.map(({ event }) => event.requestId ?? null),
        sealed.map(({ event }) => event.traceId ?? null),
        sealed.map(({ data }) => data),
        sealed.map(({ head }) => toBytes(head.hash)),
      ],
    }
  }
}

import { isEvent } from '../events/audit-event.ts'
import type { AuditEvent } from '../records.ts'
import { isChainHead, MAX_NAMED_HEADS } from './chain-heads.ts'
import { type ChainHead, emptyHead, hashedText, sealText } from './sealed-event.ts'

/** The faults of a record, at its first bad place. */
export const AUDIT_PROBLEMS = ['edited', 'missing', 'reordered', 'truncated', 'forked', 'unreadable'] as const

/** The first bad place of a record. */
export interface AuditProblem {
  /** Empty for events that were recorded before chains had names. */
  readonly chain: string
  readonly seq: number
  readonly kind: (typeof AUDIT_PROBLEMS)[number]
  readonly explanation: string
}

/**
 * `whole`: every event is as it was written, and none is missing. `unwitnessed`: the same as far as the record goes, but some
 * chain could have been cut short unnoticed at its end. `broken`: see the problem.
 */
export const AUDIT_VERDICTS = ['whole', 'unwitnessed', 'broken'] as const

/** The findings of a walk along all chains of a record; the same for a ledger file, an export and a running broker. */
export interface AuditVerdict {
  readonly verdict: (typeof AUDIT_VERDICTS)[number]
  /** Events that were found as they were written. */
  readonly events: number
  readonly chains: number
  /** Last events of the chains whose end no other chain names. Whoever saves these elsewhere can prove the record later. */
  readonly heads: readonly ChainHead[]
  /**
   * Ends of chains that nothing vouches for: no other chain names them, and no head was saved elsewhere. A closing event vouches
   * for nothing: whoever cuts a chain short can write another one, or remove the whole chain.
   */
  readonly unwitnessed: readonly { readonly chain: string; readonly afterSeq: number; readonly events: number }[]
  /** Set if the verdict is `broken`. */
  readonly problem?: AuditProblem
}

/** One event as it is verified: `text` is the canonical JSON that its hash is over. */
export interface ChainLink {
  readonly seq: number
  readonly prevHash: string
  readonly hash: string
  readonly text: string
  readonly type?: string
  readonly data?: unknown
  /** Set when the stored form cannot be an event at all. */
  readonly unreadable?: string
}

/** An event of a record before it is looked at. */
export interface UnverifiedEvent {
  /** Undefined when the stored form does not even tell its chain. */
  readonly chain: string | undefined
  /** @param prevHash hash of the event before in its chain, for forms that do not store it. */
  read(prevHash: string): ChainLink
}

/** Knowledge of a record before the walk. */
export interface KnownHeads {
  /** Where the walk begins, for chains that began before it. */
  readonly start?: readonly ChainHead[]
  /** Heads that the record claims of itself: it must hold each of them. */
  readonly claimed?: readonly ChainHead[]
  /** Heads saved elsewhere: the record must hold each of them, and they vouch for what comes before them. */
  readonly saved?: readonly ChainHead[]
}

/**
 * Walks all chains of a record, in any order that keeps each chain's own, and finds the first place that is not as it was
 * written.
 */
export async function walkChains(
  record: AsyncIterable<UnverifiedEvent> | Iterable<UnverifiedEvent>,
  { start = [], claimed = [], saved = [] }: KnownHeads = {},
): Promise<AuditVerdict> {
  const walk = new Walk(start)
  const contradiction = findFirst([
    ...claimed.map((head) => () => walk.expect(head, 'claimed')),
    ...saved.map((head) => () => walk.expect(head, 'saved')),
  ])
  if (contradiction) return walk.broken(contradiction)
  for await (const event of record) {
    const problem = walk.step(event)
    if (problem) return walk.broken(problem)
  }
  return walk.end()
}

/** An event in the form that the ledger reads it in, to be walked. */
export function unverifiedEvent(event: AuditEvent): UnverifiedEvent {
  return { chain: event.chain ?? '', read: () => toLink(event) }
}

function toLink(event: AuditEvent): ChainLink {
  const { seq, prevHash, hash, type, data } = event
  try {
    return { seq, prevHash, hash, text: hashedText(event), type, data }
  } catch {
    return { seq, prevHash, hash, text: '', unreadable: `Event ${seq} cannot be read as an event.` }
  }
}

/** The source of a claim that a chain has an event: a claim of the same record vouches for nothing. */
type Source = 'claimed' | 'saved' | 'named'

interface ChainState {
  readonly start: ChainHead
  head: ChainHead
  isClosed: boolean
  /** Up to where another chain, or a saved head, vouches for it. */
  namedSeq: number
  savedSeq: number
  /** Hashes of events to come, by number. */
  readonly awaited: Map<number, string>
}

/** A chain's head is named within moments; only somebody who moves events could make one come later than this many. */
const MAX_RECENT = 100_000
const MAX_AWAITED = 100_000

class Walk {
  readonly #chains = new Map<string, ChainState>()
  /** Hashes of the events passed last, by chain and number. */
  readonly #recent = new Map<string, string>()
  /** The keys of those, in a ring. */
  readonly #recentKeys: string[] = []
  #awaited = 0
  #events = 0
  #lastChain = ''
  /** A gap in a chain; should its missing event turn up later, the order was changed. */
  #gap: { readonly state: ChainState; readonly problem: AuditProblem } | undefined

  constructor(start: readonly ChainHead[]) {
    for (const head of start) this.#chains.set(head.chain, stateAt(head))
  }

  /** The record must have this event: it is compared now if it was passed, or when it comes. */
  expect(head: ChainHead, source: Source): AuditProblem | undefined {
    const state = this.#chainState(head.chain)
    if (source === 'named') state.namedSeq = Math.max(state.namedSeq, head.seq)
    if (source === 'saved') state.savedSeq = Math.max(state.savedSeq, head.seq)
    // Before the walk's own beginning there is nothing to compare with.
    if (head.seq < state.start.seq) return undefined
    if (head.seq > state.head.seq) return this.#await(state, head)
    const hash = this.#hashAt(state, head.seq)
    if (hash === undefined) {
      const explanation = `${place(head)} is named much later than it was written: the order was changed.`
      return { ...spot(head), kind: 'reordered', explanation }
    }
    return hash === head.hash ? undefined : forked(head)
  }

  step({ chain = this.#lastChain, read }: UnverifiedEvent): AuditProblem | undefined {
    this.#lastChain = chain
    const state = this.#chainState(chain)
    const link = read(state.head.hash)
    if (this.#gap) {
      const isFound = this.#gap.state === state && link.unreadable === undefined && link.seq === state.head.seq + 1
      return isFound ? reordered(chain, link.seq) : undefined
    }
    const problem = judge(state, link)
    if (problem?.kind === 'missing') {
      this.#gap = { state, problem }
      return undefined
    }
    return problem ?? this.#pass(state, link)
  }

  end(): AuditVerdict {
    if (this.#gap) return this.broken(this.#gap.problem)
    for (const { head, awaited } of this.#chains.values()) {
      if (awaited.size > 0) return this.broken(truncated(head, Math.max(...awaited.keys())))
    }
    const unwitnessed = this.#walked().flatMap(({ head, start, namedSeq, savedSeq }) => {
      const afterSeq = Math.max(namedSeq, savedSeq, start.seq)
      return head.seq <= afterSeq ? [] : [{ chain: head.chain, afterSeq, events: head.seq - afterSeq }]
    })
    return { verdict: unwitnessed.length > 0 ? 'unwitnessed' : 'whole', ...this.#found(), unwitnessed }
  }

  broken(problem: AuditProblem): AuditVerdict {
    return { verdict: 'broken', ...this.#found(), unwitnessed: [], problem }
  }

  #found() {
    const walked = this.#walked()
    const heads = walked.filter(({ head, namedSeq }) => head.seq > namedSeq).map(({ head }) => head)
    return { events: this.#events, chains: walked.length, heads }
  }

  /** Chains that have events in this walk. */
  #walked(): ChainState[] {
    return [...this.#chains.values()].filter(({ head, start }) => head.seq > start.seq)
  }

  #pass(state: ChainState, link: ChainLink): AuditProblem | undefined {
    const head = { chain: state.head.chain, seq: link.seq, hash: link.hash }
    state.head = head
    state.isClosed = isEvent('chain.closed', link)
    this.#events += 1
    this.#remember(head)
    const awaited = state.awaited.get(head.seq)
    if (awaited !== undefined) {
      if (awaited !== head.hash) return forked(head)
      state.awaited.delete(head.seq)
      this.#awaited -= 1
    }
    return this.#expectNamed(head, link)
  }

  #expectNamed(naming: ChainHead, link: ChainLink): AuditProblem | undefined {
    if (!isEvent('chain.opened', link) && !isEvent('chain.heads', link)) return undefined
    const heads: unknown = (link.data as { readonly heads?: unknown } | undefined)?.heads
    const isList = Array.isArray(heads) && heads.length <= MAX_NAMED_HEADS && heads.every(isChainHead)
    if (!isList || heads.some(({ chain }) => chain === naming.chain)) {
      return { ...spot(naming), kind: 'unreadable', explanation: `${place(naming)} names invalid heads.` }
    }
    return findFirst(heads.map((head) => () => this.expect(head, 'named')))
  }

  #await(state: ChainState, head: ChainHead): AuditProblem | undefined {
    const known = state.awaited.get(head.seq)
    if (known !== undefined) return known === head.hash ? undefined : forked(head)
    if (this.#awaited >= MAX_AWAITED) {
      return {
        ...spot(head),
        kind: 'unreadable',
        explanation: 'The record names too many events that it does not contain.',
      }
    }
    state.awaited.set(head.seq, head.hash)
    this.#awaited += 1
    return undefined
  }

  #hashAt({ head, start }: ChainState, seq: number): string | undefined {
    if (seq === head.seq) return head.hash
    return seq === start.seq ? start.hash : this.#recent.get(eventKey(head.chain, seq))
  }

  #remember({ chain, seq, hash }: ChainHead): void {
    const key = eventKey(chain, seq)
    const place = this.#events % MAX_RECENT
    // The oldest key of the map itself would be looked for past all that were deleted before it.
    const oldest = this.#recentKeys[place]
    if (oldest !== undefined) this.#recent.delete(oldest)
    this.#recentKeys[place] = key
    this.#recent.set(key, hash)
  }

  #chainState(chain: string): ChainState {
    const known = this.#chains.get(chain)
    if (known) return known
    const state = stateAt(emptyHead(chain))
    this.#chains.set(chain, state)
    return state
  }
}

function stateAt(start: ChainHead): ChainState {
  return { start, head: start, isClosed: false, namedSeq: 0, savedSeq: 0, awaited: new Map() }
}

function judge({ head, isClosed }: ChainState, link: ChainLink): AuditProblem | undefined {
  const next = { chain: head.chain, seq: head.seq + 1 }
  const bad = (kind: AuditProblem['kind'], explanation: string): AuditProblem => ({ ...next, kind, explanation })
  if (link.unreadable !== undefined) return bad('unreadable', link.unreadable)
  if (link.seq > next.seq) return bad('missing', `${place(next)} is not there; event ${link.seq} comes in its place.`)
  if (link.seq < next.seq) return reordered(head.chain, link.seq)
  if (sealText(link.text) !== link.hash) return bad('edited', `${place(next)} does not match its hash.`)
  if (link.prevHash !== head.hash) {
    return bad('edited', `${place(next)} does not follow from the event before: one of the two was changed.`)
  }
  if (isClosed) return bad('edited', `${place(next)} comes after the event that closed its chain.`)
  if (head.chain !== '' && isEvent('chain.opened', link) !== (next.seq === 1)) {
    return bad('edited', `Chain ${head.chain} has its opening event in the wrong place, or not at all.`)
  }
  return undefined
}

function findFirst(checks: readonly (() => AuditProblem | undefined)[]): AuditProblem | undefined {
  for (const check of checks) {
    const problem = check()
    if (problem) return problem
  }
  return undefined
}

function reordered(chain: string, seq: number): AuditProblem {
  const explanation = `${place({ chain, seq })} is out of order or appears twice.`
  return { chain, seq, kind: 'reordered', explanation }
}

function truncated({ chain, seq }: ChainHead, last: number): AuditProblem {
  const what = chain === '' ? 'The record' : `Chain ${chain}`
  const end = seq === 0 ? 'is missing' : `ends with event ${seq}`
  return { chain, seq: seq + 1, kind: 'truncated', explanation: `${what} ${end}, but is known to have event ${last}.` }
}

function forked(head: ChainHead): AuditProblem {
  const explanation = `${place(head)} has a different hash from the one that was saved or named: this is a different record.`
  return { ...spot(head), kind: 'forked', explanation }
}

function spot({ chain, seq }: ChainHead): { readonly chain: string; readonly seq: number } {
  return { chain, seq }
}

function place({ chain, seq }: { readonly chain: string; readonly seq: number }): string {
  return chain === '' ? `Event ${seq}` : `Event ${seq} of chain ${chain}`
}

function eventKey(chain: string, seq: number): string {
  return `${chain} ${seq}`
}

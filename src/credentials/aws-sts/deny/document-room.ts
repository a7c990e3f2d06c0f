import type { Clock } from '../../../core/clock.ts'
import type { DenyMark } from '../../../ledger/records.ts'
import type { DenyListContent } from '../../provider.ts'
import {
  attachedDocument,
  boundaryDocument,
  type DenyKey,
  type DocumentForm,
  INLINE_POLICIES_CHARACTERS,
  inlineDocument,
  MANAGED_POLICY_CHARACTERS,
  policyCharacters,
} from './deny-document.ts'
import type { DenyDocument } from './deny-list-locations.ts'

/** How much of a document that IAM found too long is tried the next time. */
const SHRINK = 0.75
/** Then all of the room is tried again, which costs a refused write if nothing has changed. */
const LEARNED_MS = 10 * 60_000
/** Room for numbers of ten digits. */
const LONGEST_MARK: DenyMark = { ledgerId: '0'.repeat(12), epoch: 9_999_999_999, sequence: 9_999_999_999 }
/** One more grant in a list that has some: by name, and by both keys if its sessions may chain. */
const PLACE_CHARACTERS = { named: 33, source: 29 }

/**
 * How long each deny document may be, and its text. An inline policy shares its quota with the role's other inline policies,
 * which may grow behind our back: when IAM says "too long", the room is taken to be smaller for some minutes, so that the next
 * plan goes to a watermark rather than into the same wall. They may shrink again too, and a watermark cuts sessions.
 */
export class DocumentRoom {
  readonly #inlineCharacters: number
  readonly #denyBy: DenyKey
  readonly #clock: Pick<Clock, 'monotonicMs'>
  readonly #learned = new Map<string, { readonly characters: number; readonly untilMs: number }>()

  /** @param options.otherInlineCharacters what the role's other inline policies take of IAM's 10,240. */
  constructor(options: {
    readonly otherInlineCharacters: number
    readonly denyBy: DenyKey
    readonly clock: Pick<Clock, 'monotonicMs'>
  }) {
    this.#clock = options.clock
    this.#inlineCharacters = INLINE_POLICIES_CHARACTERS - options.otherInlineCharacters
    this.#denyBy = options.denyBy
  }

  /** @param spare how many further grants the document must have room for. */
  fits(listKey: string, document: DenyDocument, list: DenyListContent, spare = 0): boolean {
    // One agent may want thousands: a text that cannot fit is not written down first.
    if (list.grants.length * PLACE_CHARACTERS.source > INLINE_POLICIES_CHARACTERS) return false
    return this.#isWithin(
      listKey,
      document,
      this.#shortest(document, list, LONGEST_MARK),
      spare * countPlaceCharacters(this.#denyBy),
    )
  }

  /** The text for a list: sessions are named by both keys as far as there is room. Undefined: no inline policy is needed. */
  text(listKey: string, document: DenyDocument, list: DenyListContent, mark?: DenyMark): string | undefined {
    // Measured with the longest mark, so that the same list always has the same text but for its mark.
    const hasRoom = this.#isWithin(listKey, document, this.#text(document, list, 'all', LONGEST_MARK))
    return this.#text(document, list, hasRoom ? 'all' : 'chaining', mark)
  }

  /** IAM refused a document with this list as too long. The room of a managed policy is its own: nobody can take of it. */
  shrink(listKey: string, document: DenyDocument, list: DenyListContent): void {
    if (document.kind !== 'inline') return
    const characters = Math.floor(policyCharacters(this.text(listKey, document, list, LONGEST_MARK)) * SHRINK)
    this.#learned.set(listKey, { characters, untilMs: this.#clock.monotonicMs() + LEARNED_MS })
  }

  #isWithin(listKey: string, document: DenyDocument, text: string | undefined, more = 0): boolean {
    const quota = document.kind === 'inline' ? this.#inlineCharacters : MANAGED_POLICY_CHARACTERS
    const learned = this.#learned.get(listKey)
    const isKnown = learned !== undefined && this.#clock.monotonicMs() < learned.untilMs
    return policyCharacters(text) + more <= Math.min(quota, isKnown ? learned.characters : quota)
  }

  #shortest(document: DenyDocument, list: DenyListContent, mark: DenyMark | undefined): string | undefined {
    return this.#text(document, list, 'chaining', mark)
  }

  #text(
    { kind }: DenyDocument,
    list: DenyListContent,
    twice: DocumentForm['twice'],
    mark: DenyMark | undefined,
  ): string | undefined {
    const form = { denyBy: this.#denyBy, twice, ...(mark && { mark }) }
    if (kind === 'inline') return inlineDocument(list, form)
    return kind === 'boundary' ? boundaryDocument(list, form) : attachedDocument(list, form)
  }
}

function countPlaceCharacters(denyBy: DenyKey): number {
  if (denyBy === 'both') return PLACE_CHARACTERS.named + PLACE_CHARACTERS.source
  return denyBy === 'userid' ? PLACE_CHARACTERS.named : PLACE_CHARACTERS.source
}

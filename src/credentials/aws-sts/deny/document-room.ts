import type { DenyListContent } from '../../provider.ts'
import {
  boundaryDocument,
  INLINE_POLICIES_CHARACTERS,
  inlineDocument,
  MANAGED_POLICY_CHARACTERS,
  policyCharacters,
} from './deny-document.ts'
import type { DenyDocument } from './deny-list-locations.ts'

/** How much of a document that IAM found too long is tried the next time. */
const SHRINK = 0.75

/**
 * How long each deny document may be. An inline policy shares its quota with the role's other inline policies, which may
 * grow behind our back: when IAM says "too long", the room is taken to be smaller from then on, so that the next plan goes
 * to a watermark rather than into the same wall.
 */
export class DocumentRoom {
  readonly #inlineCharacters: number
  readonly #learned = new Map<string, number>()

  /** @param otherInlineCharacters what the role's other inline policies take of IAM's 10,240. */
  constructor(otherInlineCharacters: number) {
    this.#inlineCharacters = INLINE_POLICIES_CHARACTERS - otherInlineCharacters
  }

  fits(listKey: string, document: DenyDocument, list: DenyListContent): boolean {
    const quota = document.kind === 'boundary' ? MANAGED_POLICY_CHARACTERS : this.#inlineCharacters
    return sizeOf(document, list) <= Math.min(quota, this.#learned.get(listKey) ?? quota)
  }

  /** IAM refused a document with this list as too long. */
  shrink(listKey: string, document: DenyDocument, list: DenyListContent): void {
    this.#learned.set(listKey, Math.floor(sizeOf(document, list) * SHRINK))
  }
}

function sizeOf(document: DenyDocument, list: DenyListContent): number {
  return policyCharacters(document.kind === 'boundary' ? boundaryDocument(list) : inlineDocument(list))
}

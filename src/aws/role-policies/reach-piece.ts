import type { ResourceType } from '../action-table.ts'
import { commonPatterns } from './common-patterns.ts'
import type { Truth } from './judge-condition.ts'
import { mayMeanType, mayMeet, type PolicyResource, surelyCovers } from './policy-resource.ts'
import type { IndexedStatement } from './statement-index.ts'

/** A part of what a pair may mean: the resources that lie within all of `within` and in none of `except`. */
export interface Piece {
  /** Empty: all of the pair's resources. */
  readonly within: readonly PolicyResource[]
  readonly except: readonly PolicyResource[]
  /** True: allowed in every request. Undefined: some condition decides. */
  readonly truth: Truth
  /** The statements whose conditions decide. */
  readonly decidedBy: readonly IndexedStatement[]
}

/** The resources that are asked for. */
export interface Target {
  readonly resource: PolicyResource
  /** The types that the action takes. Empty: its calls name no resource. */
  readonly types: readonly ResourceType[]
}

/** Combinations that one judgement looks at. */
const MAX_PIECES = 64

/** All of the pair's resources, in every request. */
export const WHOLE: Piece = { within: [], except: [], truth: true, decidedBy: [] }

/** True for a piece that leaves nothing to decide. */
export function isWhole({ within, except, truth }: Piece): boolean {
  return within.length === 0 && except.length === 0 && truth === true
}

/** The pieces that lie in both lists; undefined if there are too many to look at. */
export function meetPieces(a: readonly Piece[], b: readonly Piece[], target: Target): readonly Piece[] | undefined {
  if (a.some(isWhole)) return b
  if (b.some(isWhole)) return a
  if (a.length * b.length > MAX_PIECES * 4) return undefined
  const met = a.flatMap((one) => b.map((other) => meetTwo(one, other))).filter((piece) => mayHold(piece, target))
  return met.length > MAX_PIECES ? undefined : met
}

function meetTwo(a: Piece, b: Piece): Piece {
  return {
    within: narrowest([...a.within, ...b.within]),
    except: [...new Set([...a.except, ...b.except])],
    truth: a.truth === true && b.truth === true ? true : undefined,
    decidedBy: [...new Set([...a.decidedBy, ...b.decidedBy])],
  }
}

/** Leaves out patterns that contain another one. */
function narrowest(patterns: readonly PolicyResource[]): readonly PolicyResource[] {
  if (patterns.length < 2) return patterns
  const distinct = patterns.filter((one, at) => patterns.findIndex(({ text }) => text === one.text) === at)
  return distinct.filter(
    (one) => !distinct.some((other) => other !== one && surelyCovers(one, other) && !surelyCovers(other, one)),
  )
}

/** False if no resource of the action lies in a piece. */
export function mayHold({ within, except }: Piece, { resource, types }: Target): boolean {
  const all = [resource, ...within]
  if (all.some((one, at) => all.slice(at + 1).some((other) => !mayMeet(one, other)))) return false
  if (types.length > 0 && !types.some((type) => all.every((one) => mayMeanType(one, type)))) return false
  if (all.some((one) => except.some((out) => surelyCovers(out, one)))) return false
  const [first, ...others] = within
  if (!first || others.length === 0) return true
  const common = commonPatterns(resource.text, first.text)
  return common === undefined || commonAll(common, others).length > 0
}

/** The patterns of what lies in all; a pattern that has no short name stands in for its part. */
function commonAll(patterns: readonly string[], others: readonly PolicyResource[]): readonly string[] {
  return others.reduce<readonly string[]>(
    (left, other) => left.flatMap((one) => commonPatterns(one, other.text) ?? [one]),
    patterns,
  )
}

/**
 * Names the resources of a piece by patterns. What a pair can reach lies within its own pattern and one of these, so a pattern
 * of a policy stands in for a part that has no short name.
 */
export function namePiece({ within }: Piece, { resource }: Target): readonly string[] {
  const [first, ...others] = within
  if (!first) return [resource.text]
  return commonAll(commonPatterns(resource.text, first.text) ?? [first.text], others)
}

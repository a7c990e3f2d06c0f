import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'
import type { GroupCount } from './annotations.ts'
import type { Excludable, ReuseLimit } from './decision.ts'

/** One policy, checked. */
export interface Policy {
  /** Its `@id`; unique in the set. */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  /** The people that its `@approval` asks for: so many of every group; absent if it asks for none. */
  readonly approvalBy?: readonly GroupCount[]
  /** The people of its `@exclude`, whose votes do not count. */
  readonly exclude?: readonly Excludable[]
  /** Its `@reuse`. */
  readonly reuse?: ReuseLimit
  /** The reason of its `@approval("none")`, if it waives one. */
  readonly waiver?: string
  readonly description?: string
  readonly text: string
  readonly file: string
  readonly line: number
  /** From 1, of the text's first character. */
  readonly column: number
  readonly json: PolicyJson
}

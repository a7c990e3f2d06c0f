import type { PolicyJson } from '@cedar-policy/cedar-wasm/nodejs'

/** One policy, checked. */
export interface Policy {
  /** Its `@id`; unique in the set. */
  readonly id: string
  readonly effect: 'permit' | 'forbid'
  /** The group of its `@approval`, if it asks for one. */
  readonly approvalGroup?: string
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

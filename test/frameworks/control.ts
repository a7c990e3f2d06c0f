/** How far Stint holds an item: whole, in part, or not at all since it lies outside of what a credential broker sees. */
export const COVERAGES = ['held', 'partly', 'outside'] as const
/** One of `COVERAGES`. */
export type Coverage = (typeof COVERAGES)[number]

/** One item of a framework, and what Stint does about it. */
export interface Control {
  /** As the framework numbers it, e.g. `NHI1:2025`. */
  readonly item: string
  /** The item in a few words. */
  readonly about: string
  readonly coverage: Coverage
  /** What Stint does; for `partly` and `outside` also what is left to somebody else. */
  readonly says: string
  /** `<file> > <part of the title of a test, or of the group around it>`; none for `outside`. */
  readonly tests: readonly string[]
}

/** One framework. */
export interface Framework {
  readonly name: string
  /** Where it is published. */
  readonly source: string
  readonly controls: readonly Control[]
}

import type { z } from '../../../core/documents/schema.ts'

/** The actors of events: an agent (its subject), a person (`operator:<name>`), or the broker itself (`stint`). */
export type EventActor = 'agent' | 'operator' | 'stint'

/** How one type of event looks on record. */
export interface EventSpec {
  /** The possible values of its `actor`. */
  readonly actors: readonly EventActor[]
  /** The call that caused it was turned away. */
  readonly refusal: boolean
  /** Which ids stand beside its data: `grant` as `grantId`, `lease` as `leaseId`. */
  readonly ids: readonly ('grant' | 'lease')[]
  /** Its meaning for a reader of the record, as one sentence. */
  readonly about: string
  /** Its `data`; the descriptions are for the reference page. Ids and facts only, never a secret. */
  readonly data: z.ZodType
}

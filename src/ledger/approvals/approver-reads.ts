import type { Approval, Grant } from '../records.ts'

/** The reads that a person needs to decide on a grant: what its agent was given before. */
export interface ApproverReads {
  /**
   * The newest grant that a person approved before this one, for the same role: of the same agent or, if it has none, of
   * another agent under the same registration. Looked for among the agent's, then the role's, `PAST_LOOKED_AT` newest grants.
   *
   * @throws {StintError} LEDGER_CORRUPT if its row is damaged: an older one in its place would mislead.
   */
  findLastApproved(grant: PastOf): Promise<ApprovedGrant | undefined>
  /** When the oldest grant of the agent that is still on record was requested. */
  firstRequestedAt(subject: string): Promise<Date | undefined>
}

/** The members of a grant by which the past of its agent is looked for. */
export type PastOf = Pick<Grant, 'id' | 'subject' | 'registration' | 'roleArn' | 'requestedAt'>

/** A grant with the approval that a person gave. */
export interface ApprovedGrant {
  readonly grant: Grant
  readonly approval: Approval
}

/** Grants looked at for the last approved one, so that an agent with many grants does not make the read slow. */
export const PAST_LOOKED_AT = 4_000

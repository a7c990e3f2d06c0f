import type { ReusableApproval } from '../rules/reuse-rules.ts'

/** The read by which a request finds an earlier approval to rest on. */
export interface ReuseReads {
  /** The newest approval that people gave an agent for one plan after an instant, and the grants that rest on it. */
  findReusable(asked: {
    readonly subject: string
    readonly planHash: string
    readonly givenAfter: Date
  }): Promise<ReusableApproval | undefined>
}

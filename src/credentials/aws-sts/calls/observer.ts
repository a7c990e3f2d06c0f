import type { StintError } from '../../../core/errors.ts'
import type { ProviderFault } from './errors.ts'

/** One call, by ids. `roleArn` of a mint, `target` of a write of a deny list, neither of a look at who we are. */
export interface ObservedCall {
  readonly service: 'sts' | 'iam'
  readonly operation: string
  readonly roleArn?: string
  readonly target?: string
  /** The account of the revoker whose session made the call. */
  readonly accountId?: string
}

/** One try of a call that failed; a later try may have succeeded. */
export interface FailedCall extends ObservedCall {
  readonly attempt: number
  /** AWS's or Node's word for it. */
  readonly awsCode: string
  readonly awsRequestId?: string
  /** How it is treated, e.g. `down`, `throttled`, `broker_credentials`. */
  readonly fault: string
  /** AWS's own words, cleaned; absent where nothing may be quoted. */
  readonly awsMessage?: string
}

/** Events worth a metric, a log line or a place on the status; ids, codes and cleaned words only. */
export interface ProviderObserver {
  /** The far side's clock minus ours, when more than a minute apart. */
  clockSkewed?(skewMs: number): void
  /** The external id of a role, or of a revoker, was read again; `error` when that failed, and the last one is used. */
  externalIdRead?(roleArn: string, error: StintError | undefined): void
  callFailed?(call: FailedCall): void
  /** A call has ended after all its tries. */
  callEnded?(call: ObservedCall & { readonly error: StintError | undefined }): void
}

/** The event of one failed try. */
export function failedCall(
  call: ObservedCall,
  { awsCode, requestId, row, error }: ProviderFault,
  attempt: number,
): FailedCall {
  const awsMessage = error.cause instanceof Error ? error.cause.message : ''
  return {
    ...call,
    attempt,
    awsCode,
    fault: row.kind,
    ...(requestId && { awsRequestId: requestId }),
    ...(awsMessage && { awsMessage }),
  }
}

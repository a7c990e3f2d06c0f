import type { Clock } from '../core/clock.ts'
import type { ClockGuard } from '../core/clock-guard.ts'
import type { Ids } from '../core/ids.ts'
import type { CredentialProvider } from '../credentials/provider.ts'
import type { Ledger } from '../ledger/ledger.ts'
import type { Admission } from './admission.ts'
import type { GrantEnder } from './end-grants.ts'
import type { Judge } from './judge.ts'
import type { MintFailure } from './lease-mint.ts'
import type { LifeSettings } from './lifecycle.ts'
import type { RecordLimits } from './record-limits.ts'
import type { TokenGuard } from './token-guard.ts'
import type { WatchHub } from './watch-hub.ts'

/** Limits of one agent that the ledger counts. */
interface GrantQuotas {
  /** Grants of one agent that wait, are active or are ending. */
  readonly openGrantsPerAgent: number
}

/** What the life of a grant is made from; `start/` and tests put it together. */
export interface GrantParts {
  readonly ledger: Ledger
  readonly provider: CredentialProvider
  readonly judge: Judge
  readonly ender: GrantEnder
  readonly admission: Admission
  readonly recordLimits: RecordLimits
  readonly hub: WatchHub
  readonly clock: Clock
  readonly clockGuard: ClockGuard
  readonly ids: Ids
  readonly settings: LifeSettings
  readonly quotas: GrantQuotas
  readonly onMintFailed?: (failure: MintFailure) => void
  readonly tokens: TokenGuard
}

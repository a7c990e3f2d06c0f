import type { Clock } from '../core/clock.ts'
import type { Correlation } from '../core/correlation.ts'
import type { Problem } from '../core/health/problem-board.ts'
import type { CredentialProvider } from '../credentials/provider.ts'
import type { BoundsService } from '../grants/bounds-service.ts'
import type { InventoryService } from '../grants/inventory/inventory-service.ts'
import type { KillService } from '../grants/kill/kill-service.ts'
import type { Operator } from '../grants/operators/operator.ts'
import type { ReachService } from '../grants/reach/reach-service.ts'
import type { OperatorService, QuarantineService } from '../grants/services.ts'
import type { Ledger, LedgerReads, LedgerWrites } from '../ledger/ledger.ts'
import type { NoticeService } from '../notice/notice-service.ts'
import type { OperatorDirectory } from './operators/operator-directory.ts'

/** The part of a logger (pino has it) that the admin API uses. */
export interface AdminLogger {
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** Why a file could not be loaded; what is served is the last good one. */
type FileProblem = Pick<Problem, 'code' | 'explanation'>

/** The policy set in force. */
export interface PolicySetStatus {
  /** Undefined until a set was loaded. */
  readonly hash?: string
  readonly loadedAt?: Date
  readonly policies: readonly {
    readonly id: string
    readonly effect: 'permit' | 'forbid'
    readonly file: string
    /** Text of `@approval`. */
    readonly approval?: string
    /** Reason of `@approval("none")`. */
    readonly waiver?: string
  }[]
  readonly problem?: FileProblem
}

/** Bounds of the admin API. */
export interface AdminLimits {
  /** Bytes of a request body. */
  readonly bodyBytes: number
  /** Failed sign-ins per minute, of one address (IPv6: one /64) and of all together; more are RATE_LIMITED. */
  readonly failuresPerAddressPerMinute: number
  readonly failuresPerMinute: number
  /** Addresses whose failures are counted. */
  readonly maxAddresses: number
  /** Events per minute about failed sign-ins, and as many about calls beyond an operator's role. */
  readonly refusalEventsPerMinute: number
  /** Events read at a time by the audit verification. */
  readonly verifyPageSize: number
}

/** The bounds unless configured. */
export const DEFAULT_ADMIN_LIMITS: AdminLimits = {
  bodyBytes: 16_384,
  failuresPerAddressPerMinute: 30,
  failuresPerMinute: 300,
  maxAddresses: 4_096,
  refusalEventsPerMinute: 20,
  verifyPageSize: 500,
}

/** The identity that the broker shows to agents, and the trust domains whose SVIDs it can verify. */
export interface IdentityStatus {
  readonly spiffeId?: string
  readonly notAfter?: Date
  readonly bundles: readonly {
    readonly trustDomain: string
    readonly source: string
    readonly x509Authorities: number
    readonly jwtAuthorities: number
  }[]
}

/** Everything that the admin API works with. */
export interface AdminDeps {
  readonly ledger: LedgerReads & Pick<LedgerWrites, 'appendEvents'> & Partial<Pick<Ledger, 'sharing' | 'identity'>>
  readonly operators: OperatorDirectory
  readonly operatorService: OperatorService
  readonly quarantine: QuarantineService
  readonly kills: KillService
  readonly notices: NoticeService
  readonly bounds: BoundsService
  readonly provider: Pick<CredentialProvider, 'forecastSize'>
  readonly inventory: InventoryService
  readonly reach: ReachService
  /** Why the newest registry file is not in force. */
  readonly registryProblem?: () => FileProblem | undefined
  readonly policies: { status(): PolicySetStatus }
  /** Read on every call of `GET /v1/status`; must not wait. */
  readonly status: () => {
    /** Why a good request would not be served; none if it would. */
    readonly notReady: readonly (Pick<Problem, 'code' | 'explanation' | 'since'> & { readonly part: string })[]
    readonly problems: readonly Problem[]
    readonly identity: IdentityStatus
    readonly version: string
  }
  readonly clock: Clock
  readonly logger: AdminLogger
  readonly limits?: Partial<AdminLimits>
  /** Aborted when the process stops: long reads end with SHUTTING_DOWN. */
  readonly stopping?: AbortSignal
  /** Default: a random UUID. */
  readonly newRequestId?: () => string
}

/** The variables in a handler's context. */
export type AdminEnv = {
  Bindings: {
    readonly incoming?: { readonly url?: string; readonly socket?: { readonly remoteAddress?: string } }
    /** The call's connection belongs to this operator. @throws {StintError} RATE_LIMITED when there are too many of them. */
    readonly proved?: (operator: string) => void
  }
  Variables: { correlation: Correlation; operator: Operator }
}

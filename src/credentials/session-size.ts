import { StintError } from '../core/errors.ts'
import type { Plan, PlanWarning } from '../plan/plan.ts'

/** The parts of a session that are known before its grant exists. */
export interface SessionOutline {
  readonly roleArn: string
  /** The agent's subject. */
  readonly subject: string
  readonly owner: string
  readonly team: string
  readonly plan: Plan
}

/** A refusal of the very same session. The cloud is not asked again before `until`. */
export interface RefusedSize {
  readonly kind: 'refused'
  readonly at: Date
  readonly until: Date
  /** Percent of the cloud's limit, if the cloud said so. */
  readonly percent?: number
}

/**
 * The predicted packed size of a session, in percent of the cloud's limit. `unknown`: no session of the role was minted since the
 * start. `predicted`: estimated from earlier mints; over 100 the cloud may refuse.
 */
export type SizeForecast =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'predicted'; readonly percent: number; readonly tagsPercent: number; readonly mints: number }
  | RefusedSize

/** Forecasts the size of a session; `unknown` from a provider without forecasts. */
export function forecastSession(
  provider: { readonly forecastSize?: (session: SessionOutline) => SizeForecast },
  session: SessionOutline,
): SizeForecast {
  return provider.forecastSize?.(session) ?? { kind: 'unknown' }
}

/** A prediction above this is a warning. */
const NEARLY_FULL_PERCENT = 90

/** The error for a session that the cloud refused lately. */
export function sessionTooLarge(refused: RefusedSize, details: { readonly outcome?: 'not_minted' } = {}): StintError {
  const { percent } = refused
  return new StintError('SESSION_POLICY_TOO_LARGE', {
    explanation: explainRefused(refused),
    ...(percent !== undefined && { packedPercent: percent }),
    ...details,
  })
}

/** The warnings of a forecast, for agents and approvers; empty for a small or unknown size. */
export function sizeWarnings(forecast: SizeForecast): readonly PlanWarning[] {
  if (forecast.kind === 'refused') return [{ kind: 'session_too_large', explanation: explainRefused(forecast) }]
  if (forecast.kind === 'unknown' || forecast.percent <= NEARLY_FULL_PERCENT) return []
  const { percent, tagsPercent, mints } = forecast
  const explanation = `A session of this plan will use about ${percent}% of the packed size that STS allows for its policy and tags, judging by ${mints} earlier mints of this role; its tags (agent, owner, team, grant) use about ${tagsPercent}%. Over 100%, STS refuses the mint. To use less, ask for less, or shorten the names of owner and team.`
  return [{ kind: 'session_nearly_full', explanation }]
}

function explainRefused({ at, until, percent }: RefusedSize): string {
  const size = percent === undefined ? '' : ` (${percent}% of the limit)`
  return `STS refused this session policy with these tags at ${at.toISOString()} as too large when packed${size}; split the task or ask for less. The same task is tried again from ${until.toISOString()} on.`
}

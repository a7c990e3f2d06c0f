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
  /** Sentences for agents and approvers: who refused it, how large it was, and how to go on. */
  readonly explanation: string
}

/** A size estimated from earlier mints of the role; over 100 percent the cloud may refuse. */
export interface PredictedSize {
  readonly kind: 'predicted'
  readonly percent: number
  readonly tagsPercent: number
  /** Earlier mints that it is estimated from. */
  readonly mints: number
  /** Sentences for agents and approvers: how large it will be, and how to use less. */
  readonly explanation: string
}

/**
 * The predicted size of a session, in percent of the cloud's limit. `unknown`: no session of the role was minted since the start.
 * The provider writes the explanations, since only it knows the words of its cloud.
 */
export type SizeForecast = { readonly kind: 'unknown' } | PredictedSize | RefusedSize

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
  const { percent, explanation } = refused
  return new StintError('SESSION_POLICY_TOO_LARGE', {
    explanation,
    ...(percent !== undefined && { packedPercent: percent }),
    ...details,
  })
}

/** The warnings of a forecast, for agents and approvers; empty for a small or unknown size. */
export function sizeWarnings(forecast: SizeForecast): readonly PlanWarning[] {
  if (forecast.kind === 'refused') return [{ kind: 'session_too_large', explanation: forecast.explanation }]
  if (forecast.kind === 'unknown' || forecast.percent <= NEARLY_FULL_PERCENT) return []
  return [{ kind: 'session_nearly_full', explanation: forecast.explanation }]
}

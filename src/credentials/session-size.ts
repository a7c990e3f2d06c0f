import { StintError } from '../core/errors.ts'
import type { Plan, PlanWarning } from '../plan/plan.ts'

/** The makings of a session, as far as they are known before its grant is. */
export interface SessionOutline {
  readonly roleArn: string
  /** The agent's subject. */
  readonly subject: string
  readonly owner: string
  readonly team: string
  readonly plan: Plan
}

/** The cloud refused the very same session lately; until `until` it is not asked again. */
export interface RefusedSize {
  readonly kind: 'refused'
  readonly at: Date
  readonly until: Date
  /** Share of the cloud's room, where the cloud said so. */
  readonly percent?: number
}

/**
 * The room that a session takes, as far as it is known, at the cloud before it is minted. `unknown`: no session of the role was seen
 * since the start. `predicted`: a guess from earlier ones; over 100 % the cloud may refuse.
 */
export type SizeForecast =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'predicted'; readonly percent: number; readonly tagsPercent: number; readonly mints: number }
  | RefusedSize

/** A prediction above this is told. */
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

/** The warnings of a forecast for an agent or an approver; none where it is small or unknown. */
export function sizeWarnings(forecast: SizeForecast): readonly PlanWarning[] {
  if (forecast.kind === 'refused') return [{ kind: 'session_too_large', explanation: explainRefused(forecast) }]
  if (forecast.kind === 'unknown' || forecast.percent <= NEARLY_FULL_PERCENT) return []
  const { percent, tagsPercent, mints } = forecast
  const explanation = `A session of this plan will take about ${percent}% of the room that STS has for its policy and tags, as far as ${mints} earlier mints of this role tell; its tags (agent, owner, team, grant) take about ${tagsPercent}%. Over 100% STS refuses the mint. A smaller task, or shorter names of owner and team, take less.`
  return [{ kind: 'session_nearly_full', explanation }]
}

function explainRefused({ at, until, percent }: RefusedSize): string {
  const size = percent === undefined ? '' : ` (${percent}% of its room)`
  return `STS refused this session policy with these tags at ${at.toISOString()} as too large when packed${size}; split the task or ask for less. The same task is tried again from ${until.toISOString()} on.`
}

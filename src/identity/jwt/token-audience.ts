import type { StrictJson } from '../../core/documents/strict-json.ts'
import { quoted } from '../../core/text/quoted.ts'
import { tokenInvalid } from './jwt-token.ts'

/** Audiences of either side that a refusal shows. */
const MAX_SHOWN = 5

/**
 * Checks `aud`. A refusal shows both sides, since whoever set up the agent or the broker has to see how they differ.
 *
 * @param accepted our own identifiers, compared exactly; a token may name any of them.
 * @param sole whether the token may name nothing else, so that no other service can pass it on; each of ours once.
 * @returns what the token names.
 * @throws {StintError} TOKEN_INVALID with `details.check` audience.
 * @see RFC 7519, section 4.1.3; JWT-SVID, section 3.2
 */
export function checkAudience(
  aud: StrictJson | undefined,
  { accepted, sole }: { accepted: readonly string[]; sole: boolean },
): readonly string[] {
  const list = Array.isArray(aud) ? aud : [aud]
  if (!list.every((value): value is string => typeof value === 'string' && value !== '')) {
    throw tokenInvalid(
      'audience',
      `The aud of a token must be a text or a list of texts; accepted: ${shown(accepted)}.`,
    )
  }
  if (!list.some((value) => accepted.includes(value))) {
    throw tokenInvalid('audience', `The token is for ${shown(list)} (aud), not for this service: ${shown(accepted)}.`)
  }
  const others = list.filter((value, index) => !accepted.includes(value) || list.indexOf(value) < index)
  if (sole && others.length > 0) {
    const explanation = `The token is also for ${shown(others)} (aud); request one for ${shown(accepted)} alone.`
    throw tokenInvalid('audience', explanation)
  }
  return list
}

function shown(audiences: readonly string[]): string {
  if (audiences.length === 0) return 'nobody'
  const more = audiences.length > MAX_SHOWN ? ` and ${audiences.length - MAX_SHOWN} more` : ''
  return (
    audiences
      .slice(0, MAX_SHOWN)
      .map((audience) => quoted(audience))
      .join(' or ') + more
  )
}

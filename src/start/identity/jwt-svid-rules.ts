import type { Config } from '../../config/schema.ts'
import type { JwtSvidRules } from '../../identity/jwt/jwt-svid.ts'

/** The configuration's demands on JWT-SVIDs; undefined when it sets no audience, so that none is accepted. */
export function jwtSvidRules({ identity }: Config): JwtSvidRules | undefined {
  const { tokens, domains } = identity
  const audienceByDomain = new Map(
    Object.entries(domains).flatMap(([name, { audience }]) => (audience ? [[name, audience] as const] : [])),
  )
  if (!tokens.audience && audienceByDomain.size === 0) return undefined
  return {
    audience: tokens.audience,
    audienceByDomain,
    maxLifetimeSeconds: tokens.maxLifetime / 1_000,
    leewaySeconds: tokens.leeway / 1_000,
  }
}

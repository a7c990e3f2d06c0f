import type { Config } from '../../config/schema.ts'
import type { TokenReuse } from '../../grants/agents/token-guard.ts'
import { defineIssuer } from '../../identity/oidc/issuer.ts'
import { placeName } from '../../identity/oidc/keys/key-places.ts'
import { lookAtKeys, lookAtReview } from '../identity/issuers.ts'
import { type Check, check } from './check.ts'

/** Loads the keys of each OIDC issuer from each of their places, and says how its tokens name agents. */
export async function* checkIssuers({ identity, listen }: Config): AsyncGenerator<Check> {
  for (const settings of identity.oidc) {
    try {
      yield* checkIssuer(settings, { listen, reuse: identity.tokens.reuse })
    } catch (error) {
      yield check(`issuer ${settings.alias}`, () => Promise.reject(error))
    }
  }
}

async function* checkIssuer(
  settings: Config['identity']['oidc'][number],
  { listen, reuse }: { listen: Config['listen']; reuse: TokenReuse },
): AsyncGenerator<Check> {
  const issuer = defineIssuer(settings)
  const facts = [
    `agents by ${issuer.subject.map(({ name }) => name).join(', ')}`,
    ...(reuse === 'lifetime' ? [`a copied token can be used again (identity.tokens.reuse: ${reuse})`] : []),
    ...(listen.bearer ? [] : ['listen.bearer is not set, so only tokens bound to a certificate are accepted']),
  ]
  for (const place of issuer.keyPlaces) {
    const at = issuer.keyPlaces.length > 1 ? ` at ${placeName(place)}` : ''
    yield check(`issuer ${issuer.alias}${at}`, async () => {
      const { keys, notes } = await lookAtKeys(settings, place)
      return [`${keys.size} keys`, ...facts, ...notes].join('; ')
    })
  }
  if (issuer.reviewUrls.length > 0) {
    yield check(`token review ${issuer.alias}`, async () => {
      await lookAtReview(settings)
      return `answered by ${issuer.reviewUrls.join(' and ')}`
    })
  }
}

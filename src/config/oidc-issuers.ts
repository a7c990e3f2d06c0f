import { z } from '../core/documents/schema.ts'
import { issuerProblems, OIDC_ALGORITHMS } from '../identity/oidc/issuer-problems.ts'
import { keyPlaces, placeName } from '../identity/oidc/keys/key-places.ts'
import { PRESET_NAMES } from '../identity/oidc/presets/presets.ts'
import { audiences } from './values/audience-setting.ts'
import { duration } from './values/duration-setting.ts'
import { privateHosts } from './values/private-hosts.ts'

const text = z.string().min(1).max(2_048)
const oneOrMore = z.union([text, z.array(text).min(1).max(10)])
const value = z.union([z.string().max(2_048), z.number(), z.boolean()])

const oidcIssuer = z
  .strictObject({
    /** Our name of the issuer, part of the name of each of its agents: never give it to another issuer. */
    alias: text,
    /** The https URL that `iss` has to be, to the letter. */
    issuer: text,
    /** The audience of the tokens: identifiers of this service alone, one or several. */
    audience: audiences,
    /** The kind of issuer; what is not set below comes from it. */
    preset: z.enum(PRESET_NAMES).optional(),
    algorithms: z.array(z.enum(OIDC_ALGORITHMS)).min(1).optional(),
    /** How long after `iat` a token is accepted. */
    maxTokenAge: duration('10s', '24h').optional(),
    /** How far `exp` may be from `iat`. */
    maxLifetime: duration('1m', '24h').optional(),
    leeway: duration('0s', '30s').optional(),
    /** How long keys are used while the issuer cannot be reached. */
    maxKeyAge: duration('15m', '24h').optional(),
    /** Discovery documents, when they are not at the issuer's own name. */
    discoveryUrl: oneOrMore.optional(),
    /** Hosts of the keys when a discovery document names others than its own, e.g. `10.0.0.1:6443`. */
    jwksHost: oneOrMore.optional(),
    /** The key sets themselves; no discovery document is asked for. */
    jwksUrl: oneOrMore.optional(),
    /** A file with the key set; nobody is asked. */
    keysFile: z.string().min(1).optional(),
    /** API servers that are asked, before anything is minted, whether a token still counts. */
    tokenReviewUrl: oneOrMore.optional(),
    /** A file with a bearer token that the servers of the keys and of reviews want to see; read for each call. */
    tokenFile: z.string().min(1).optional(),
    /** PEM roots for the issuer's server in the place of the public ones. */
    caFile: z.string().min(1).optional(),
    /** Claims that together name an agent, the first one not to be taken over by anybody. */
    subject: z.array(text).optional(),
    /** Claims and the values they may have; all must hold. */
    conditions: z.record(text, z.array(value).max(1_000)).optional(),
    /** Clients (`azp`) that tokens may be made for. */
    authorizedParties: z.array(text).max(1_000).optional(),
    /** Hosts of this issuer that may be at private addresses. */
    allowPrivate: privateHosts.optional(),
  })
  .superRefine((settings, context) => {
    for (const { path, message } of issuerProblems(settings))
      context.addIssue({ code: 'custom', path: [...path], message })
  })

type IssuerSettings = z.output<typeof oidcIssuer>

/** Keys that two issuers get from one place would tell nobody whose token it is. */
function sharePlace(one: IssuerSettings, other: IssuerSettings): boolean {
  // `issuerProblems` reports what is wrong with either of them.
  if (!URL.canParse(one.issuer)) return false
  const named = new Set(keyPlaces(one).map(placeName))
  return keyPlaces(other).some((place) => named.has(placeName(place)))
}

function taken(index: number): string {
  return `is taken by issuer ${index}`
}

/** The setting `identity.oidc`. */
export const oidcIssuers = z
  .array(oidcIssuer)
  .max(50)
  .superRefine((issuers, context) => {
    issuers.forEach((one, index) => {
      const before = issuers.slice(0, index)
      const sameAlias = before.findIndex((other) => other.alias === one.alias)
      if (sameAlias >= 0) context.addIssue({ code: 'custom', path: [index, 'alias'], message: taken(sameAlias) })
      const sameName = before.findIndex((other) => other.issuer === one.issuer && sharePlace(other, one))
      if (sameName < 0) return
      const message = `${taken(sameName)}; two clusters with one issuer name need keys from different places: set discoveryUrl, jwksUrl or keysFile for each`
      context.addIssue({ code: 'custom', path: [index, 'issuer'], message })
    })
  })
  .default([])

import { z } from '../core/schema.ts'
import { issuerProblems, OIDC_ALGORITHMS } from '../identity/oidc/issuer-problems.ts'
import { PRESET_NAMES } from '../identity/oidc/presets/presets.ts'
import { audiences } from './audience-setting.ts'
import { duration } from './duration-setting.ts'

const text = z.string().min(1).max(2_048)
const value = z.union([z.string().max(2_048), z.number(), z.boolean()])

const oidcIssuer = z
  .strictObject({
    /** Our name of the issuer, part of the name of each of its agents: never give it to another issuer. */
    alias: text,
    /** The https URL that `iss` has to be, to the letter. */
    issuer: text,
    /** Who the tokens are for: identifiers of this service alone, one or several. */
    audience: audiences,
    /** What kind of issuer it is; what is not set below comes from it. */
    preset: z.enum(PRESET_NAMES).optional(),
    algorithms: z.array(z.enum(OIDC_ALGORITHMS)).min(1).optional(),
    /** How long after `iat` a token is accepted. */
    maxTokenAge: duration('10s', '24h').optional(),
    /** How far `exp` may be from `iat`. */
    maxLifetime: duration('1m', '24h').optional(),
    leeway: duration('0s', '30s').optional(),
    /** How long keys are used while the issuer cannot be reached. */
    maxKeyAge: duration('15m', '24h').optional(),
    /** The host of the keys when it is not the issuer's own, e.g. `10.0.0.1:6443`. */
    jwksHost: z.string().optional(),
    /** PEM roots for the issuer's server in the place of the public ones. */
    caFile: z.string().min(1).optional(),
    /** Claims that together name an agent, the first one not to be taken over by anybody. */
    subject: z.array(text).optional(),
    /** Claims and the values they may have; all must hold. */
    conditions: z.record(text, z.array(value).max(1_000)).optional(),
    /** Clients (`azp`) that tokens may be made for. */
    authorizedParties: z.array(text).max(1_000).optional(),
    /** Hosts of this issuer that may be at private addresses. */
    allowPrivate: z.array(text).max(10).optional(),
    /** Lets a token mint more than once, for agents that cannot fetch one per call: whoever copies it can use it too. */
    reusable: z.boolean().optional(),
  })
  .superRefine((settings, context) => {
    for (const { path, message } of issuerProblems(settings))
      context.addIssue({ code: 'custom', path: [...path], message })
  })

/** The setting `identity.oidc`. */
export const oidcIssuers = z
  .array(oidcIssuer)
  .max(50)
  .superRefine((issuers, context) => {
    for (const key of ['alias', 'issuer'] as const) {
      issuers.forEach((one, index) => {
        const first = issuers.findIndex((other) => other[key] === one[key])
        if (first < index)
          context.addIssue({ code: 'custom', path: [index, key], message: `is taken by issuer ${first}` })
      })
    }
  })
  .default([])

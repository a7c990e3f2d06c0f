import type { Config } from '../../config/schema.ts'
import { systemClock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import type { TokenReuse } from '../../grants/agents/token-guard.ts'
import { BundleFiles } from '../../identity/bundle/bundle-files.ts'
import { BundleStore } from '../../identity/bundle/bundle-store.ts'
import { createJwtSvidVerifier } from '../../identity/jwt/jwt-svid.ts'
import { type TokenParts, takeTokenApart, tokenInvalid } from '../../identity/jwt/jwt-token.ts'
import { defineIssuer } from '../../identity/oidc/issuer.ts'
import { type JudgedCheck, judged, judgeToken, type TokenJudgement } from '../../identity/oidc/judge-token.ts'
import type { IssuerKey } from '../../identity/oidc/keys/jwks.ts'
import { spiffeIdText } from '../../identity/spiffe-id.ts'
import { loadRegistry } from '../../registry/registry-file.ts'
import { lookAtKeys } from '../../start/identity/issuers.ts'
import { jwtSvidRules } from '../../start/identity/jwt-svid-rules.ts'

/** How the broker of a configuration would judge a token; without `fetchKeys` nothing is called. */
export interface JudgeTokenOptions {
  readonly config: Config
  readonly now: Date
  readonly fetchKeys: boolean
}

type IssuerConfig = Config['identity']['oidc'][number]

const MAX_FILE_BYTES = 65_536

/**
 * Judges the token in a file, check by check, and the registration that would cover its agent.
 *
 * @param file the token alone; blanks around it do not count.
 * @throws {StintError} CONFIG_INVALID when the file cannot be read; ISSUER_INVALID, FETCH_FAILED, URL_REFUSED when keys were
 *   asked for and cannot be had.
 */
export async function judgeTokenFile(file: string, options: JudgeTokenOptions): Promise<TokenJudgement> {
  const text = await readToken(file)
  let token: TokenParts | undefined
  const form = await judged('form', () => {
    token = takeTokenApart(text)
    return 'a JWS in compact form'
  })
  if (!token) return { checks: [form] }
  const judgement = await judgeParts(token, options)
  const { subject } = judgement
  const registration = subject === undefined ? [] : [await judgeRegistration(subject, options)]
  return { ...judgement, checks: [form, ...judgement.checks, ...registration] }
}

async function judgeParts(token: TokenParts, options: JudgeTokenOptions): Promise<TokenJudgement> {
  const { config, now, fetchKeys } = options
  const named = config.identity.oidc.filter(({ issuer }) => issuer === token.claims.iss)
  if (named.length === 0) return judgeAsJwtSvid(token, options)
  const published = fetchKeys ? await Promise.all(named.map(fetchIssuerKeys)) : []
  const signers = named.filter((_, index) => published[index]?.has(String(token.header.kid)))
  const [settings = named[0]] = signers
  if (!settings) return judgeAsJwtSvid(token, options)
  const issuer = defineIssuer(settings)
  const keys = published[named.indexOf(settings)]
  const judgement = await judgeToken(token, { issuer, now, ...(keys && { keys }) })
  const which = named.length > 1 ? [judgeIssuerByKey(named, signers, fetchKeys)] : []
  const review = issuer.reviewUrls.length > 0 ? [REVIEW_SKIPPED] : []
  return { ...judgement, checks: [...which, ...judgement.checks, ...review, judgeUse(token, config)] }
}

const REVIEW_SKIPPED: JudgedCheck = {
  name: 'token review',
  verdict: 'skipped',
  finding: 'not checked here, because the token stays on this machine; the broker asks the cluster before each mint',
}

/** Reads the keys from every place where the issuer publishes them, as the broker does. */
async function fetchIssuerKeys(settings: IssuerConfig): Promise<ReadonlyMap<string, IssuerKey>> {
  const found: (readonly [string, IssuerKey])[] = []
  for (const place of defineIssuer(settings).keyPlaces) found.push(...(await lookAtKeys(settings, place)).keys)
  return new Map(found.reverse())
}

/** Says which of several issuers with one name has signed the token: the one that has its key. */
function judgeIssuerByKey(
  named: readonly IssuerConfig[],
  signers: readonly IssuerConfig[],
  fetchKeys: boolean,
): JudgedCheck {
  const name = 'issuer by key'
  const all = named.map(({ alias }) => alias).join(', ')
  if (!fetchKeys) {
    const finding = `${all} share this issuer name; checked as ${named[0]?.alias}, because telling them apart requires --fetch-keys`
    return { name, verdict: 'skipped', finding }
  }
  const [signer, another] = signers
  if (signer && !another) return { name, verdict: 'pass', finding: `only ${signer.alias} has the key (of ${all})` }
  const finding = signer
    ? 'several issuers with this name have the key, so it is unclear which of them signed the token'
    : `none of ${all} has the key`
  return { name, verdict: 'fail', finding, code: 'TOKEN_INVALID' }
}

/** On which port, and how often, the token could be used. */
function judgeUse({ claims }: TokenParts, { listen, identity }: Config): JudgedCheck {
  if (Object.hasOwn(claims, 'cnf')) {
    return { name: 'use', verdict: 'pass', finding: 'over mTLS, with the certificate that the token is bound to' }
  }
  if (!listen.bearer) {
    const finding = 'listen.bearer is not set, so no bearer token is accepted'
    return { name: 'use', verdict: 'fail', finding, code: 'TOKEN_INVALID' }
  }
  const { reuse } = identity.tokens
  return { name: 'use', verdict: 'pass', finding: `on the bearer port, ${USES[reuse]} (reuse: ${reuse})` }
}

const USES: Readonly<Record<TokenReuse, string>> = {
  connection: 'to mint over one connection',
  never: 'to mint once',
  lifetime: 'until it expires, by anyone who holds it',
}

async function judgeAsJwtSvid(token: TokenParts, { config, now }: JudgeTokenOptions): Promise<TokenJudgement> {
  const { domains, reloadEvery } = config.identity
  const rules = jwtSvidRules(config)
  let subject: string | undefined
  const check = await judged('JWT-SVID', async () => {
    if (!rules) {
      throw tokenInvalid(
        'issuer',
        "The token's iss must match an issuer in identity.oidc exactly; JWT-SVIDs are off because no audience is set.",
      )
    }
    // A bundle that comes over a network is not at hand here: its domain counts as unknown.
    const filed = Object.entries(domains).flatMap(([name, { file, format }]) =>
      file ? [[name, { file, format }] as const] : [],
    )
    const bundles = new BundleStore()
    const files = new BundleFiles({
      store: bundles,
      domains: Object.fromEntries(filed),
      clock: systemClock,
      intervalMs: reloadEvery,
      onState: () => {},
      onNotes: () => {},
    })
    await files.start()
    await files.stop()
    const { id } = await createJwtSvidVerifier(rules).verify(token.text, { bundles: bundles.snapshot, now })
    subject = spiffeIdText(id)
    return `verifies as ${subject}`
  })
  return { checks: [check], ...(subject === undefined ? {} : { subject }) }
}

function judgeRegistration(subject: string, { config, now }: JudgeTokenOptions): Promise<JudgedCheck> {
  return judged('registration', async () => {
    const { name, owner, team } = (await loadRegistry(config.registry.file)).lookup(subject, now)
    return `${name} of ${owner}, team ${team}`
  })
}

async function readToken(file: string): Promise<string> {
  try {
    return (await readSmallFile(file, { maxBytes: MAX_FILE_BYTES, pipes: true })).text.trim()
  } catch (error) {
    const explanation = `The token file is unreadable or exceeds ${MAX_FILE_BYTES} bytes: ${file}`
    throw new StintError('CONFIG_INVALID', { explanation }, error)
  }
}

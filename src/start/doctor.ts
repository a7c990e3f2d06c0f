import { access, constants } from 'node:fs/promises'
import { dirname } from 'node:path'
import { PROFILES } from '../aws/store-profile.ts'
import { filesOpenToOthers } from '../config/files-open-to-others.ts'
import { usesWorkloadApi } from '../config/identity-sources.ts'
import type { Config } from '../config/schema.ts'
import type { Clock } from '../core/clock.ts'
import { asStintError, type ErrorCode, type ErrorDetails, StintError } from '../core/errors.ts'
import type { Logger } from '../core/log.ts'
import type { AwsProbes, ProbeResult } from '../credentials/aws-sts/probes.ts'
import type { AwsStsProvider } from '../credentials/aws-sts/provider.ts'
import type { TokenReuse } from '../grants/token-guard.ts'
import { BundleFiles } from '../identity/bundle-files.ts'
import type { BundleReports } from '../identity/bundle-problems.ts'
import { BundleStore } from '../identity/bundle-store.ts'
import { defineIssuer } from '../identity/oidc/issuer.ts'
import { placeName } from '../identity/oidc/key-places.ts'
import { ServerIdentityFiles } from '../identity/server-identity.ts'
import type { TrustBundle } from '../identity/trust-bundle.ts'
import { verifyAuditFile } from '../ledger/audit-verify.ts'
import { loadLabels } from '../plan/load-labels.ts'
import { loadPolicySet } from '../policy/load-policy-set.ts'
import { loadRegistry } from '../registry/registry-store.ts'
import { bundleFiles } from './identity/bundles.ts'
import { federatedBundle } from './identity/federation.ts'
import { lookAtKeys, lookAtReview } from './identity/issuers.ts'
import { workloadApiSource } from './identity/workload-api.ts'
import { createProvider } from './provider.ts'

/** One thing that the broker needs, looked at. */
export interface Check {
  /** e.g. `policy`, `bundle example.org`, `role arn:…` */
  readonly name: string
  readonly ok: boolean
  /** What was found, or what is wrong and what would be right. */
  readonly finding: string
  readonly code?: ErrorCode
}

/** A clock that differs by more makes leases that end too early or too late by as much. */
const MAX_SKEW_MS = 2_000

/** Looks at everything that a configuration names, in the order in which the broker needs it; nothing is changed. */
export async function* runDoctor(
  config: Config,
  deps: { clock: Clock; logger: Logger },
  signal: AbortSignal,
): AsyncGenerator<Check> {
  yield* checkFiles(config, deps)
  yield check('file modes', async () => checkFileModes(config))
  yield check('ledger', () => checkLedger(config.ledger.file))
  let provider = undefined as AwsStsProvider | undefined
  yield check('aws settings', async () => {
    provider = await createProvider(config, deps)
    return `${config.roles.length} role(s) in ${config.aws.region}`
  })
  if (!provider) return
  try {
    yield* checkAws(config, provider, signal)
  } finally {
    provider.close()
  }
}

async function check(name: string, look: () => Promise<string>): Promise<Check> {
  try {
    return { name, ok: true, finding: await look() }
  } catch (thrown) {
    const { code, message } = asStintError(thrown)
    return { name, ok: false, finding: message, code }
  }
}

function probed(name: string, result: ProbeResult, found: (details: ErrorDetails) => string): Check {
  if (result.ok) return { name, ok: true, finding: found(result.details) }
  return { name, ok: false, finding: result.details.explanation ?? 'refused', code: result.code }
}

async function* checkFiles(config: Config, { clock }: { clock: Clock }): AsyncGenerator<Check> {
  const { identity, registry, policy, labels } = config
  if (identity.server !== 'workload-api') {
    const { certificateFile: certFile, privateKeyFile: keyFile } = identity.server
    yield check('server certificate', async () => {
      const files = new ServerIdentityFiles({ certFile, keyFile, clock, onChange: () => {}, onProblem: () => {} })
      const { notAfter } = await files.start()
      await files.stop()
      return `valid until ${notAfter.toISOString()}`
    })
  }
  yield* checkIdentitySources(config, clock)
  for (const [trustDomain, file] of Object.entries(bundleFiles(identity.domains))) {
    yield check(`bundle ${trustDomain}`, async () => {
      const store = new BundleStore()
      const notes: string[] = []
      const files = new BundleFiles({
        store,
        domains: { [trustDomain]: file },
        clock,
        onState: () => {},
        onNotes: (_component, found) => notes.push(...found.map(({ explanation }) => explanation)),
      })
      await files.start()
      await files.stop()
      return [countsOf(store.get(trustDomain)), ...notes].join('; ')
    })
  }
  yield* checkIssuers(config)
  yield check('registrations', async () => `${(await loadRegistry(registry.file)).registrations.length} registrations`)
  yield check('policies', async () => {
    const { policies, hash, warnings } = await loadPolicySet(policy.directory)
    return [
      `${policies.length} policies, set ${hash.slice(0, 12)}`,
      ...warnings.map((warning) => warning.message),
    ].join('; ')
  })
  if (labels) {
    yield check('labels', async () => `${(await loadLabels(labels.file)).labels.length} labels`)
  }
}

/** What comes over the network: the Workload API, and the bundle endpoints of other trust domains. */
async function* checkIdentitySources({ identity }: Config, clock: Clock): AsyncGenerator<Check> {
  const store = new BundleStore()
  const notes = new Map<string, readonly string[]>()
  const onNotes: BundleReports['onNotes'] = (component, found) => {
    notes.set(
      component,
      found.map(({ explanation }) => explanation),
    )
  }
  const said = () => {
    const all = [...notes.values()].flat()
    notes.clear()
    return all
  }
  const common = { store, clock, onNotes }
  if (usesWorkloadApi(identity)) {
    yield check('workload API', async () => {
      const source = workloadApiSource(identity, {
        ...common,
        random: Math.random,
        patient: false,
        onState: () => {},
      })
      await source.start()
      const { spiffeId, notAfter } = source.identity ?? {}
      await source.stop()
      const own = identity.server === 'workload-api' ? `is ${spiffeId} with an SVID` : 'gives an SVID'
      return [`${own} that is valid until ${notAfter?.toISOString()}`, ...said()].join('; ')
    })
    for (const [trustDomain, { workloadApi }] of Object.entries(identity.domains)) {
      if (workloadApi) yield check(`bundle ${trustDomain}`, async () => cameFromWorkloadApi(trustDomain, store))
    }
  }
  for (const [trustDomain, { federation }] of Object.entries(identity.domains)) {
    if (!federation) continue
    yield check(`federation ${trustDomain}`, async () => {
      let problem: StintError | undefined
      const onState = (_component: string, found: StintError | undefined) => {
        problem = found
      }
      const source = await federatedBundle(federation, { ...common, trustDomain, onState })
      await source.start()
      await source.stop()
      if (problem) throw problem
      return [countsOf(store.get(trustDomain)), ...said()].join('; ')
    })
  }
}

function cameFromWorkloadApi(trustDomain: string, store: BundleStore): string {
  const bundle = store.get(trustDomain)
  if (bundle) return countsOf(bundle)
  throw new StintError('BUNDLE_INVALID', { explanation: `The Workload API has given no bundle of ${trustDomain}.` })
}

function countsOf(bundle: TrustBundle | undefined): string {
  return `${bundle?.x509Authorities.length ?? 0} X.509 and ${bundle?.jwtAuthorities.size ?? 0} JWT authorities`
}

/** Loads the keys of each OIDC issuer from each of their places, and says how its tokens name agents. */
async function* checkIssuers({ identity, listen }: Config): AsyncGenerator<Check> {
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
    ...(reuse === 'lifetime'
      ? [`tokens can be used again by whoever copies them (identity.tokens.reuse: ${reuse})`]
      : []),
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

function checkFileModes(config: Config): string {
  const open = filesOpenToOthers(config)
  if (open.length === 0) return 'no file of the configuration is open to every user'
  throw new StintError('CONFIG_INVALID', { explanation: open.join(' ') })
}

async function checkLedger(file: string): Promise<string> {
  await access(dirname(file), constants.W_OK).catch((error: NodeJS.ErrnoException) => {
    const explanation = `The broker cannot write to the folder ${dirname(file)} (${error.code}): make it, owned by the broker's user.`
    throw new StintError('LEDGER_UNAVAILABLE', { explanation }, error)
  })
  const exists = await access(file).then(
    () => true,
    () => false,
  )
  if (!exists) return 'not there yet; it will be made at the first start'
  const verdict = await verifyAuditFile(file)
  if (!verdict.ok) throw new StintError('AUDIT_INVALID', { seq: verdict.seq, explanation: verdict.explanation })
  return `${verdict.head.seq} events, the chain holds`
}

async function* checkAws(config: Config, { probes }: AwsStsProvider, signal: AbortSignal): AsyncGenerator<Check> {
  const profile = PROFILES[config.aws.profile]
  if (profile.lacks.length > 0) yield { name: `profile ${profile.name}`, ok: true, finding: profile.lacks.join(' ') }
  if (profile.callerIdentity) yield* checkCaller(probes, signal)
  yield* checkRoles(config, probes, signal)
}

async function* checkCaller(probes: AwsProbes, signal: AbortSignal): AsyncGenerator<Check> {
  const identity = await probes.identity(signal)
  yield probed('sts', identity, ({ arn }) => `reached as ${arn}`)
  const revoker = await probes.revoker(signal)
  if (revoker) yield probed('revoker', revoker, ({ arn }) => `reached as ${arn}`)
  const skewMs = identity.details.skewMs
  if (identity.ok && typeof skewMs === 'number') {
    const ok = Math.abs(skewMs) <= MAX_SKEW_MS
    const finding = `${Math.abs(skewMs)} ms ${skewMs < 0 ? 'ahead of' : 'behind'} STS, to the second`
    yield {
      name: 'clock',
      ok,
      finding: ok ? finding : `${finding}; synchronise it`,
      ...(ok ? {} : { code: 'CLOCK_UNSTABLE' as const }),
    }
  }
}

async function* checkRoles(config: Config, probes: AwsProbes, signal: AbortSignal): AsyncGenerator<Check> {
  for (const { arn } of config.roles) {
    yield probed(`role ${arn}`, await probes.trust(arn, signal), () => 'can be assumed with all that a lease sends')
    yield probed(`revocation ${arn}`, await probes.revocation(arn, signal), ({ placement, boundaryOf }) =>
      placement === 'boundary' ? `boundary of ${boundaryOf} role(s)` : `${placement}`,
    )
  }
}

import { ACTION_CLASSES } from '../aws/action-classes.ts'
import { partitionOfRegion } from '../aws/partitions.ts'
import { PROFILES, STORE_PROFILES } from '../aws/store-profile.ts'
import { instantText, z } from '../core/documents/schema.ts'
import { STS_CLIENTS } from '../credentials/aws-sts/calls/assume-role-call.ts'
import { DENY_KEYS } from '../credentials/aws-sts/deny/deny-document.ts'
import { MINT_BY } from '../credentials/aws-sts/mint/mint-by.ts'
import { TOKEN_REUSE } from '../grants/agents/token-guard.ts'
import { operatorRowSchema } from '../grants/operators/operator.ts'
import { approvalSettings } from './approval-settings.ts'
import { awsNetworkSettings, checkAwsNetwork } from './aws-network.ts'
import { budgets } from './budget-settings.ts'
import { checkIdentitySources, identitySources } from './identity-sources.ts'
import { ledgerSettings } from './ledger-settings.ts'
import { noticeSettings } from './notice-settings.ts'
import { oidcIssuers } from './oidc-issuers.ts'
import { reachSettings, readerProblem } from './reach-settings.ts'
import { registrySettings } from './registry-settings.ts'
import { checkRoles, roles } from './role-settings.ts'
import { address } from './values/address-setting.ts'
import { audiences } from './values/audience-setting.ts'
import { duration } from './values/duration-setting.ts'
import { publicUrl } from './values/public-url.ts'

/** A path; a relative one is taken from the folder of the config file. */
const path = z.string().min(1)
const count = (minimum: number, maximum: number) => z.int().min(minimum).max(maximum)

const keyPair = z.strictObject({ certificateFile: path, privateKeyFile: path })
/** Read anew when AWS refuses what they held. */
const awsKeys = z.strictObject({
  accessKeyIdFile: path,
  secretAccessKeyFile: path,
  /** Session token; temporary credentials alone have one. */
  sessionTokenFile: path.optional(),
})

const { groups, subjects } = operatorRowSchema.shape
const operator = operatorRowSchema.extend({
  groups: groups.default([]),
  subjects: subjects.default([]),
  expiresAt: instantText,
})

const settings = z.strictObject({
  listen: z
    .strictObject({
      /** mTLS with X.509-SVIDs. */
      agents: address.prefault('127.0.0.1:8443'),
      /** TLS for callers that have only a bearer token; off unless set. */
      bearer: address.optional(),
      admin: address.prefault('127.0.0.1:8445'),
      /** Plain gRPC health for probes. */
      health: address.prefault('127.0.0.1:8446'),
      /** Prometheus metrics over plain HTTP; off unless set. */
      metrics: address.optional(),
    })
    .prefault({}),
  identity: z
    .strictObject({
      ...identitySources,
      tokens: z
        .strictObject({
          /** JWT-SVIDs are accepted only where an audience is set, here or for their trust domain. */
          audience: audiences.optional(),
          maxLifetime: duration('1m', '24h').prefault('1h'),
          leeway: duration('0s', '30s').prefault('10s'),
          /** How often a bearer token mints, JWT-SVIDs and tokens of OIDC issuers alike. */
          reuse: z.enum(TOKEN_REUSE).default('connection'),
        })
        .prefault({}),
      /** Issuers of workload tokens: CI systems, clusters, clouds. Their tokens come to `listen.bearer`. */
      oidc: oidcIssuers,
      reloadEvery: duration('100ms', '10m').prefault('5s'),
    })
    .superRefine(checkIdentitySources),
  registry: registrySettings,
  approvals: approvalSettings,
  policy: z.strictObject({
    directory: path,
    approvalsRequiredFor: z.array(z.enum(ACTION_CLASSES)).default(['destructive', 'permissions', 'escalation']),
    /** True if `@approval("none")` has any effect. */
    allowWaivers: z.boolean().default(false),
  }),
  labels: z.strictObject({ file: path }).optional(),
  /** Operators' own classes for actions, each with a reason. */
  actions: z.strictObject({ overridesFile: path }).optional(),
  roles,
  /** The roles' own policies: what a plan can truly do. */
  reach: reachSettings,
  aws: z.strictObject({
    region: z.string().regex(/^[a-z]{2,4}(-[a-z]+)+-\d$/, 'must be a region such as eu-central-1'),
    ...awsNetworkSettings,
    /** The broker's own keys; AWS's default chain unless set. */
    credentials: awsKeys.optional(),
    /** Keys of the revoker, which writes deny lists and nothing else; the broker's own unless set. */
    revokerCredentials: awsKeys.optional(),
    callsPerSecond: count(1, 10_000).default(300),
    /** Unproven: `scoped-credentials`, GetScopedCredentials from one AssumeRole a grant. */
    mintBy: z.enum(MINT_BY).default('assume-role'),
    /** The code that sends AssumeRole for leases: our own on the SDK's parts, or the SDK's client. */
    stsClient: z.enum(STS_CLIENTS).default('direct'),
    /** By which keys a boundary names the sessions that it denies. */
    denyBy: z.enum(DENY_KEYS).default('both'),
    /** How often STS is asked whether the broker's own credentials work (GetCallerIdentity); `0s` for never. */
    credentialCheckEvery: duration('0s', '1h').prefault('5m'),
    /** The kind of store that answers: see PROFILES. */
    profile: z.enum(STORE_PROFILES).default('aws'),
    /** Default as the profile says; `stand-in` for other services that do not echo SourceIdentity. */
    strictness: z.enum(['aws', 'stand-in']).optional(),
  }),
  ledger: ledgerSettings,
  admin: z
    .strictObject({
      tls: keyPair.optional(),
      operators: z.array(operator).max(1_000).default([]),
      /** Where people reach the admin API; notices link to it. */
      publicUrl: publicUrl.optional(),
    })
    .prefault({}),
  notices: noticeSettings,
  grants: z
    .strictObject({
      leaseTime: duration('60s', '15m').prefault('5m'),
      minTaskTime: duration('60s', '1h').prefault('60s'),
      maxTaskTime: duration('60s', '12h').prefault('1h'),
      approvalTime: duration('1m', '7d').prefault('30m'),
      /** The time within which the agent must collect an approved grant. */
      claimTime: duration('1m', '24h').prefault('15m'),
      settleTime: duration('0s', '5m').prefault('30s'),
      /** Completing a grant that may do one of these cuts its leases at once; other grants' leases expire. */
      cutOnCompletion: z
        .array(z.enum(ACTION_CLASSES))
        .default(['tag', 'write', 'destructive', 'permissions', 'escalation']),
      retention: duration('1h', '3650d').prefault('90d'),
      callsPerSecondPerAgent: count(1, 100_000).default(20),
      burstPerAgent: count(1, 100_000).default(40),
      concurrentPerAgent: count(1, 10_000).default(16),
      /** Requests of one agent that may be refused; beyond it the agent waits before it is judged again. */
      refusalsPerMinutePerAgent: count(1, 100_000).default(60),
      openGrantsPerAgent: count(1, 10_000_000).default(1_000),
    })
    .refine((grants) => grants.minTaskTime <= grants.maxTaskTime, {
      path: ['minTaskTime'],
      message: 'must not exceed maxTaskTime',
    })
    .prefault({}),
  /** Bounds on what agents, owners and teams may have and do. */
  budgets,
  kill: z
    .strictObject({
      /** The break-glass file: every scope that it names is killed. */
      file: path.optional(),
      /** True: an admin may lift a kill that the same admin has set. */
      liftAlone: z.boolean().default(false),
    })
    .prefault({}),
  server: z
    .strictObject({
      maxConnections: count(1, 100_000).default(2_000),
      maxCallTime: duration('1s', '5m').prefault('30s'),
      drainTime: duration('0s', '10m').prefault('15s'),
      reflection: z.boolean().default(false),
    })
    .prefault({}),
  log: z
    .strictObject({ level: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info') })
    .prefault({}),
})

/** The whole configuration, as the file says it (durations as text); parsing yields milliseconds and defaults. */
export const configSchema = settings.superRefine(checkStore)

/**
 * Finds what is wrong between sections that are fine each by itself, for a configuration that was put together from two files.
 *
 * @returns the rest of a sentence that begins with the path, for each problem.
 */
export function findConflicts(config: Config): { readonly path: string; readonly message: string }[] {
  const found: { path: string; message: string }[] = []
  const context = (...above: string[]) =>
    ({
      addIssue: ({ path = [], message = '' }: { path?: PropertyKey[]; message?: string }) =>
        void found.push({ path: [...above, ...path].join('.'), message }),
    }) as unknown as z.RefinementCtx
  checkStore(config, context())
  checkIdentitySources(config.identity, context('identity'))
  return found
}

const GLOBAL_STS = 'sts.amazonaws.com'

/** A store that is not AWS is reached by its own address, and its roles can have only what it does. */
function checkStore({ aws, roles, reach }: z.output<typeof settings>, context: z.RefinementCtx): void {
  const { name, policy, revocation: possible } = PROFILES[aws.profile]
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
  const isAws = name === 'aws'
  const stsEndpoint = aws.stsEndpoint ?? aws.endpoint
  const store = {
    partition: isAws ? partitionOfRegion(aws.region) : undefined,
    oneAccount: isAws,
    bindsNetworks: policy.bindsNetworks,
    ownEndpoint: stsEndpoint !== undefined,
  }
  checkRoles(roles, store, (path, message) => problem(['roles', ...path], message))
  const reader = reach?.reader && readerProblem(reach.reader, roles)
  if (reader) problem(['reach', 'reader', reader.key], reader.message)
  checkAwsNetwork(aws, problem)
  if (aws.mintBy === 'scoped-credentials' && name !== 'aws')
    problem(['aws', 'mintBy'], `must be assume-role: profile ${name} has no GetScopedCredentials`)
  if (aws.mintBy === 'scoped-credentials' && URL.parse(stsEndpoint ?? '')?.hostname === GLOBAL_STS)
    problem(
      ['aws', 'mintBy'],
      `must be assume-role: ${GLOBAL_STS} has no GetScopedCredentials; use a regional endpoint`,
    )
  if (name === 'aws') return
  if (!stsEndpoint) problem(['aws', 'stsEndpoint'], `must be set: profile ${name} calls a service other than AWS`)
  for (const [at, { revocation }] of roles.entries()) {
    const { kind } = revocation
    if (kind !== 'none' && revocation.furtherPolicyArns)
      problem(
        ['roles', at, 'revocation', 'furtherPolicyArns'],
        `cannot be set: profile ${name} has one document a role`,
      )
    if (!possible.includes(kind))
      problem(['roles', at, 'revocation', 'kind'], `must be ${possible.join(' or ')}: ${name} has no ${kind} deny list`)
  }
  if (
    roles.some(({ revocation }) => revocation.kind === 'inline') &&
    possible.includes('inline') &&
    !(aws.iamEndpoint ?? aws.endpoint)
  )
    problem(['aws', 'iamEndpoint'], `must be set: profile ${name} writes deny lists to a service other than AWS`)
}

/** Parsed: durations are milliseconds, relative paths still relative. */
export type Config = z.output<typeof configSchema>

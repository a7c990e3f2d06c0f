import { filesOpenToOthers } from '../../config/files-open-to-others.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import type { Logger } from '../../core/log.ts'
import { hostPortText } from '../../core/net/host-port.ts'
import type { AwsStsProvider } from '../../credentials/aws-sts/provider.ts'
import { checkAgainst } from '../../policy/check-policies.ts'
import { formatProblem, loadPolicySet } from '../../policy/policy-directory.ts'
import { loadRegistry } from '../../registry/registry-file.ts'
import { createProvider } from '../provider.ts'
import { loadActionOverrides } from '../rules/load-action-overrides.ts'
import { loadLabels } from '../rules/load-labels.ts'
import { loadPolicySurroundings } from '../rules/policy-surroundings.ts'
import { checkAws } from './aws-checks.ts'
import { type Check, check } from './check.ts'
import { checkIdentity } from './identity-checks.ts'
import { checkIssuers } from './issuer-checks.ts'
import { checkLedger } from './ledger-check.ts'

/** Inputs of the doctor besides the configuration. */
export interface DoctorDeps {
  readonly clock: Clock
  readonly logger: Logger
  /** Path and name of roles that a pattern serves, whose trust is to be checked; see `checkAccounts`. */
  readonly roleNames?: readonly string[]
}

/** Looks at everything that a configuration names, in the order in which the broker needs it; nothing is changed. */
export async function* runDoctor(config: Config, deps: DoctorDeps, signal: AbortSignal): AsyncGenerator<Check> {
  yield* checkIdentity(config, deps.clock)
  yield* checkIssuers(config)
  yield* checkRules(config, deps.clock)
  yield check('file modes', async () => checkFileModes(config))
  yield check('ledger', () => checkLedger(config.ledger))
  let provider = undefined as AwsStsProvider | undefined
  yield check('aws settings', async () => {
    provider = await createProvider(config, deps)
    return `${config.roles.length} role(s) in ${config.aws.region}${describeProxy(config.aws.proxy)}`
  })
  if (!provider) return
  try {
    yield* checkAws({ ...config, ...(deps.roleNames && { roleNames: deps.roleNames }) }, provider, deps, signal)
  } finally {
    provider.close()
  }
}

function describeProxy({ url, noProxy }: Config['aws']['proxy']): string {
  if (!url) return ''
  const except = noProxy.length > 0 ? ` except ${noProxy.join(', ')}` : ''
  return `, by the proxy ${hostPortText(url.host, url.port)}${except}`
}

async function* checkRules(config: Config, clock: Pick<Clock, 'now'>): AsyncGenerator<Check> {
  const { registry, policy, labels, actions } = config
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
  if (actions) {
    yield check('action overrides', async () => {
      const overrides = [...(await loadActionOverrides(actions.overridesFile)).values()]
      const lowered = overrides.filter(({ isLowered }) => isLowered).map(({ action }) => action)
      return `${overrides.length} actions have another class${lowered.length > 0 ? `; lowered: ${lowered.join(', ')}` : ''}`
    })
  }
  yield check('names in policies', () => checkNames(config, clock.now()))
}

/** Checks that policies name labels, registrations, operators and roles that exist. */
async function checkNames(config: Config, now: Date): Promise<string> {
  const { policies } = await loadPolicySet(config.policy.directory)
  const problems = checkAgainst(policies, await loadPolicySurroundings({ config }, now))
  const serious = problems.filter(({ severity, rule }) => severity === 'error' || rule === 'approval-unanswerable')
  if (serious.length > 0) throw new StintError('POLICY_INVALID', { explanation: serious.map(formatProblem).join('; ') })
  return ['all names exist, and somebody can give each approval', ...problems.map(({ message }) => message)].join('; ')
}

function checkFileModes(config: Config): string {
  const open = filesOpenToOthers(config)
  if (open.length === 0) return 'no configured file is open to every user'
  throw new StintError('CONFIG_INVALID', { explanation: open.join(' ') })
}

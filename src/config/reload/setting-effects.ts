import type { Config } from '../schema.ts'

/**
 * The settings that a running broker takes from a changed configuration, each with everything below it; `<name>` stands for every
 * key. All others are read at the start. A setting is followed only where the section that holds it was there at the start.
 */
export const FOLLOWED_SETTINGS: readonly string[] = [
  'admin.operators',
  'admin.tls.certificateFile',
  'admin.tls.privateKeyFile',
  'approvals.byClass',
  'approvals.minimumAssurance',
  'budgets',
  'grants.approvalTime',
  'grants.claimTime',
  'grants.cutOnCompletion',
  'grants.leaseTime',
  'grants.maxTaskTime',
  'grants.minTaskTime',
  'grants.settleTime',
  'identity.domains.<name>.audience',
  'identity.oidc',
  'identity.tokens',
  'notices.escalations',
  'notices.slack',
  'notices.webhooks',
  'kill',
  'policy.allowWaivers',
  'policy.approvalsRequiredFor',
  'registry.ownersMustBeOperators',
  'registry.reviewPeriod',
  'registry.writableByApi',
  'roles',
]

/** The running configuration with the followed settings of the next one. */
export function mergeFollowed(running: Config, next: Config): Config {
  return FOLLOWED_SETTINGS.reduce<unknown>(
    (merged, path) => withSetting(merged, next, path.split('.')),
    running,
  ) as Config
}

function withSetting(running: unknown, next: unknown, [key = '', ...rest]: readonly string[]): unknown {
  if (!isSection(running) || !isSection(next)) return running
  if (key === '<name>')
    return Object.keys(running).reduce<unknown>((merged, name) => withSetting(merged, next, [name, ...rest]), running)
  if (rest.length > 0) return { ...running, [key]: withSetting(running[key], next[key], rest) }
  const { [key]: _, ...others } = running
  return key in next ? { ...others, [key]: next[key] } : others
}

function isSection(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

import { parseRoleArn } from '../../aws/arn.ts'
import type { Config } from '../../config/schema.ts'
import type { OwnRules } from './own-rules.ts'
import { createTrustDomain, type PracticeTrustDomain } from './pki.ts'

/** The account and region of the practice cloud: the roles' account if they share one, and the region of the configuration. */
export function findHome({ roleArns, config }: OwnRules): { accountId?: string; region?: string } {
  const [only, another] = new Set(roleArns.flatMap((arn) => parseRoleArn(arn)?.accountId ?? []))
  return {
    ...(only !== undefined && another === undefined && { accountId: only }),
    ...(config && { region: config.aws.region }),
  }
}

/** A practice CA for each trust domain that the registrations name beside the stage's. */
export function createTrustDomains(
  { agents }: OwnRules,
  { name }: PracticeTrustDomain,
): Promise<PracticeTrustDomain[]> {
  const names = new Set(agents.map(({ trustDomain }) => trustDomain))
  return Promise.all([...names].filter((other) => other !== name).map((other) => createTrustDomain(other)))
}

type Issued = { readonly certificateFile: string; readonly privateKeyFile: string; readonly spiffeId: string }

/** An SVID for each agent of the registrations. */
export async function issueOwnSvids(
  own: OwnRules | undefined,
  domains: readonly PracticeTrustDomain[],
  issue: (path: string, from: PracticeTrustDomain) => Promise<Issued>,
): Promise<(Issued & { readonly name: string })[]> {
  const issued: (Issued & { readonly name: string })[] = []
  for (const { name, path, trustDomain } of own?.agents ?? []) {
    const domain = domains.find((candidate) => candidate.name === trustDomain)
    if (domain) issued.push({ name, ...(await issue(path, domain)) })
  }
  return issued
}

/** The stage's config with the user's own files, roles, rules and limits in it. */
export function withOwnRules(
  base: Record<string, unknown>,
  { config, policies, labels, registry, roles }: OwnRules,
  trustDomains: readonly string[],
): Record<string, unknown> {
  const identity = base.identity as { domains: object }
  const domains = Object.fromEntries(trustDomains.map((name) => [name, { file: `${name}.json`, format: 'spiffe' }]))
  const policy = base.policy as object
  const stageRoles = base.roles as { arn: string }[]
  return {
    ...base,
    identity: { ...identity, domains: { ...identity.domains, ...domains } },
    ...(registry !== undefined && { registry: { file: registry } }),
    policy: {
      ...policy,
      ...(policies !== undefined && { directory: policies }),
      ...(config && {
        approvalsRequiredFor: config.policy.approvalsRequiredFor,
        allowWaivers: config.policy.allowWaivers,
      }),
    },
    ...(config && { approvals: config.approvals }),
    ...(labels !== undefined && { labels: { file: labels } }),
    roles: config ? roles : [...stageRoles, ...roles.filter(({ arn }) => stageRoles.every((role) => role.arn !== arn))],
    ...toReach(config?.reach),
    ...(config && { grants: { ...(base.grants as object), ...toLimits(config) } }),
  }
}

/** The practice cloud has no readers: roles are known from files alone. */
function toReach(reach: Config['reach']): object {
  if (reach?.directory === undefined) return {}
  const { reader: _, staleAfter, ...files } = reach
  return { reach: { ...files, staleAfter: `${staleAfter}ms` } }
}

function toLimits({
  grants: { minTaskTime, maxTaskTime, leaseTime, approvalTime, claimTime },
}: Config): Record<string, string> {
  const limits = { minTaskTime, maxTaskTime, leaseTime, approvalTime, claimTime }
  return Object.fromEntries(Object.entries(limits).map(([name, ms]) => [name, `${ms}ms`]))
}

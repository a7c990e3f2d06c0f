import { parseRoleArn } from '../../aws/arn.ts'
import { createRoleReach, type RoleReach } from '../../aws/role-policies/role-reach.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { fillTemplate } from '../../aws/roles/role-template.ts'
import { ownRoleTemplates, type RoleSetting } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { Reloading } from '../../core/files/reloading.ts'
import type { PartFinding } from '../../core/health/part-health.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'
import { loadRolePolicies, type RolePolicies, rolePoliciesFingerprint } from './load-role-policies.ts'

/** The reach of the roles whose policies are known. Another object whenever an answer may have changed. */
export interface RoleReaches {
  /** Undefined for a role whose policies are not known. */
  find(roleArn: string): RoleReach | undefined
  /** When the policies of a role were read; undefined as for `find`. */
  readAt(roleArn: string): Date | undefined
}

/** The known policies of roles, as they are now. */
export interface FollowingRolePolicies {
  current(): RoleReaches
}

const NONE: RoleReaches = { find: () => undefined, readAt: () => undefined }

/** Follows the directory with the policies of roles (`reach.directory`). */
export const rolePolicies = definePart({
  name: 'rolePolicies',
  async start({ config, liveConfig, clock, partHealth }: Surroundings) {
    const { reach } = config
    if (!reach) return { value: { current: () => NONE } as FollowingRolePolicies }
    let rules = new RoleRules(config.roles, ownRoleTemplates(config.roles))
    let reaches = NONE
    /** Counts the changes of the roles that are wanted. */
    let generation = 0
    const source = new Reloading<RolePolicies>({
      clock,
      pollMs: config.identity.reloadEvery,
      load: () => loadRolePolicies(reach.directory, (roleArn) => rules.find(roleArn) !== undefined),
      fingerprint: async () => `${generation} ${await rolePoliciesFingerprint(reach.directory)}`,
      onLoaded: (loaded) => {
        reaches = createReaches(loaded, rules)
      },
      onState: (problem) => partHealth.report('role-policies', problem),
    })
    await source.start()
    const findOld = () => partHealth.found('role-policies', oldPolicies(source.status.value, reach, clock))
    findOld()
    const watch = watchAge(clock, findOld)
    liveConfig.follow('rolePolicies', (next) => {
      const nextRules = new RoleRules(next.roles, ownRoleTemplates(next.roles))
      return () => {
        rules = nextRules
        // The files are the same, and other roles of them are wanted.
        generation += 1
        void source.check().then(findOld)
      }
    })
    const value: FollowingRolePolicies = { current: () => reaches }
    return {
      value,
      stop: async () => {
        await watch.stop()
        await source.stop()
      },
    }
  },
})

/** Prepares the policies of a role when a plan first asks for it. */
function createReaches({ roles, resourcePolicies }: RolePolicies, rules: RoleRules<RoleSetting>): RoleReaches {
  const prepared = new Map<string, RoleReach>()
  return {
    find(roleArn) {
      const known = prepared.get(roleArn)
      if (known) return known
      const documents = roles.get(roleArn)
      if (!documents) return undefined
      const own = ownPolicies(roleArn, rules)
      const reach = createRoleReach({ documents, resourcePolicies, isOwnPolicy: (arn) => own.has(arn) })
      prepared.set(roleArn, reach)
      return reach
    },
    readAt: (roleArn) => roles.get(roleArn)?.readAt,
  }
}

/** The deny list of a role, which Stint writes itself. */
function ownPolicies(roleArn: string, rules: RoleRules<RoleSetting>): ReadonlySet<string> {
  const found = rules.find(roleArn)
  const role = parseRoleArn(roleArn)
  if (!found || !role || found.rule.revocation.kind === 'none') return new Set()
  const { revocation } = found.rule
  const templates = [
    ...(revocation.kind === 'boundary' ? [revocation.policyArn] : []),
    ...(revocation.furtherPolicyArns ?? []),
  ]
  return new Set(templates.map((template) => fillTemplate(template, role)))
}

const MAX_FINDINGS = 20

function oldPolicies(
  loaded: RolePolicies | undefined,
  { staleAfter }: NonNullable<Config['reach']>,
  clock: Clock,
): PartFinding[] {
  const oldest = clock.now().getTime() - staleAfter
  const old = [...(loaded?.roles.values() ?? [])].filter(({ readAt }) => readAt.getTime() < oldest)
  return old.slice(0, MAX_FINDINGS).map(({ roleArn, readAt }) => ({
    finding: `old-${roleArn}`,
    code: 'ROLE_POLICIES_OLD',
    explanation: `The policies of ${roleArn} are those of ${readAt.toISOString()}; plans show a reach that may have changed since. Write the file of its account anew.`,
  }))
}

const LOOK_EVERY_MS = 60_000

function watchAge(clock: Clock, look: () => void): { stop(): Promise<void> } {
  const abort = new AbortController()
  const work = (async () => {
    while (!abort.signal.aborted) {
      const slept = await clock.sleep(LOOK_EVERY_MS, abort.signal).then(
        () => true,
        () => false,
      )
      if (slept) look()
    }
  })()
  return {
    stop: () => {
      abort.abort()
      return work
    },
  }
}

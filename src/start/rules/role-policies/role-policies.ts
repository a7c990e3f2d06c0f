import type { RoleDocuments } from '../../../aws/role-policies/role-documents.ts'
import { RoleRules } from '../../../aws/roles/role-rules.ts'
import { ownRoleTemplates } from '../../../config/role-settings.ts'
import type { Config } from '../../../config/schema.ts'
import type { Clock } from '../../../core/clock.ts'
import { Reloading } from '../../../core/files/reloading.ts'
import type { PartFinding } from '../../../core/health/part-health.ts'
import { definePart } from '../../part.ts'
import type { Surroundings } from '../../surroundings.ts'
import { KnownPolicies, type KnownRole, NO_POLICIES, type RoleReaches } from './known-policies.ts'
import { loadRolePolicies, type RolePolicies, rolePoliciesFingerprint } from './load-role-policies.ts'

/** The known policies of roles, as they are now. */
export interface FollowingRolePolicies {
  current(): RoleReaches
  /** Takes the policies that were read from IAM, all of them. They count before those of a file. */
  setRead(roles: ReadonlyMap<string, RoleDocuments>): void
}

const NONE: RoleReaches = { find: () => undefined, readAt: () => undefined }

/** Follows the policies of roles: the directory (`reach.directory`), and what is read from IAM. */
export const rolePolicies = definePart({
  name: 'rolePolicies',
  async start({ config, liveConfig, clock, partHealth }: Surroundings) {
    const { reach } = config
    if (!reach) return { value: { current: () => NONE, setRead: () => undefined } as FollowingRolePolicies }
    const { directory } = reach
    const known = new KnownPolicies(new RoleRules(config.roles, ownRoleTemplates(config.roles)))
    /** Counts the changes of the roles that are wanted. */
    let generation = 0
    const source = new Reloading<RolePolicies>({
      clock,
      pollMs: config.identity.reloadEvery,
      load: async () => (directory ? loadRolePolicies(directory, (roleArn) => known.serves(roleArn)) : NO_POLICIES),
      fingerprint: async () => `${generation} ${directory ? await rolePoliciesFingerprint(directory) : ''}`,
      onLoaded: (loaded) => known.setFiles(loaded),
      onState: (problem) => partHealth.report('role-policies', problem),
    })
    await source.start()
    const findOld = () => partHealth.found('role-policies', oldPolicies(known.list(), reach, clock))
    findOld()
    const watch = watchAge(clock, findOld)
    liveConfig.follow('rolePolicies', (next) => {
      const nextRules = new RoleRules(next.roles, ownRoleTemplates(next.roles))
      return () => {
        known.setRules(nextRules)
        // The files are the same, and other roles of them are wanted.
        generation += 1
        void source.check().then(findOld)
      }
    })
    const value: FollowingRolePolicies = {
      current: () => known.reaches,
      setRead: (roles) => {
        known.setRead(roles)
        findOld()
      },
    }
    return {
      value,
      stop: async () => {
        await watch.stop()
        await source.stop()
      },
    }
  },
})

const MAX_FINDINGS = 20

function oldPolicies(
  known: readonly KnownRole[],
  { staleAfter }: NonNullable<Config['reach']>,
  clock: Clock,
): PartFinding[] {
  const oldest = clock.now().getTime() - staleAfter
  const old = known.filter(({ documents: { readAt } }) => readAt.getTime() < oldest)
  return old.slice(0, MAX_FINDINGS).map(({ documents: { roleArn, readAt }, isFromIam }) => ({
    finding: `old-${roleArn}`,
    code: 'ROLE_POLICIES_OLD',
    explanation: `The policies of ${roleArn} are those of ${readAt.toISOString()}; plans show a reach that may have changed since. ${isFromIam ? 'They could not be read from IAM since; the status says why.' : 'Write the file of its account anew.'}`,
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

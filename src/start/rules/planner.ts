import { RoleRules } from '../../aws/roles/role-rules.ts'
import { PROFILES } from '../../aws/store-profile.ts'
import { type RoleSetting, revokerTemplates } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import { Reloading } from '../../core/files/reloading.ts'
import { type LabelSet, NO_LABELS } from '../../plan/labels.ts'
import { loadLabels } from '../../plan/load-labels.ts'
import type { PlanWarning } from '../../plan/plan.ts'
import { createPlanner, type Planner, type RoleSettings } from '../../plan/planner.ts'
import { definePart } from '../part.ts'
import type { Surroundings } from '../surroundings.ts'

/** A planner with the labels of now. */
export interface FollowingPlanner extends Pick<Planner, 'plan'> {
  /** Undefined until a file of them was loaded. */
  labels(): LabelSet | undefined
}

/** Makes plans with the labels of now: a planner is made anew with each version of their file. */
export const planner = definePart({
  name: 'planner',
  async start({ config, clock, partHealth }: Surroundings) {
    const file = config.labels?.file
    const settings = plannerSettings(config)
    const planners = new Reloading<{ labels: LabelSet; planner: Planner }>({
      load: async () => {
        const labels = file ? await loadLabels(file) : NO_LABELS
        return { labels, planner: createPlanner({ ...settings, labels }) }
      },
      fingerprint: async () => (file ? (await readSmallFile(file)).hash : ''),
      pollMs: config.identity.reloadEvery,
      clock,
      // Without labels a forbid on `touches` would not fire, so a first load that failed serves nobody.
      missing: {
        code: 'POLICY_UNAVAILABLE',
        explanation: 'No labels have been loaded, so no task can be planned; an operator must fix the file.',
      },
      onState: (problem) => partHealth.report('labels', problem),
    })
    await planners.start()
    const value: FollowingPlanner = {
      plan: (subject, task) => planners.current().planner.plan(subject, task),
      labels: () => planners.status.value?.labels,
    }
    return { value, stop: () => planners.stop(), ready: () => planners.status.value !== undefined }
  },
})

function roleSettings({ allowWildcard, allowWildcardReads, tagKeys, revocation }: RoleSetting): RoleSettings {
  const settings = { allowWildcard, allowWildcardReads, tagKeys }
  return revocation.kind === 'none' ? { ...settings, warnings: [CANNOT_REVOKE] } : settings
}

const CANNOT_REVOKE: PlanWarning = {
  kind: 'cannot_revoke',
  explanation:
    'Sessions of this role cannot be revoked: their credentials work until the lease ends. An operator can give the role a deny list (revocation: boundary or inline).',
}

/** The planner's settings; labels come from their own file. */
export function plannerSettings({ roles, grants: { minTaskTime, maxTaskTime }, aws }: Config) {
  const settings = new Map(roles.map((role) => [role, roleSettings(role)]))
  const rules = new RoleRules(roles, revokerTemplates(roles))
  return {
    roles: {
      get: (roleArn: string) => {
        const found = rules.find(roleArn)
        return found && settings.get(found.rule)
      },
    },
    limits: { minTtlSeconds: Math.ceil(minTaskTime / 1_000), maxTtlSeconds: Math.floor(maxTaskTime / 1_000) },
    profile: PROFILES[aws.profile],
  }
}

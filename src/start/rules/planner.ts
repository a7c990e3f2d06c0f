import { PROFILES } from '../../aws/store-profile.ts'
import type { Config } from '../../config/schema.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import { Reloading } from '../../core/files/reloading.ts'
import type { PartFinding } from '../../core/health/part-health.ts'
import { type ActionOverrides, describeLowering, NO_OVERRIDES } from '../../plan/action-overrides.ts'
import { type LabelSet, NO_LABELS } from '../../plan/labels/labels.ts'
import { createPlanner, type Planner } from '../../plan/planner.ts'
import { definePart } from '../part.ts'
import { nothingLoaded } from '../readiness.ts'
import type { Surroundings } from '../surroundings.ts'
import { loadActionOverrides } from './load-action-overrides.ts'
import { loadLabels } from './load-labels.ts'
import { PlannerRoles } from './planner-roles.ts'
import type { RoleReaches } from './role-policies/known-policies.ts'
import type { FollowingRolePolicies } from './role-policies/role-policies.ts'

/** A planner with the labels of now. */
export interface FollowingPlanner extends Pick<Planner, 'plan'> {
  /** The labels in force; undefined until their file was loaded. */
  labels(): LabelSet | undefined
  /** The overrides in force; undefined until their file was loaded. */
  overrides(): ActionOverrides | undefined
  /** Sets the account in which the broker's credentials can write deny lists. Plans for roles in other accounts warn from now on. */
  setWriterAccount(accountId: string): void
}

interface Needs extends Surroundings {
  readonly rolePolicies: FollowingRolePolicies
}

/** Makes plans with the roles, their policies, labels and overrides of now, by a new planner for each version of their files. */
export const planner = definePart({
  name: 'planner',
  async start({ config, liveConfig, clock, partHealth, rolePolicies }: Needs) {
    let settings = plannerSettings(config)
    let writerAccount: string | undefined
    const follow = { clock, pollMs: config.identity.reloadEvery }
    const labelsFile = config.labels?.file
    const labels = new Reloading<LabelSet>({
      ...follow,
      load: async () => (labelsFile ? await loadLabels(labelsFile) : NO_LABELS),
      fingerprint: () => fingerprint(labelsFile),
      // Without labels a forbid on `touches` would not fire, so a first load that failed serves nobody.
      missing: {
        code: 'POLICY_UNAVAILABLE',
        explanation: 'No labels have been loaded, so no task can be planned; an operator must fix the file.',
      },
      onState: (problem) => partHealth.report('labels', problem),
    })
    const overridesFile = config.actions?.overridesFile
    const overrides = new Reloading<ActionOverrides>({
      ...follow,
      load: async () => (overridesFile ? await loadActionOverrides(overridesFile) : NO_OVERRIDES),
      fingerprint: () => fingerprint(overridesFile),
      // Without overrides an action whose class was raised would pass policies that keep its raised class out.
      missing: {
        code: 'POLICY_UNAVAILABLE',
        explanation:
          'No overrides of action classes have been loaded, so no task can be planned; an operator must fix the file.',
      },
      onLoaded: (loaded) => partHealth.found('actions', findLowered(loaded)),
      onState: (problem) => partHealth.report('actions', problem),
    })
    const sources = [labels, overrides]
    for (const source of sources) await source.start()
    let findPlanner = createPlannerMemory(settings)
    liveConfig.follow('planner', (next) => {
      const nextSettings = plannerSettings(next)
      return () => {
        settings = nextSettings
        if (writerAccount !== undefined) settings.roles.setWriterAccount(writerAccount)
        findPlanner = createPlannerMemory(settings)
      }
    })
    const value: FollowingPlanner = {
      plan: (subject, task) =>
        findPlanner(labels.current(), overrides.current(), rolePolicies.current()).plan(subject, task),
      labels: () => labels.status.value,
      overrides: () => overrides.status.value,
      setWriterAccount: (accountId) => {
        writerAccount = accountId
        if (settings.roles.setWriterAccount(accountId)) findPlanner = createPlannerMemory(settings)
      },
    }
    return {
      value,
      stop: async () => {
        for (const source of sources) await source.stop()
      },
      notReady: () => nothingLoaded(labels) ?? nothingLoaded(overrides),
    }
  },
})

async function fingerprint(file: string | undefined): Promise<string> {
  return file === undefined ? '' : (await readSmallFile(file)).hash
}

/** Makes a function that returns the same planner, with its remembered plans, while everything that it is made of is the same. */
function createPlannerMemory(
  settings: ReturnType<typeof plannerSettings>,
): (labels: LabelSet, overrides: ActionOverrides, reaches: RoleReaches) => Planner {
  let made: { labels: LabelSet; overrides: ActionOverrides; reaches: RoleReaches; planner: Planner } | undefined
  return (labels, overrides, reaches) => {
    if (made?.labels !== labels || made.overrides !== overrides || made.reaches !== reaches) {
      const findReach = (roleArn: string) => reaches.find(roleArn)
      made = { labels, overrides, reaches, planner: createPlanner({ ...settings, labels, overrides, findReach }) }
    }
    return made.planner
  }
}

/** Lowered classes that the status names one by one; the others are one finding. */
const MAX_LOWERED = 40

/** Findings for the status: a lowered class stays on it while it is in force. */
function findLowered(overrides: ActionOverrides): PartFinding[] {
  return [...overrides.values()]
    .filter(({ isLowered }) => isLowered)
    .map((override, at) => ({
      finding: at < MAX_LOWERED ? `lowered-${override.action}` : 'lowered-others',
      code: 'ACTION_CLASS_LOWERED',
      explanation: `${describeLowering(override)}.`,
    }))
}

/** The planner's settings; labels come from their own file. */
export function plannerSettings({ roles, grants: { minTaskTime, maxTaskTime }, aws }: Config) {
  return {
    roles: new PlannerRoles(roles),
    limits: { minTtlSeconds: Math.ceil(minTaskTime / 1_000), maxTtlSeconds: Math.floor(maxTaskTime / 1_000) },
    profile: PROFILES[aws.profile],
  }
}

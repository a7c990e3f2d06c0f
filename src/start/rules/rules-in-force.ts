import { ACTION_TABLE_VERSION } from '../../aws/classify.ts'
import type { Config } from '../../config/schema.ts'
import { canonicalJson, type Json, sha256Hex } from '../../core/canonical-json.ts'
import type { Reloading } from '../../core/files/reloading.ts'
import type { RulesInForce } from '../../grants/reevaluate/rule-watch.ts'
import type { ActionOverrides } from '../../plan/action-overrides.ts'
import type { LabelSet } from '../../plan/labels/labels.ts'
import type { PolicySet } from '../../policy/policy-set.ts'
import type { Registry } from '../../registry/registry.ts'
import type { LiveConfig } from '../reload/live-config.ts'
import type { FollowingRolePolicies } from './role-policies/role-policies.ts'

/** The sources of all rules that grants are judged by. */
export interface RuleSources {
  readonly policies: Pick<Reloading<PolicySet>, 'status'>
  readonly registry: Pick<Reloading<Registry>, 'status'>
  readonly planner: { labels(): LabelSet | undefined; overrides(): ActionOverrides | undefined }
  readonly rolePolicies: FollowingRolePolicies
  readonly liveConfig: Pick<LiveConfig, 'current'>
}

/** Makes a function that tells the rules of now; it digests only what is new to it. */
export function createRulesReader({ policies, registry, planner, rolePolicies, liveConfig }: RuleSources) {
  let seen: readonly unknown[] = []
  let known: RulesInForce | undefined
  let version = 0
  const readSettings = createSettingsReader(liveConfig)
  return (): RulesInForce | undefined => {
    const [set, registrations] = [policies.status.value, registry.status.value]
    const [labels, overrides] = [planner.labels(), planner.overrides()]
    if (!set || !registrations || !labels || !overrides) return undefined
    // The roles' own policies decide no judgement, only whether a plan is still the one that was approved: so no digest covers them.
    const now = [set, registrations, labels, overrides, rolePolicies.current(), readSettings()]
    if (known && now.every((each, index) => each === seen[index])) return known
    seen = now
    version += 1
    const parts = [set.hash, registrations.hash, digestLabels(labels), digestOverrides(overrides), readSettings()]
    const digest = sha256Hex(canonicalJson([...parts, ACTION_TABLE_VERSION]))
    known = { digest, policySetHash: set.hash, version: `${version}` }
    return known
  }
}

function digestLabels({ labels }: LabelSet): string {
  const written = labels.map(({ label, marks, patterns, tags }) => [
    label,
    marks,
    patterns.map(({ text }) => text),
    tags,
  ])
  return digest(written)
}

function digestOverrides(overrides: ActionOverrides): string {
  return digest([...overrides.values()].map(({ action, class: risk }) => `${action} ${risk}`).sort())
}

/** Most changes of the configuration are about something else. */
function createSettingsReader(liveConfig: RuleSources['liveConfig']): () => string {
  let seen: Config | undefined
  let known = ''
  return () => {
    const config = liveConfig.current()
    if (config !== seen) known = digestSettings(config)
    seen = config
    return known
  }
}

/** The settings that plans and decisions depend on. */
function digestSettings({ policy, roles, grants, aws }: Config): string {
  const { approvalsRequiredFor, allowWaivers } = policy
  const { minTaskTime, maxTaskTime } = grants
  return digest([approvalsRequiredFor, allowWaivers, roles, minTaskTime, maxTaskTime, aws.profile])
}

function digest(value: unknown): string {
  return sha256Hex(canonicalJson(JSON.parse(JSON.stringify(value)) as Json))
}

import { splitWords } from '../../core/text/split-words.ts'
import type { ActionClass } from '../action-classes.ts'

/** A verdict on an action by its name. */
export interface NameVerdict {
  readonly class: ActionClass
  readonly reason: string
  /** Why the effect outlives revocation; set only if it does. */
  readonly outlives?: string
}

/** Words that make a write destructive wherever they stand in its name. */
const ANYWHERE = splitWords(`
  Delete Deletes Deletion Terminate Terminates Termination Purge Destroy Wipe Erase Evict Truncate Deprovision Uninstall
  Shutdown
`)

/** Words that make a write destructive at the start of its name, or after one of the prefixes. */
const LEADING = splitWords(`
  Remove Stop Cancel Detach Disassociate Dissociate Revoke Deregister Unregister Disable Reset Deactivate Abort Reboot
  Restart Failover Release Rollback Unassign Unsubscribe Discard Expire Suspend Pause Kill Clear Flush Leave Close Undeploy
  Invalidate Prune Exclude Overwrite Abandon Withdraw Unlink Unpublish Unshare Retire Decommission Decrease Disconnect
  Revert Drop Unmount Vacate Quarantine Reimage Rebuild Swap Switchover Move Dispose
`)
const PREFIXES = splitWords('Batch Bulk Admin Force Start Initiate Schedule Request Mass Sync Global Parti QL')

/** Calling off a deletion, e.g. `CancelKeyDeletion`: the safe direction. */
const UNDOES_DELETION = /^Cancel\w*(Deletion|Termination)$/

/** Stopping work that only reads, analyses or copies: it can be started again, and what it read is still there. */
const STOPS_OWN_WORK =
  /^(Cancel|Stop|Abort)(?!\w*(Continuous|Schedule|Experiment|Audit|WithDelete|TelemetryEv|SpeakerSearch))\w*(Query|Statement|Calculation|Export|Report|Detection|Inference|EvaluationJob|BatchEvaluation|EvaluationRun|RecommendationRun|RecommendationsJob|BenchmarkJob|Import|Search|Upload)/

/** Names of purchases. */
const PURCHASE = /^(Confirm|Complete|Start|Submit)?Purchase(?!Order)/

/** Names of writes that change who may do what. */
const PERMISSION_NAME =
  /^(Put|Set|Add|Remove|Delete|Update|Create|Grant|Revoke|Attach|Detach|Modify)(\w*)(ResourcePolicy|Permissions?|AccessPolicy|ResourceBasedPolicy|RepositoryPolicy|AccessEntry|Grants?)(V2)?$/

/** Makes a person, group or account a member or administrator, or decides who vouches for people. */
const RIGHTS_NAME =
  /^(Batch)?(Create|Add|Put|Update|Modify|Associate|Assign|Register|Enable|Activate|Attach)(?!\w*Multicast)\w*(Delegated?Admin(istrator|Account)?|DelegatedAdminAccount|OrganizationAdminAccount|AdminAccount|AppInstanceAdmin|AdminRoleAssignment|(Project|Folder|Role|Group|Environment)Memberships?|GroupMembers?|(User|Member)ToGroup|UserSecurityProfiles|ImpersonationRole|IdentityProvider(Config\w*|Settings)?|IdentitySource|TrustProvider)$/
/** Makes a user, or changes one. */
const USER_NAME = /^(Batch)?(Create|Update|Enable|Activate)(Kx)?Users?$/

/** Names of calls that only look, whatever access level they are filed under. */
const LOOKS = /^(Batch)?(Get|List|Describe|Search|Validate|Test|View)[A-Z]/

/** Names of calls that change something, whatever access level they are filed under. */
const CHANGES =
  /^(Batch)?(Create|Put|Update|Delete|Register|Approve|Remove|Set|Attach|Detach|Modify|Terminate|Revoke|Grant)(?!\w*(Tag|Url))[A-Z]/

/** The rules about names as text. They are part of the table's version, since other rules may classify otherwise. */
export const NAME_RULES: readonly string[] = [
  ...[ANYWHERE, LEADING, PREFIXES].map((words) => [...words].join(' ')),
  ...[UNDOES_DELETION, STOPS_OWN_WORK, PURCHASE, PERMISSION_NAME, RIGHTS_NAME, USER_NAME, LOOKS, CHANGES].map(
    ({ source }) => source,
  ),
]

/**
 * The verdicts on the name of an action that AWS files as a write, worst last; empty if the name says nothing. AWS has no
 * access level for what deletes or stops.
 *
 * @param name without the service, e.g. `TerminateInstances`.
 */
export function judgeName(name: string): readonly NameVerdict[] {
  const found: NameVerdict[] = []
  if (isDestructive(name))
    found.push({ class: 'destructive', reason: 'its name says that it deletes, stops or cuts off' })
  if (PURCHASE.test(name)) found.push({ class: 'destructive', reason: 'a purchase commits money and cannot be undone' })
  if (managesPermissions(name)) {
    found.push({ class: 'permissions', reason: 'its name says that it changes a resource policy or a permission' })
  }
  if (RIGHTS_NAME.test(name) || USER_NAME.test(name)) {
    const reason = 'its name says that it gives a person, group or account rights'
    found.push({ class: 'permissions', reason, outlives: 'the user, membership or trust stays' })
  }
  return found
}

/**
 * True if the name of a write action says that something is deleted, stopped or cut off. AWS has no such access level.
 *
 * @param name without the service, e.g. `TerminateInstances`.
 */
export function isDestructive(name: string): boolean {
  if (UNDOES_DELETION.test(name) || STOPS_OWN_WORK.test(name)) return false
  const parts = name.match(/[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+/g) ?? []
  if (parts.some((part) => ANYWHERE.has(part))) return true
  const first = parts.find((part) => !PREFIXES.has(part))
  return first !== undefined && LEADING.has(first)
}

/** True if the name of a write action says that it changes a resource policy or a permission. */
export function managesPermissions(name: string): boolean {
  return PERMISSION_NAME.test(name)
}

/** The class of an action that AWS files under permissions management and that only looks, e.g. `GetResourcePolicy`. */
export function looksOnly(name: string): 'list' | 'read' | undefined {
  if (!LOOKS.test(name)) return undefined
  return name.startsWith('List') ? 'list' : 'read'
}

/** True if the name says that something changes, so that the action is no list, read or tag, whatever AWS says. */
export function changesByName(name: string): boolean {
  return CHANGES.test(name)
}

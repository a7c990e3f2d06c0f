/** Words that make a write destructive wherever they stand in its name. */
const ANYWHERE = splitWords(`
  Delete Deletes Deletion Terminate Terminates Termination Purge Destroy Wipe Erase Evict Truncate Deprovision Uninstall
  Shutdown
`)

/** Words that do so at the beginning, or behind one of the prefixes. */
const LEADING = splitWords(`
  Remove Stop Cancel Detach Disassociate Dissociate Revoke Deregister Unregister Disable Reset Deactivate Abort Reboot
  Restart Failover Release Rollback Unassign Unsubscribe Discard Expire Suspend Pause Kill Clear Flush Leave Close Undeploy
  Invalidate Prune Exclude Overwrite Abandon Withdraw Unlink Unpublish Unshare Retire Decommission Decrease Disconnect
  Reject Revert Drop Unmount Vacate Quarantine Reimage Rebuild Swap Switchover Move
`)
const PREFIXES = splitWords('Batch Bulk Admin Force Start Initiate Schedule Request Mass Sync Global')

/** Words that make a write one that changes who may do what. */
const PERMISSION_NAME =
  /^(Put|Set|Add|Remove|Delete|Update|Create|Grant|Revoke|Attach|Detach|Modify)(\w*)(ResourcePolicy|Permissions?|AccessPolicy|ResourceBasedPolicy|RepositoryPolicy|AccessEntry|Grants?)(V2)?$/

/**
 * True if the name of a write action says that something is deleted, stopped or cut off. AWS has no such access level.
 *
 * @param name without the service, e.g. `TerminateInstances`.
 */
export function isDestructive(name: string): boolean {
  const parts = name.match(/[A-Z]+(?![a-z])|[A-Z][a-z0-9]*|[a-z0-9]+/g) ?? []
  if (parts.some((part) => ANYWHERE.has(part))) return true
  const first = parts.find((part) => !PREFIXES.has(part))
  return first !== undefined && LEADING.has(first)
}

/** True if the name of a write action says that it changes a resource policy or a permission. */
export function managesPermissions(name: string): boolean {
  return PERMISSION_NAME.test(name)
}

function splitWords(text: string): ReadonlySet<string> {
  return new Set(text.trim().split(/\s+/))
}

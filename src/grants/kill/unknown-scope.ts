import type { HoldScope } from '../../ledger/holds/hold-records.ts'
import { matchCovers } from '../../registry/agent-match.ts'
import type { Registration } from '../../registry/registration.ts'

type Known = Pick<Registration, 'name' | 'match' | 'owner' | 'team'>

const SCOPE_NAMES: { readonly [Kind in HoldScope['kind']]?: string } = {
  agent: 'the agent',
  owner: 'the owner',
  team: 'the team',
}

/**
 * A sentence for whoever kills agents that nobody has registered, since the name may be misspelt; undefined if the scope is not
 * one of registered agents. Such a kill is in force all the same: agents can be registered later.
 */
export function warnOfUnknownScope({ kind, value }: HoldScope, registrations: readonly Known[]): string | undefined {
  const what = SCOPE_NAMES[kind]
  if (what === undefined || registrations.some((registration) => isMeant(kind, value, registration))) return undefined
  return `No registration has ${what} ${value}. Check the spelling: stint agents list.`
}

function isMeant(kind: HoldScope['kind'], value: string, { name, match, owner, team }: Known): boolean {
  if (kind === 'owner') return owner === value
  if (kind === 'team') return team === value
  return name === value || matchCovers(match, value) || matchCovers(value, match)
}

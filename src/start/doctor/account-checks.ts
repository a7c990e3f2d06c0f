import { splitArn } from '../../aws/arn.ts'
import { parseRolePattern, type RolePattern } from '../../aws/roles/role-pattern.ts'
import { RoleRules } from '../../aws/roles/role-rules.ts'
import { ownRoleTemplates } from '../../config/role-settings.ts'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { type ErrorDetails, StintError } from '../../core/errors.ts'
import { mapSideBySide } from '../../core/limits/side-by-side.ts'
import type { ProbeResult } from '../../credentials/aws-sts/probes.ts'
import type { AwsStsProvider } from '../../credentials/aws-sts/provider.ts'
import type { CanaryRole } from '../../credentials/canary.ts'
import type { StartOwnSession } from '../../credentials/own-session.ts'
import { CanarySessions } from '../../grants/canaries/canary-sessions.ts'
import { type Check, check, probed } from './check.ts'

/** Accounts that are checked at the same time. */
const SIDE_BY_SIDE = 16
/** Time for all checks of one account; after it, an account that hangs is given up. */
const ACCOUNT_MS = 60_000

/** The broker's identities at AWS; absent with stand-ins that do not tell them. */
export interface Callers {
  /** The principal that mints. */
  readonly broker?: string | undefined
  /** The principal that assumes revokers, and writes the deny lists of roles that have none. */
  readonly writer?: string | undefined
}

/** The provider that is checked, and how its sessions come on record. */
export interface CheckedProvider extends Pick<AwsStsProvider, 'probes' | 'findDenyList' | 'canaries'> {
  readonly start: StartOwnSession
  readonly clock: Clock
}

/** The checks of one account. */
interface AccountWork {
  readonly accountId: string
  readonly roleArns: string[]
  /** Role patterns, each with the ARN of a made-up role that it serves. */
  readonly patterns: { readonly text: string; readonly example: string }[]
}

/**
 * Checks accounts side by side, in the order of the configuration: the trust of each role, and the place of its deny list.
 *
 * @param config.roleNames path and name of roles that the configuration names by a pattern, e.g. `/stint/agent-data`: the trust of
 *   each is checked in every account that a pattern lists for it.
 * @param deadlineFor aborts when the checks of an account are given up; default after 60 s.
 */
export async function* checkAccounts(
  { roles, roleNames = [] }: Pick<Config, 'roles'> & { readonly roleNames?: readonly string[] },
  provider: CheckedProvider,
  callers: Callers,
  signal: AbortSignal,
  deadlineFor: (accountId: string) => AbortSignal = () => AbortSignal.timeout(ACCOUNT_MS),
): AsyncGenerator<Check> {
  const { works, everywhere, unserved } = planWork(roles, roleNames)
  for (const text of everywhere) {
    const finding = 'serves every account, so none is checked; list accounts in roles[].accounts to check them'
    yield { name: `roles ${text}`, ok: true, finding }
  }
  for (const name of unserved) {
    const finding = 'no rule of roles with accounts serves a role of this name; check path and name, or list accounts'
    yield { name: `role ${name}`, ok: false, finding, code: 'ROLE_UNKNOWN' }
  }
  const checkInTime = (work: AccountWork) => {
    const inTime = AbortSignal.any([signal, deadlineFor(work.accountId)])
    return checkAccount(work, provider, callers, inTime)
  }
  for await (const checks of mapSideBySide(works, SIDE_BY_SIDE, checkInTime)) yield* checks
}

function planWork(
  roles: Config['roles'],
  roleNames: readonly string[],
): { works: AccountWork[]; everywhere: string[]; unserved: string[] } {
  const rules = new RoleRules(roles, ownRoleTemplates(roles))
  const unserved = new Set(roleNames)
  const works = new Map<string, AccountWork>()
  const everywhere: string[] = []
  const workIn = (accountId: string): AccountWork => {
    const known = works.get(accountId) ?? { accountId, roleArns: [], patterns: [] }
    works.set(accountId, known)
    return known
  }
  for (const rule of roles) {
    const { arn, accounts } = rule
    const pattern = parseRolePattern(arn, accounts)
    if (!pattern) continue
    for (const roleArn of pattern.spelled ?? []) workIn(splitArn(roleArn).account ?? '').roleArns.push(roleArn)
    if (pattern.spelled) continue
    if (!pattern.accounts) everywhere.push(arn)
    for (const accountId of pattern.accounts ?? []) {
      const work = workIn(accountId)
      const named = roleNames.filter((name) => {
        const roleArn = `arn:${pattern.partition}:iam::${accountId}:role${name}`
        if (rules.find(roleArn)?.rule !== rule) return false
        work.roleArns.push(roleArn)
        return true
      })
      for (const name of named) unserved.delete(name)
      if (named.length === 0) work.patterns.push({ text: arn, example: makeExampleArn(pattern, accountId) })
    }
  }
  return { works: [...works.values()], everywhere, unserved: [...unserved] }
}

function makeExampleArn({ text, partition }: RolePattern, accountId: string): string {
  return `arn:${partition}:iam::${accountId}:${splitArn(text).resource.replace(/[*?]/g, 'x')}`
}

async function checkAccount(
  { accountId, roleArns, patterns }: AccountWork,
  { probes, findDenyList, canaries, start, clock }: CheckedProvider,
  { broker, writer }: Callers,
  signal: AbortSignal,
): Promise<Check[]> {
  const checks: Check[] = []
  const lists = new Map<string, ProbeResult>()
  const revocation = async (roleArn: string) => {
    const key = findDenyList(roleArn)?.key ?? roleArn
    const known = lists.get(key) ?? (await probes.revocation(roleArn, signal, writer))
    lists.set(key, known)
    return known
  }
  const sessions = new CanarySessions({ canaries, start, clock })
  const looked = new Set<string>()
  const canary = async (roleArn: string) => {
    const key = findDenyList(roleArn)?.key ?? ''
    const role = looked.has(key) ? undefined : canaries.find(key)
    looked.add(key)
    if (role) checks.push(await checkCanary(sessions, key, role, signal))
  }
  for (const arn of roleArns) {
    checks.push(
      probed(`role ${arn}`, withPlaces(await probes.trust(arn, start, signal), broker, accountId), (details) =>
        describeTrust(details, broker),
      ),
      probed(`revocation ${arn}`, withPlaces(await revocation(arn), writer, accountId), describeList),
    )
    await canary(arn)
  }
  for (const { text, example } of patterns) {
    const name = `revocation ${text} in ${accountId}`
    if (findDenyList(example)?.key.startsWith('inline:')) {
      checks.push({ name, ok: true, finding: 'inline; each role is checked when it is used' })
    } else checks.push(probed(name, withPlaces(await revocation(example), writer, accountId), describeList))
    await canary(example)
  }
  return checks
}

/** A canary that nothing denies has to be allowed its read: else it would show nothing. */
function checkCanary(sessions: CanarySessions, key: string, role: CanaryRole, signal: AbortSignal): Promise<Check> {
  return check(`canary ${role.roleArn}`, async () => {
    const session = await sessions.start(key, role, undefined, signal)
    const { allowed } = await session.look(signal)
    if (allowed) return `can be assumed, and may read itself, under ${key}`
    const explanation = `The role may not read itself: give it iam:GetRole on ${role.roleArn} (docs/aws/canary-policy.json), and look whether a deny is on it.`
    throw new StintError('CANARY_UNUSABLE', { explanation })
  })
}

/** Adds caller and target account to a failed check: the fault is in the settings of one of the two. */
function withPlaces(result: ProbeResult, caller: string | undefined, accountId: string): ProbeResult {
  if (result.ok || caller === undefined || accountId === '') return result
  const { explanation: said = 'refused', ...details } = result.details
  const explanation = result.code === 'CANCELLED' ? 'AWS did not answer in time.' : said
  const { account } = splitArn(caller)
  const places = `Caller: ${caller}, in account ${account}. Target: account ${accountId}.`
  return { ...result, details: { ...details, explanation: `${explanation} ${places}` } }
}

function describeTrust({ idNotRequired }: ErrorDetails, broker: string | undefined): string {
  const by = broker ? ` by ${broker}` : ''
  const loose = idNotRequired
    ? ', but also without its external id: have its trust policy ask for it (docs/aws/task-role-trust.json)'
    : ''
  return `can be assumed with all parameters of a lease${by}${loose}`
}

function describeList({ placement, boundaryOf, furtherDocuments, revokerArn }: ErrorDetails): string {
  const first = placement === 'boundary' ? `boundary of ${boundaryOf} role(s)` : `${placement}`
  const what = furtherDocuments === undefined ? first : `${first}, and ${furtherDocuments} attached to all of them`
  return revokerArn === undefined ? what : `${what}, written through ${revokerArn}`
}

import { z } from '../../core/documents/schema.ts'
import { type ApprovalRequirement, VOTE_ASSURANCES } from '../../policy/decision.ts'
import { APPROVAL_STATES, type Approval, type ApprovalState } from '../records.ts'
import { knownState, toInstant } from '../row-values.ts'
import { toStoredApprovalState } from '../stored-states.ts'
import { type ApprovalVoid, VERDICTS, VOID_REASONS, type Vote } from './vote.ts'

/*
 * Brokers of the version before know approvals that one person decides. They run beside this version during an upgrade, so their
 * columns hold what they may act on, and the columns `quorum`, `votes` and `voided` hold what only this version reads.
 */

/** The columns of an approval whose text both stores share. */
export interface ApprovalTexts {
  readonly state: ApprovalState
  /** The exact state, where it is one that brokers of the version before do not know. */
  readonly exact_state: ApprovalState | null
  readonly requirements: string
  /** The true requirements, where `requirements` holds one that nobody can meet. */
  readonly quorum: string | null
  readonly votes: string | null
  readonly voided: string | null
}

/**
 * A requirement that no operator meets, since the name of a group has 64 characters at most. A broker of the version before puts
 * it into its refusal: "A member of … must decide".
 */
const NOBODY: ApprovalRequirement = {
  anyOf: ['no group: this question needs votes that only a broker of the newer version counts, so a person there'],
  because: ['upgrade'],
}

/** An approval as its row has it. */
export function toApprovalTexts({ state, requirements, votes, voided }: Approval): ApprovalTexts {
  const stored = toStoredApprovalState(state)
  const text = JSON.stringify(requirements)
  const isPlain = requirements.every(isDecidedByOne)
  return {
    state: stored.state,
    exact_state: stored.exact,
    requirements: isPlain ? text : JSON.stringify([NOBODY]),
    quorum: isPlain ? null : text,
    votes: votes.length === 0 ? null : JSON.stringify(votes.map(toStoredVote)),
    voided: voided ? JSON.stringify(voided) : null,
  }
}

/** True for a requirement that a broker of the version before judges as strictly as this one does. */
function isDecidedByOne({ count = 1, exclude, assurance }: ApprovalRequirement): boolean {
  return count === 1 && exclude === undefined && assurance === undefined
}

/** The members of an approval that `toApprovalTexts` wrote. @throws {Error} for a damaged text */
export function fromApprovalTexts(row: ApprovalTexts): Pick<Approval, 'state' | 'requirements' | 'votes' | 'voided'> {
  const voided = row.voided === null ? undefined : voidText.parse(JSON.parse(row.voided))
  return {
    state: knownState(row.exact_state ?? row.state, APPROVAL_STATES),
    requirements: parseRequirements(row.quorum ?? row.requirements),
    votes: row.votes === null ? [] : votesText.parse(JSON.parse(row.votes)).map(toVote),
    ...(voided && { voided }),
  }
}

function parseRequirements(text: string): ApprovalRequirement[] {
  const requirements: unknown = JSON.parse(text)
  if (!Array.isArray(requirements)) throw new Error('not a list of requirements')
  return requirements as ApprovalRequirement[]
}

const votesText = z.array(
  z.object({
    voter: z.string().min(1),
    verdict: z.enum(VERDICTS),
    at: z.int(),
    channel: z.string(),
    // An assurance that a newer version wrote counts as the least one.
    assurance: z.enum(VOTE_ASSURANCES).catch('no_step_up'),
    note: z.string(),
    planHash: z.string(),
    groups: z.array(z.string()),
  }),
)
const voidText = z.object({
  // Earlier versions had one reason, and wrote none.
  reason: z.enum(VOID_REASONS).catch('plan_changed'),
  planHash: z.string(),
  changes: z.array(z.string()),
}) satisfies z.ZodType<ApprovalVoid>

function toStoredVote({ at, ...vote }: Vote) {
  return { ...vote, at: at.getTime() }
}

function toVote({ at, ...vote }: z.output<typeof votesText>[number]): Vote {
  return { ...vote, at: toInstant(at) }
}

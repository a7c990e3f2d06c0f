import type { AdminSchema } from '../admin-client/admin-calls.ts'
import type { CommandIo } from './command.ts'
import { type Column, linesIfAny, printSections, type Section } from './output.ts'

type Details = Pick<AdminSchema<'ApprovalDetails'>, 'approval' | 'grant' | 'view'>
type View = AdminSchema<'ApprovalView'>
type Item = AdminSchema<'ApprovalListItem'>
/** A broker of the version before has the approval alone. */
type Row = Pick<Item, 'id' | 'state' | 'grantId' | 'requestedAt'> & Partial<Item>

/** The columns of open approvals: what somebody chooses by, and no more. */
export const OPEN_COLUMNS: readonly Column<Row>[] = [
  ['APPROVAL', ({ id }) => id],
  ['AGE', ({ ageSeconds }) => shortTime(ageSeconds)],
  ['LEFT', ({ secondsLeft }) => shortTime(secondsLeft)],
  ['YOU', ({ canDecide }) => (canDecide === undefined ? '' : canDecide ? 'can decide' : 'cannot')],
  ['AGENT', ({ asks }) => asks?.agent],
  ['OWNER', ({ asks }) => asks?.owner],
  ['CLASS', ({ asks }) => asks?.class],
  ['ACCESS', accessCell],
  ['PURPOSE, AS THE AGENT SAYS', ({ asks }) => asks?.purpose],
]

/** The columns of decided approvals. */
export const DECIDED_COLUMNS: readonly Column<Row>[] = [
  ['APPROVAL', ({ id }) => id],
  ['STATE', ({ state }) => state],
  ['GRANT', ({ grantId }) => grantId],
  ['REQUESTED', ({ requestedAt }) => requestedAt],
  ['DECIDED BY', ({ decidedBy }) => decidedBy],
  ['AGENT', ({ asks }) => asks?.agent],
  ['CLASS', ({ asks }) => asks?.class],
  ['ACCESS', accessCell],
]

/** An approval as whoever decides reads it: facts first, the agent's own words marked. */
export function printApproval(io: CommandIo, { approval, grant, view }: Details): void {
  printSections(io, [
    verdictSection(approval.id, view),
    agentSection(view),
    wordsSection(view),
    accessSection(view),
    decidersSection(view),
    comparedSection(view),
    [
      ['History', view.history.length > 0 ? view.history.map(pastLine) : 'no other grant of this agent'],
      ['Grant', grant.id],
    ],
    [
      [
        'Session policy',
        [
          ...view.sessionPolicy.text.split('\n'),
          `(${view.sessionPolicy.characters} of ${view.sessionPolicy.limit} characters, with the Deny that ends each lease)`,
        ],
      ],
      ['Plan', view.planHash],
      ['Time left', view.timeLeft.words],
    ],
  ])
}

function verdictSection(id: string, { verdict, deciders, timeLeft }: View): Section {
  return [
    ['Approval', id],
    ['Asks to', verdict.what],
    ['Asked by', `${verdict.agent}, owner ${verdict.owner}`],
    ['State', verdict.sentence],
    ['Until', timeLeft.seconds > 0 ? `${verdict.expiresAt} (${timeLeft.words} left)` : verdict.expiresAt],
    ['You', deciders.canDecide ? 'may decide' : `may not decide: ${deciders.whyNot}`],
    ['Alarm', deciders.alarm],
    ['Stopped', verdict.stopped],
  ]
}

function agentSection({ agent }: View): Section {
  const { name, state, notes, purpose, expiresAt, reviewAt } = agent.registration
  const until = expiresAt ? `, until ${expiresAt}` : ''
  const review = reviewAt ? `, review ${reviewAt}` : ''
  return [
    ['Agent', agent.subject],
    ['Proven by', agent.proof],
    ['Registration', [`${name} (${state}${until}${review})`, ...notes]],
    ['Registered to', purpose],
    ['Known', agent.known],
    ['For', `${agent.owner} (team ${agent.team})`],
  ]
}

function wordsSection({ agentSays: { purpose, reference, lookAlikes }, change }: View): Section {
  return [
    ['The agent says', `"${purpose}"`],
    ['Its reference', reference],
    ['Look-alikes', linesIfAny(lookAlikes)],
    [
      'Change, it says',
      change && [change.sentence, ...change.lines, ...(change.leftOut ? [change.leftOut] : []), change.file],
    ],
  ]
}

function accessSection(view: View): Section {
  const { roleArn, duration, access, notIncluded, blastRadius, outlives, flags, warnings } = view
  return [
    ['Role', roleArn],
    ['For how long', duration],
    ...access.map(({ class: name, means, lines }) => [name, [`${means}:`, ...lines]] as const),
    ['Not included', linesIfAny(notIncluded)],
    ['Blast radius', blastRadius.sentences],
    ['Narrowed', linesIfAny(blastRadius.narrowed)],
    ['Not known', blastRadius.unknown.join(', ')],
    ['Outlives a revocation', outlives.length > 0 ? outlives : 'nothing that Stint knows of'],
    ['Flags', linesIfAny(flags.map(({ flag, means, actions }) => `${flag}, ${means}: ${actions.join(', ')}`))],
    ['Warnings', linesIfAny(warnings)],
  ]
}

function decidersSection({ deciders, timeLeft }: View): Section {
  const { determiningPolicies, requirements, waived, votes, others, moreOthers, alarm } = deciders
  const names = `${others.join(', ')}${moreOthers > 0 ? ` and ${moreOthers} more` : ''}`
  return [
    ['Permitted by', determiningPolicies.join(', ')],
    ['Must approve', requirements.map(({ sentence }) => sentence)],
    ['Approval waived', linesIfAny(waived)],
    ['Votes', votes.length > 0 ? votes.map(voteLine) : 'none'],
    ['Others who can', names || (timeLeft.seconds > 0 && !alarm ? 'nobody else' : undefined)],
  ]
}

function comparedSection({ lastApproved }: View): Section {
  const { sentence, decidedAt, decidedBy, added = [], removed = [], changed = [] } = lastApproved
  return [
    ['Last approved', sentence],
    ['Decided', decidedBy && `by ${decidedBy} at ${decidedAt}`],
    ['More', linesIfAny(added)],
    ['Fewer', linesIfAny(removed)],
    ['Otherwise', linesIfAny(changed)],
  ]
}

function voteLine({ by, verdict, at, note, channel, assurance, lost }: View['deciders']['votes'][number]): string {
  const how = channel === undefined ? '' : ` (${channel}, ${assurance})`
  const gone = lost === undefined ? '' : `; it does not count any more: ${lost}`
  return `${verdict} by ${by} at ${at}${how}${note === undefined ? '' : `: ${note}`}${gone}`
}

function pastLine({ id, requestedAt, outcome, samePlan, purpose }: View['history'][number]): string {
  return `${requestedAt} ${id} ${outcome}${samePlan ? ', the same plan' : ''}: "${purpose}"`
}

function accessCell({ asks, problem }: Row): string {
  if (!asks?.access) return problem ?? ''
  const others = (asks.pairs ?? 1) - 1
  return `${asks.access}${others > 0 ? ` +${others}` : ''}`
}

/** e.g. `4m`, in one unit. */
function shortTime(seconds: number | undefined): string {
  if (seconds === undefined) return ''
  if (seconds < 120) return `${seconds}s`
  return seconds < 7_200 ? `${Math.floor(seconds / 60)}m` : `${Math.floor(seconds / 3_600)}h`
}

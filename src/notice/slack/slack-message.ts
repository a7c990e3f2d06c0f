import type { Approval } from '../../ledger/records.ts'
import type { OutgoingNotice } from '../sending/receiver.ts'

/** A message as `chat.postMessage` and `chat.update` take it, without its channel. @see api.slack.com/methods/chat.postMessage */
export interface SlackMessage {
  /** For notifications, and where blocks are not shown. */
  readonly text: string
  readonly blocks: readonly object[]
  readonly mrkdwn: false
  readonly parse: 'none'
  readonly link_names: false
  readonly unfurl_links: false
  readonly unfurl_media: false
}

/** Slack's own limits, in characters. */
const MAX_HEADER = 150
const MAX_FIELD = 2_000
const MAX_SECTION = 3_000

const TITLES: Readonly<Record<Approval['state'], string>> = {
  pending: 'Waits for approval',
  approved: 'Approved',
  rejected: 'Rejected',
  withdrawn: 'Withdrawn by the agent',
  expired: 'Nobody answered in time',
  voided: 'Void: nobody can approve it any more',
}

/**
 * The message about a question, as it is now. What others wrote stands in plain text alone, so that nobody can make it look like
 * a link, a mention or a part of the message. It has no buttons: whoever answers does so where the whole plan is shown.
 *
 * @param adminUrl where people answer, without a slash at its end
 */
export function questionMessage(
  { content }: Pick<OutgoingNotice, 'content'>,
  approval: Approval,
  adminUrl: string | undefined,
): SlackMessage {
  const { grant, agent = 'An agent', agentSays } = content
  const title = TITLES[approval.state]
  const isOpen = approval.state === 'pending'
  const facts: readonly (readonly [string, string | undefined])[] = [
    ['Agent', agent],
    ['Team, owner', grant && `${grant.team}, ${grant.owner}`],
    ['Role', grant?.roleArn],
    ['Classes', grant?.classes.join(', ')],
    ['Labels', grant?.labels.join(', ')],
    ['Votes', approval.votes.map(({ voter, verdict }) => `${voter}: ${verdict}`).join(', ')],
    [isOpen ? 'Until' : 'Closed', (isOpen ? approval.expiresAt : approval.decidedAt)?.toISOString()],
    ['By', isOpen ? undefined : approval.decidedBy],
  ]
  const fields = facts.flatMap(([name, value]) => (value ? [plain(`${name}: ${value}`, MAX_FIELD)] : []))
  const says = agentSays && plain(`The agent says: ${agentSays.purpose}`, MAX_SECTION)
  return message(`${title}: ${agent}`, [
    { type: 'header', text: plain(title, MAX_HEADER) },
    { type: 'section', fields },
    ...(says ? [{ type: 'section', text: says }] : []),
    ...(isOpen ? answerBlocks(approval.id, adminUrl) : []),
  ])
}

/** The message about anything else. */
export function plainMessage({ content, count }: Pick<OutgoingNotice, 'content' | 'count'>): SlackMessage {
  const text = count > 1 ? `${content.summary} (and ${count - 1} more like it)` : content.summary
  return message(text, [{ type: 'section', text: plain(text, MAX_SECTION) }])
}

/** The only marked-up text is our own: the configured URL and an id. */
function answerBlocks(id: string, adminUrl: string | undefined): object[] {
  const command = plain(`stint approvals show ${id}`, MAX_FIELD)
  const link =
    adminUrl === undefined ? [] : [{ type: 'mrkdwn', text: `<${adminUrl}/v1/approvals/${id}|Open the request>` }]
  return [{ type: 'context', elements: [command, ...link] }]
}

function message(text: string, blocks: readonly object[]): SlackMessage {
  const quiet = { mrkdwn: false, parse: 'none', link_names: false, unfurl_links: false, unfurl_media: false } as const
  return { text: escaped(cut(text, MAX_SECTION)), blocks, ...quiet }
}

function plain(text: string, max: number): object {
  return { type: 'plain_text', text: cut(text, max), emoji: false }
}

/** @see api.slack.com/reference/surfaces/formatting, "Escaping text" */
function escaped(text: string): string {
  return text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;')
}

function cut(text: string, max: number): string {
  return text.length > max ? `${text.slice(0, max - 1)}…` : text
}

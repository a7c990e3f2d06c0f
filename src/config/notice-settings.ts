import { ACTION_CLASSES } from '../aws/action-classes.ts'
import { z } from '../core/documents/schema.ts'
import { StintError } from '../core/errors.ts'
import { guardUrl } from '../core/net/url-guard.ts'
import { CHOSEN_TYPES, isTypePattern } from '../notice/types/notice-types.ts'
import { matchProblem } from '../registry/agent-match.ts'
import { duration } from './values/duration-setting.ts'
import { privateHosts } from './values/private-hosts.ts'

const MAX_LISTED = 200
const texts = z.array(z.string().min(1).max(2_048)).max(MAX_LISTED)

const name = z
  .string()
  .regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/, 'must be 1 to 40 lower-case letters, digits and hyphens, e.g. on-call')

/** Types, or families of them, e.g. `approval.*`; `*` for all. */
const events = z
  .array(
    z.string().refine(isTypePattern, {
      error: ({ input }) =>
        `${input} is not a type of notice: use ${CHOSEN_TYPES.join(', ')}, a family such as approval.*, or *`,
    }),
  )
  .max(MAX_LISTED)

const agentMatch = z.string().superRefine((text, context) => {
  const message = matchProblem(text)
  if (message) context.addIssue({ code: 'custom', message })
})

/** All that are given must hold; of a list, one entry. A notice about something that has no such fact is not sent. */
const filter = z
  .strictObject({
    teams: texts.optional(),
    owners: texts.optional(),
    /** Agents as the registry file matches them: a name, or a prefix that ends in `/*`. */
    agents: z.array(agentMatch).max(MAX_LISTED).optional(),
    classes: z.array(z.enum(ACTION_CLASSES)).optional(),
    /** Labels that the plan touches. */
    labels: texts.optional(),
    /** Accounts of the role. */
    accounts: texts.optional(),
  })
  .prefault({})

const receiver = {
  /** Names it in the status, on the command line and on record. */
  name,
  events: events.default(['*']),
  filter,
  /** Timeout of one attempt. */
  timeout: duration('1s', '30s').prefault('10s'),
  /** A notice that cannot be delivered for so long becomes a dead letter. */
  retryFor: duration('1m', '30d').prefault('3d'),
  /** PEM file of the certificate authorities to trust, instead of the public ones. */
  caFile: z.string().min(1).optional(),
  /** Hosts that may be at private addresses. */
  allowPrivate: privateHosts.default([]),
}

const webhook = z.strictObject({
  ...receiver,
  url: z.string(),
  /** One secret a line, `whsec_` and base64 of 24 to 64 bytes; each signs, so that a receiver can go over from one to the next. */
  secretFile: z.string().min(1),
})

const slack = z.strictObject({
  ...receiver,
  events: events.default(['approval.*']),
  /** The id of the channel, which the app is a member of. */
  channel: z.string().regex(/^[CGD][A-Z0-9]{2,30}$/, 'must be the id of a channel, e.g. C0123456789'),
  /** A bot token (xoxb-…) with the scope chat:write; read anew for each attempt. */
  tokenFile: z.string().min(1),
  /** For a Slack elsewhere, e.g. https://slack-gov.com/api. */
  apiUrl: z
    .string()
    .default('https://slack.com/api')
    .transform((text) => text.replace(/\/+$/, '')),
})

const MINUTE_MS = 60_000

const settings = z.strictObject({
  webhooks: z.array(webhook).max(50).default([]),
  /** Channels of Slack. */
  slack: z.array(slack).max(20).default([]),
  /** Parts of the time of a question after which whoever is told of it is reminded. */
  remindAt: z.array(z.number().gt(0).lt(1)).max(4).default([0.5, 0.8]),
  /** A question that nobody has answered for `after` is told to further receivers, whatever events they have. */
  escalations: z
    .array(z.strictObject({ after: duration('1m', '7d'), to: z.array(name).min(1).max(50), filter }))
    .max(20)
    .default([]),
  /** True if a URL may be http:// where its host is this machine. */
  httpOnLoopback: z.boolean().default(false),
  /** True if receivers are reached by the proxy of `aws.proxy`. */
  useProxy: z.boolean().default(false),
})

/** Notices to receivers outside. */
export const noticeSettings = settings.superRefine(checkNotices).prefault({})

function checkNotices(
  { webhooks, slack, escalations, httpOnLoopback }: z.output<typeof settings>,
  context: z.RefinementCtx,
): void {
  const problem = (path: (string | number)[], message: string) => context.addIssue({ code: 'custom', path, message })
  const receivers = [
    ...webhooks.map((each, at) => ({ ...each, at: ['webhooks', at], field: 'url' })),
    ...slack.map((each, at) => ({ ...each, url: each.apiUrl, at: ['slack', at], field: 'apiUrl' })),
  ]
  const names = receivers.map((each) => each.name)
  for (const [index, { name, url, allowPrivate, retryFor, timeout, at, field }] of receivers.entries()) {
    if (names.indexOf(name) < index) problem([...at, 'name'], `must be unique; ${name} is taken`)
    const refused = refusal(url, { allowPrivate, httpOnLoopback })
    if (refused) problem([...at, field], `is refused: ${refused}`)
    if (retryFor < timeout + MINUTE_MS / 2) problem([...at, 'retryFor'], 'must exceed timeout by half a minute')
  }
  for (const [at, { to }] of escalations.entries()) {
    for (const [index, name] of to.entries())
      if (!names.includes(name))
        problem(['escalations', at, 'to', index], `names no receiver; known: ${names.join(', ') || 'none'}`)
  }
}

function refusal(url: string, options: Parameters<typeof guardUrl>[1]): string | undefined {
  try {
    guardUrl(url, options)
    return undefined
  } catch (error) {
    const explanation = error instanceof StintError ? error.details.explanation : undefined
    return typeof explanation === 'string' ? explanation : 'it is not a URL that may be called'
  }
}

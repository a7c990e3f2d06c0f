import { z } from '../../core/documents/schema.ts'
import type { NoticeType } from './notice-types.ts'

/** A grant, as receivers see it. */
const grantFacts = z.object({
  id: z.string(),
  agent: z.string(),
  owner: z.string(),
  team: z.string(),
  registration: z.string(),
  roleArn: z.string(),
  account: z.string(),
  planHash: z.string(),
  classes: z.array(z.string()),
  /** Labels that the plan touches. */
  labels: z.array(z.string()),
})

/** The content of a notice, before it takes the form of one receiver. Stored with the notice. */
const noticeContent = z.object({
  /** Id of the event that it was made from. */
  eventId: z.string(),
  /** When that happened. */
  at: z.string(),
  /** One sentence for a person. It contains nothing that an agent wrote. */
  summary: z.string(),
  grant: grantFacts.exactOptional(),
  /** The agent, also where there is no grant. */
  agent: z.string().exactOptional(),
  approval: z
    .object({ id: z.string(), expiresAt: z.string().exactOptional(), outcome: z.string().exactOptional() })
    .exactOptional(),
  /** Further facts of this type. */
  facts: z.record(z.string(), z.unknown()),
  /** The agent's own words, cut. */
  agentSays: z.object({ purpose: z.string() }).exactOptional(),
})

/** See `noticeContent`. */
export type NoticeContent = z.infer<typeof noticeContent>
/** A grant, as receivers see it. */
export type GrantFacts = z.infer<typeof grantFacts>

/** A notice that nobody is addressed by yet. */
export interface Happening {
  readonly type: NoticeType
  readonly content: NoticeContent
}

/** The stored text of a content. */
export function contentText(content: NoticeContent): string {
  return JSON.stringify(content)
}

/** @throws for a text that is none */
export function parseContent(text: string): NoticeContent {
  return noticeContent.parse(JSON.parse(text))
}

import type { OutgoingNotice } from '../sending/receiver.ts'

/** A notice as a CloudEvent in structured JSON. @see CloudEvents 1.0.2, and its JSON format */
export interface CloudEvent {
  readonly specversion: '1.0'
  /** With `source` it names the notice; the same in every attempt and for every receiver. */
  readonly id: string
  /** `urn:stint:ledger:<id>`; all replicas of a broker share it. */
  readonly source: string
  /** `stint.` and a type of NOTICE_TYPES. */
  readonly type: string
  /** When it happened. */
  readonly time: string
  /** The grant, the agent or the part that it is about. */
  readonly subject?: string
  readonly datacontenttype: 'application/json'
  readonly data: unknown
}

/** The media type of a CloudEvent in structured JSON. */
export const CLOUD_EVENT_TYPE = 'application/cloudevents+json; charset=utf-8'

/** The body of a webhook. @param adminUrl where people answer, without a slash at its end */
export function toCloudEvent(
  { type, content, count, id }: OutgoingNotice,
  {
    ledgerId,
    adminUrl,
    endpoint,
  }: { readonly ledgerId: string; readonly adminUrl?: string | undefined; readonly endpoint: string },
): CloudEvent {
  const { at, summary, grant, agent, approval, facts, agentSays } = content
  const subject = grant?.id ?? agent ?? (typeof facts.part === 'string' ? facts.part : undefined)
  const links = adminUrl !== undefined && approval ? { approval: `${adminUrl}/v1/approvals/${approval.id}` } : undefined
  return {
    specversion: '1.0',
    // Without the name of the endpoint, which is the last part: two receivers that share a store see one event.
    id: id.slice(0, -endpoint.length - 1),
    source: `urn:stint:ledger:${ledgerId}`,
    type: `stint.${type}`,
    time: at,
    ...(subject !== undefined && { subject }),
    datacontenttype: 'application/json',
    data: {
      summary,
      count,
      ...(agent !== undefined && { agent }),
      ...(grant && { grant }),
      ...(approval && { approval }),
      ...(links && { links }),
      facts,
      ...(agentSays && { agentSays }),
    },
  }
}

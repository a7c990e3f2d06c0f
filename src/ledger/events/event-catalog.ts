import { AGENT_EVENTS } from './agent-events.ts'
import { APPROVAL_EVENTS } from './approval-events.ts'
import { CALLER_EVENTS } from './caller-events.ts'
import { CHAIN_EVENTS } from './chain-events.ts'
import { CONFIG_EVENTS } from './config-events.ts'
import { DENY_EVENTS } from './deny-events.ts'
import { GRANT_EVENTS } from './grant-events.ts'
import { HOLD_EVENTS } from './hold-events.ts'
import { LEASE_EVENTS } from './lease-events.ts'
import { NOTICE_EVENTS } from './notice-events.ts'
import { QUARANTINE_EVENTS } from './quarantine-events.ts'
import { RULE_EVENTS } from './rule-events.ts'
import type { EventSpec } from './spec/event-spec.ts'

/**
 * Every event that can come on record. A type is part of the record for good: add types and optional members freely, never
 * rename, reuse or remove one. Whatever is made of events (the reference page docs/events.md, exports, metrics) is a table
 * over this one.
 */
export const EVENT_CATALOG = {
  ...CALLER_EVENTS,
  ...GRANT_EVENTS,
  ...APPROVAL_EVENTS,
  ...LEASE_EVENTS,
  ...DENY_EVENTS,
  ...CHAIN_EVENTS,
  ...CONFIG_EVENTS,
  ...QUARANTINE_EVENTS,
  ...NOTICE_EVENTS,
  ...RULE_EVENTS,
  ...AGENT_EVENTS,
  ...HOLD_EVENTS,
} as const satisfies Record<string, EventSpec>

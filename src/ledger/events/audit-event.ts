import type { z } from '../../core/documents/schema.ts'
import type { EventContent } from '../records.ts'
import type { EVENT_CATALOG } from './event-catalog.ts'

/** The name of an event that this version can write. */
export type EventType = keyof typeof EVENT_CATALOG

/** The data of an event of a type, beside its ids. */
export type EventData<T extends EventType> = z.infer<(typeof EVENT_CATALOG)[T]['data']>

type Row<T extends EventType> = (typeof EVENT_CATALOG)[T]
type EventActors<T extends EventType> = Row<T>['actors'][number]
type ActorName = { readonly agent: string; readonly operator: `operator:${string}`; readonly stint: 'stint' }
type EventIds<T extends EventType, Id extends 'grant' | 'lease'> = Id extends Row<T>['ids'][number]
  ? { readonly [Key in `${Id}Id`]: string }
  : { readonly [Key in `${Id}Id`]?: never }

declare const built: unique symbol

/** An event to be put on record. Only `auditEvent` makes one. */
export type AuditEventInput<T extends EventType = EventType> = Omit<EventContent, 'requestId' | 'traceId'> & {
  readonly type: T
  readonly [built]: true
}

type KeysOf<Union> = Union extends unknown ? keyof Union : never
/** Rules out members that no form of the data has, also those that a spread brings. */
type NothingElse<Given, Wanted> = Given extends unknown
  ? { readonly [Key in Exclude<keyof Given, KeysOf<Wanted>>]?: never }
  : never

/**
 * Makes an event of the catalogue: its actor, ids and data are those of its row, no member more and none less.
 *
 * @param type the row, written out, so that a search for it finds every place that writes it.
 */
export function auditEvent<T extends EventType, Data extends EventData<T>>(
  type: T,
  event: { readonly at: Date; readonly actor: ActorName[EventActors<T>] } & EventIds<T, 'grant'> &
    EventIds<T, 'lease'> & { readonly data: Data & NothingElse<Data, EventData<T>> },
): AuditEventInput<T> {
  return { type, ...event } as unknown as AuditEventInput<T>
}

/** True for a recorded event of this type. It is the only way to compare types, so that a search for one finds every use. */
export function isEvent<T extends EventType, E extends { readonly type?: string }>(
  type: T,
  event: E,
): event is E & { readonly type: T } {
  return event.type === type
}

/** The actor of what an operator does. */
export function operatorActor(operator: { readonly name: string }): `operator:${string}` {
  return `operator:${operator.name}`
}

/** The type of the event that records a refused call, by the kind of caller. */
export const REFUSED_CALL = { agents: 'identity.refused', operators: 'operator.refused' } as const satisfies Record<
  string,
  EventType
>

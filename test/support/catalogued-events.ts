import { EVENT_CATALOG } from '../../src/ledger/events/event-catalog.ts'
import type { EventSpec } from '../../src/ledger/events/spec/event-spec.ts'
import type { EventContent } from '../../src/ledger/records.ts'
import { SqliteTransaction } from '../../src/ledger/sqlite/database/sqlite-transaction.ts'

const ACTOR_FORMS = { stint: /^stint$/, operator: /^operator:./, agent: /^(?!operator:|stint$)./ }

/** What an event has that its row of the catalogue has not, or the other way round; undefined for one that fits. */
export function eventFault(event: EventContent): string | undefined {
  if (!Object.hasOwn(EVENT_CATALOG, event.type)) return `${event.type} is not in the catalogue`
  const row: EventSpec = EVENT_CATALOG[event.type as keyof typeof EVENT_CATALOG]
  if (!row.actors.some((actor) => ACTOR_FORMS[actor].test(event.actor))) return `${event.type}: actor ${event.actor}`
  for (const id of ['grant', 'lease'] as const) {
    if (row.ids.includes(id) !== (event[`${id}Id`] !== undefined)) return `${event.type}: ${id}Id`
  }
  const { error } = row.data.safeParse(event.data)
  return error && `${event.type}: ${error.message}`
}

/** From now on every SQLite ledger of this process refuses an event that does not fit its row of the catalogue. */
export function refuseUncataloguedEvents(): void {
  const append = SqliteTransaction.prototype.append
  SqliteTransaction.prototype.append = function (events) {
    for (const event of events) {
      const fault = eventFault(event)
      if (fault) throw new TypeError(`An event that is not as the catalogue has it: ${fault}`)
    }
    return append.call(this, events)
  }
}

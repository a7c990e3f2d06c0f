// Writes docs/events.md out of EVENT_CATALOG in src/ledger/events/event-catalog.ts.
import { writeFileSync } from 'node:fs'
import { z } from '../src/core/documents/schema.ts'
import { EVENT_CATALOG } from '../src/ledger/events/event-catalog.ts'

const HEAD = `<!-- Written by npm run generate:events out of src/ledger/events/event-catalog.ts. -->
# Audit events

Everything that can come on record. \`stint audit export\` and \`GET /v1/audit/events\` give events in order, \`GET
/v1/grants/{id}/trail\` those of one grant.

Each broker process writes a chain of its own. \`chain\` names it, \`seq\` counts its events from 1, \`prevHash\` is the hash of the
event before, and \`hash\` covers every other member, so \`stint audit verify\` finds whatever was changed. A chain begins with
\`chain.opened\`, which names the ends of the chains before it, and ends with \`chain.closed\` if the process stopped in order. An end
is *unwitnessed* if no other chain names it and no head of it was saved elsewhere: nothing would show if it had been cut off. A
closed chain is no exception: whoever cuts it short can write another \`chain.closed\`. \`position\` is an event's place in lists and
exports; no hash covers it.

- Each event also has an \`id\` and the instant \`at\`.
- \`actor\` is an agent's SPIFFE ID or OIDC subject, \`operator:<name>\` for a person, or \`stint\` for the broker itself.
- \`grantId\` and \`leaseId\` are there where the table has them under *ids*.
- \`requestId\` and \`traceId\` name [the call](admin-api.md#following-a-call) that caused the event. What happens because time
  passes has neither, and so has an event that counts many calls.
- A *refusal* is a call that was turned away.
- Instants are RFC 3339 in UTC, hashes lower-case hex. No event carries a secret.
- Types and members are never renamed or removed. New types and members may come, so a reader must pass over those that it
  does not know.
`
const ACTORS = { agent: 'agent', operator: 'operator', stint: 'broker' }

const rows = Object.entries(EVENT_CATALOG)
writeFileSync('docs/events.md', [HEAD, overview(), ...rows.map(section)].join('\n'))

function overview() {
  const lines = rows.map(([type, { actors, refusal, ids, about }]) =>
    row([
      `[\`${type}\`](#${type.replaceAll('.', '')})`,
      actorsOf(actors),
      ids.join(', '),
      refusal ? 'yes' : '',
      firstSentence(about),
    ]),
  )
  return `${table(['event', 'caused by', 'ids', 'refusal', 'what it says'], lines)}`
}

function section([type, { about, data }]) {
  const schema = z.toJSONSchema(data)
  const forms = schema.anyOf ?? [schema]
  const tables = forms.map(dataTable)
  return `## ${type}\n\n${about}\n\n${tables.join('\nor\n\n')}`
}

function dataTable({ properties, required = [] }) {
  const members = Object.entries(properties).flatMap(([name, schema]) => [
    [name, schema, required.includes(name)],
    ...nested(name, schema),
  ])
  const lines = members.map(([name, schema, always]) =>
    row([`\`${name}\``, typeOf(schema), always ? 'always' : 'if known', schema.description ?? '']),
  )
  return table(['data', 'type', 'there', 'meaning'], lines)
}

/** Members of a list's objects, as `failedPairs[].action`. */
function nested(name, { items }) {
  const { properties = {}, required = [] } = items ?? {}
  return Object.entries(properties).map(([member, schema]) => [
    `${name}[].${member}`,
    schema,
    required.includes(member),
  ])
}

function typeOf(schema) {
  if (schema.title) return schema.title
  if (schema.const !== undefined) return `\`${JSON.stringify(schema.const)}\``
  if (schema.enum) return schema.enum.map((value) => `\`${value}\``).join(', ')
  if (schema.format === 'date-time') return 'instant'
  if (schema.type === 'array') return `list of ${schema.items.properties ? 'objects' : 'texts'}`
  if (schema.anyOf) return 'object'
  if (schema.properties) return `object: ${Object.keys(schema.properties).join(', ')}`
  return { string: 'text', integer: 'whole number', boolean: 'true or false', object: 'object' }[schema.type]
}

function actorsOf(actors) {
  return actors.map((actor) => ACTORS[actor]).join(', ')
}

function firstSentence(about) {
  return /^.*?[.](?= |$)/.exec(about)?.[0] ?? about
}

function table(head, lines) {
  return `${row(head)}\n${row(head.map(() => '---'))}\n${lines.join('\n')}\n`
}

function row(cells) {
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
}

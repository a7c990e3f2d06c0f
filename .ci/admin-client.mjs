// Writes src/admin-client/gen/admin-api.ts: the types of the OpenAPI document that the admin API serves.
import './typescript-6/hook.mjs'
import { writeFileSync } from 'node:fs'
import { ts } from '@ts-morph/common'
import { createAdminApp } from '../src/admin/app.ts'
import { systemClock } from '../src/core/clock.ts'

// Imported here and not above, because the hook must run first.
const { astToString, default: toTypes } = await import('openapi-typescript')

const HEAD = `// Written by npm run generate:admin-client out of the OpenAPI document of the admin API.
import type { Json } from '../../core/canonical-json.ts'

`

// Only the document is read, so nothing behind the routes is needed.
const { app } = createAdminApp({ clock: systemClock })
const response = await app.request('/openapi.json')
if (!response.ok) throw new Error(`The admin API served no OpenAPI document: status ${response.status}`)
const document = JSON.parse(await response.text(), withoutProse)
leaveOutErrors(document)
const types = await toTypes(document, { immutable: true, silent: true, transform: toJsonIfAny })
writeFileSync('src/admin-client/gen/admin-api.ts', HEAD + astToString(types.filter(isUsed)))

/** Without it the types change when the contract does, not when a sentence does. */
function withoutProse(key, value) {
  const isProse = ['description', 'summary', 'example'].includes(key) && typeof value === 'string'
  return isProse ? undefined : value
}

/** Every error of every route is a Problem, so a client needs that schema once and not a copy for each status. */
function leaveOutErrors({ paths }) {
  const operations = Object.values(paths).flatMap((methods) => Object.values(methods))
  for (const operation of operations) {
    const { content } = operation.responses[200]
    operation.responses = { 200: { content } }
  }
}

/** A schema without any rule takes any JSON. */
function toJsonIfAny(schema) {
  return Object.keys(schema).length === 0 ? ts.factory.createTypeReferenceNode('Json') : undefined
}

/** Types that are empty for every document like ours. */
function isUsed({ name }) {
  return !['webhooks', '$defs'].includes(name.text)
}

import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { z } from 'zod'
import { ROUTE_ROLES } from '../../src/admin/middleware/authorization.ts'
import { ERROR_CATALOG } from '../../src/core/errors.ts'
import { adminRig } from './rig.ts'

interface Operation {
  operationId?: string
  summary?: string
  description?: string
  tags?: string[]
  security?: unknown
  parameters?: { name: string; in: string; schema: Record<string, unknown> }[]
  requestBody?: { required: boolean }
  responses: Record<string, { headers?: object; content: Record<string, { schema: unknown }> }>
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  tags: { name: string }[]
  components: { schemas: Record<string, Record<string, unknown>>; securitySchemes: Record<string, unknown> }
}

const document = (await (await adminRig().call('GET', '/openapi.json')).json()) as Document
const operations = Object.entries(document.paths).flatMap(([path, methods]) =>
  Object.entries(methods).map(([method, operation]) => ({ name: `${method.toUpperCase()} ${path}`, operation })),
)

test('it is OpenAPI 3.1 and has every route of the table', () => {
  assert.match(document.openapi, /^3\.1\./)
  const listed = Object.keys(ROUTE_ROLES).filter((row) => row !== 'GET /openapi.json')
  assert.deepEqual(operations.map(({ name }) => name).sort(), listed.sort())
})

describe('every operation', () => {
  for (const { name, operation } of operations) {
    test(`${name}: summary, security, success, and every error as a problem`, () => {
      assert.match(operation.operationId ?? '', /^[a-z][A-Za-z]+$/)
      assert.ok(operation.summary && operation.description)
      assert.ok(operation.tags?.every((tag) => document.tags.some((known) => known.name === tag)))
      assert.deepEqual(operation.security, [{ operatorToken: [] }])
      assert.ok(operation.responses[200]?.content['application/json']?.schema)
      for (const status of ['400', '401', '403', '405', '429', '500', '503']) {
        const problem = operation.responses[status]?.content['application/problem+json']?.schema
        assert.deepEqual(problem, { $ref: '#/components/schemas/Problem' }, status)
      }
      const headers = (status: number) => Object.keys(operation.responses[status]?.headers ?? {})
      for (const status of Object.keys(operation.responses)) assert.ok(headers(Number(status)).includes('X-Request-Id'))
      assert.ok(headers(401).includes('WWW-Authenticate'))
      assert.ok(headers(405).includes('Allow'))
      assert.ok(headers(429).includes('Retry-After'))
      if (name.startsWith('POST')) assert.ok(operation.responses[413] && headers(415).includes('Accept'))
      if (name.includes('{id}')) {
        assert.ok(operation.responses[404])
        assert.ok(operation.parameters?.some((parameter) => parameter.in === 'path' && parameter.name === 'id'))
      }
      assert.equal(operation.requestBody?.required, name.startsWith('POST') ? true : undefined)
    })
  }
})

test('no two operations have one id', () => {
  const ids = operations.map(({ operation }) => operation.operationId)
  assert.equal(new Set(ids).size, ids.length)
})

test('an error code is one of the catalogue', () => {
  const { properties } = document.components.schemas.Problem as { properties: { code: { enum: string[] } } }
  assert.deepEqual(properties.code.enum, Object.keys(ERROR_CATALOG))
})

describe('every example is of its own schema', () => {
  const examples = [...schemasWithExample(document, '#')]
  assert.ok(examples.length > 50)
  for (const { at, schema, example } of examples)
    test(`${at}: ${JSON.stringify(example)}`, () => {
      assert.equal(z.fromJSONSchema(schema).safeParse(example).success, true)
    })
})

// A description of one use of a schema must not become the description of the schema everywhere.
test('a component has no description but its own', () => {
  const described = Object.entries(document.components.schemas).filter(
    ([, { description }]) => description !== undefined,
  )
  assert.deepEqual(described.map(([name]) => name).sort(), [
    'ApprovalRequirement',
    'ApprovalView',
    'FileProblem',
    'Problem',
  ])
})

// The rule that is enforced on a note has to be the one that clients are given.
describe('the note of a write, as it is published', () => {
  for (const name of ['Note', 'ApprovalAnswer']) {
    const { properties } = document.components.schemas[name] as { properties: Record<string, object> }
    const published = z.fromJSONSchema(withoutExample(properties.note ?? {}))
    for (const { note, is } of [
      { note: 'Wrong bucket:\n\tthe job runs against staging', is: true },
      { note: '', is: false },
      { note: ' \u00a0\u3000\n', is: false },
      { note: 'a bell \u0007', is: false },
      { note: 'a C1 control \u0085', is: false },
      { note: 'n'.repeat(501), is: false },
    ])
      test(`${name} ${is ? 'takes' : 'refuses'} ${JSON.stringify(note.slice(0, 50))}`, () => {
        assert.equal(published.safeParse(note).success, is)
      })
  }
})

test('limits of a page are in it', () => {
  const limit = document.paths['/v1/grants']?.get?.parameters?.find(({ name }) => name === 'limit')
  const { type, minimum, maximum, default: fallback } = limit?.schema ?? {}
  assert.deepEqual({ type, minimum, maximum, fallback }, { type: 'integer', minimum: 1, maximum: 200, fallback: 50 })
})

test('every reference leads somewhere', () => {
  for (const [, name] of JSON.stringify(document).matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
    assert.ok(document.components.schemas[String(name)], name)
  }
  assert.ok(document.components.securitySchemes.operatorToken)
})

function* schemasWithExample(
  value: unknown,
  at: string,
): Generator<{ at: string; schema: Parameters<typeof z.fromJSONSchema>[0]; example: unknown }> {
  if (typeof value !== 'object' || value === null) return
  if ('example' in value) yield { at, schema: withoutExample(value), example: value.example }
  for (const [key, inner] of Object.entries(value)) yield* schemasWithExample(inner, `${at}/${key}`)
}

function withoutExample({ example: _, ...schema }: { example?: unknown }) {
  return schema
}

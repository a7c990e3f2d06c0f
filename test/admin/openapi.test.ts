import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import { ROUTE_ROLES } from '../../src/admin/authorization.ts'
import { adminRig } from './rig.ts'

interface Operation {
  summary?: string
  security?: unknown
  parameters?: { name: string; in: string; schema: Record<string, unknown> }[]
  requestBody?: { required: boolean }
  responses: Record<string, { content: Record<string, { schema: unknown }> }>
}
interface Document {
  openapi: string
  paths: Record<string, Record<string, Operation>>
  components: { schemas: Record<string, unknown>; securitySchemes: Record<string, unknown> }
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
      assert.ok(operation.summary)
      assert.deepEqual(operation.security, [{ operatorToken: [] }])
      assert.ok(operation.responses[200]?.content['application/json']?.schema)
      for (const status of ['400', '401', '403', '429', '500', '503']) {
        const problem = operation.responses[status]?.content['application/problem+json']?.schema
        assert.deepEqual(problem, { $ref: '#/components/schemas/Problem' }, status)
      }
      if (name.includes('{id}')) {
        assert.ok(operation.responses[404])
        assert.ok(operation.parameters?.some((parameter) => parameter.in === 'path' && parameter.name === 'id'))
      }
      assert.equal(operation.requestBody?.required, name.startsWith('POST') ? true : undefined)
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

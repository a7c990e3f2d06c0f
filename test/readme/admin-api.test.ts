import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { ROUTE_ROLES } from '../../src/admin/middleware/authorization.ts'
import { toProblem } from '../../src/admin/problem.ts'
import { problemSchema } from '../../src/admin/schemas/problem-schemas.ts'
import { StintError } from '../../src/core/errors.ts'
import { CHECKOUT } from './reader.ts'

const page = readFileSync(join(CHECKOUT, 'docs/admin-api.md'), 'utf8')

test('docs/admin-api.md has every route with its role, and no other', () => {
  const rows = [...page.matchAll(/^\| `((?:GET|POST) \S+)` \| (\w+) \|/gm)].map(([, route, role]) => [route, role])
  expect(Object.fromEntries(rows)).toEqual(
    Object.fromEntries(Object.entries(ROUTE_ROLES).filter(([route]) => route !== 'GET /openapi.json')),
  )
})

test('docs/admin-api.md shows a problem as it is sent', () => {
  const [, json = ''] = /```json\n([\s\S]*?)\n```/.exec(page) ?? []
  const shown = problemSchema.parse(JSON.parse(json))
  const { detail = '', errors = [] } = shown
  const sent = toProblem(new StintError(shown.code, { explanation: detail, errors: [...errors] }), {
    requestId: shown.requestId,
  })
  expect(sent).toEqual(shown)
})

test('docs/admin-api.md names no error code that is not there', () => {
  const codes = [...page.matchAll(/`([A-Z]+_[A-Z_]+)`/g)].map(([, code = '']) => code)
  expect(codes.filter((code) => !problemSchema.shape.code.options.some((known) => known === code))).toEqual([])
})

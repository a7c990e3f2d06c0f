import { describe, expectTypeOf, test } from 'vitest'
import type {
  AdminAnswer,
  AdminFilter,
  AdminIdOwner,
  AdminInput,
  AdminListItem,
  AdminListPath,
  AdminPath,
  AdminSchema,
} from '../../src/admin-client/admin-calls.ts'

// `npm run check:types` is what makes these fail: a type that finds nothing would be `never`, which fits everywhere.
describe('a call has the types that the OpenAPI document gives it', () => {
  test('the answer of a read', () => {
    expectTypeOf<AdminAnswer<'get', '/v1/grants/{id}'>>().toEqualTypeOf<AdminSchema<'GrantDetails'>>()
  })

  test('the answer of a change', () => {
    expectTypeOf<AdminAnswer<'post', '/v1/grants/{id}/revoke'>>().toEqualTypeOf<AdminSchema<'Revocation'>>()
  })

  test('the parameters in its path and its body, which have to be there', () => {
    expectTypeOf<{ path: { id: string }; body: { note: string } }>().toExtend<
      AdminInput<'post', '/v1/grants/{id}/revoke'>
    >()
    expectTypeOf<{ path: { id: string } }>().not.toExtend<AdminInput<'post', '/v1/grants/{id}/revoke'>>()
    expectTypeOf<{ body: { note: string } }>().not.toExtend<AdminInput<'post', '/v1/grants/{id}/revoke'>>()
  })

  test('the names in its query, with any value', () => {
    expectTypeOf<{ query: { afterPosition: number } }>().toExtend<AdminInput<'get', '/v1/audit/events'>>()
    expectTypeOf<keyof AdminFilter<'/v1/approvals'>>().toEqualTypeOf<'agent' | 'state'>()
  })

  test('no query where the document has none', () => {
    expectTypeOf<{ query: { state: string } }>().not.toExtend<AdminInput<'get', '/v1/status'>>()
  })
})

test('a path has only the methods of the document', () => {
  expectTypeOf<'/v1/grants'>().toExtend<AdminPath<'get'>>()
  expectTypeOf<'/v1/grants'>().not.toExtend<AdminPath<'post'>>()
  expectTypeOf<'/v1/grant'>().not.toExtend<AdminPath<'get'>>()
})

test('lists that come in pages are told from those that do not', () => {
  expectTypeOf<AdminListPath>().toEqualTypeOf<
    '/v1/grants' | '/v1/approvals' | '/v1/agents/unregistered' | '/v1/kills' | '/v1/webhooks/dead' | '/v1/budgets'
  >()
  expectTypeOf<AdminListItem<'/v1/grants'>>().toEqualTypeOf<AdminSchema<'Grant'>>()
})

test('paths with an id are known by what they are the id of', () => {
  expectTypeOf<AdminIdOwner>().toEqualTypeOf<'grants' | 'approvals' | 'kills'>()
})

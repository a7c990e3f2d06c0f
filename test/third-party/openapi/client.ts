// A program that knows the admin API by its document alone: schema.d.ts is what openapi-typescript made of it. Compiled and
// run by openapi.test.ts, outside of this project; prints one line of JSON.
import createClient from 'openapi-fetch'
import type { components, paths } from './schema.d.ts'

const {
  ADMIN_URL: baseUrl = '',
  ADMIN_TOKEN: token = '',
  GRANT_ID: id = '',
  APPROVAL_ID: approvalId = '',
} = process.env
const client = createClient<paths>({ baseUrl, headers: { authorization: `Bearer ${token}` } })

const { data: me } = await client.GET('/v1/whoami')
const { data: page } = await client.GET('/v1/grants', { params: { query: { state: 'active', limit: 1 } } })
const { data: details } = await client.GET('/v1/grants/{id}', { params: { path: { id } } })
const { data: approval } = await client.GET('/v1/approvals/{id}', { params: { path: { id: approvalId } } })
const planHash = approval?.plan.hash ?? ''
const decision = await client.POST('/v1/approvals/{id}/reject', {
  params: { path: { id: approvalId } },
  body: { planHash, note: 'No deletions today' },
})
const revoked = await client.POST('/v1/grants/{id}/revoke', {
  params: { path: { id } },
  body: { note: 'Done with it' },
})
const unknown = await client.GET('/v1/grants/{id}', { params: { path: { id: 'grt_01JD7Z0000EXAMP1E0GRANT000' } } })

// A code that is none would not compile.
const notFound: components['schemas']['Problem']['code'] = 'GRANT_NOT_FOUND'

process.stdout.write(
  JSON.stringify({
    operator: me?.name,
    grants: page?.items.map((grant) => grant.id),
    access: details?.plan?.task.access.flatMap((entry) => entry.actions),
    leases: details?.leases.length,
    rejected: decision.error?.code ?? decision.data?.approval.state,
    revoked: revoked.error?.code ?? revoked.data?.outcome.kind,
    unknown: unknown.error?.code === notFound && unknown.response.headers.has('x-request-id'),
  }),
)

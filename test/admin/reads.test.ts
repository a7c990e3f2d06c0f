import assert from 'node:assert/strict'
import { describe, test } from 'vitest'
import type { z } from 'zod'
import { approvalListItemSchema, approvalViewSchema } from '../../src/admin/schemas/approvals/approval-view-schemas.ts'
import { auditEventSchema } from '../../src/admin/schemas/audit-schemas.ts'
import { denySchema } from '../../src/admin/schemas/deny-schemas.ts'
import { approvalSchema, grantSchema, leaseSchema } from '../../src/admin/schemas/grant-schemas.ts'
import { unregisteredSchema } from '../../src/admin/schemas/people-schemas.ts'
import { planSchema } from '../../src/admin/schemas/plan-schemas.ts'
import { reachReportSchema } from '../../src/admin/schemas/reach-schemas.ts'
import { StintError } from '../../src/core/errors.ts'
import { randomIds } from '../../src/core/ids.ts'
import { auditEvent } from '../../src/ledger/events/audit-event.ts'
import { adminRig, exampleRecords, PLAN_HASH, problemOf, ROLE_ARN } from './rig.ts'

type Rig = ReturnType<typeof adminRig>

async function read(rig: Rig, path: string, as = 'viewer') {
  const answer = await rig.call('GET', path, { as })
  assert.equal(answer.status, 200, path)
  assert.equal(answer.headers.get('content-type'), 'application/json')
  return (await answer.json()) as Record<string, unknown>
}

const matches = (schema: z.ZodObject, value: unknown) => assert.deepEqual(schema.strict().parse(value), value)

function withGrants(rig: Rig): void {
  rig.ledger.grants.length = 0
  for (let n = 0; n < 5; n += 1) {
    const { grant } = exampleRecords(new Date(rig.clock.now().getTime() - n * 60_000))
    rig.ledger.grants.push({ ...grant, owner: n < 2 ? 'ada' : 'bob', state: n === 4 ? 'ended' : 'active' })
  }
}

describe('grants', () => {
  test('a grant comes with plan, leases, approval and deny entry, as the document describes them', async () => {
    const rig = adminRig()
    const at = rig.clock.now()
    rig.ledger.denies.push({
      grantId: rig.grant.id,
      listKey: `inline:${ROLE_ARN}`,
      wantedAt: at,
      until: at,
      lastIssuedAt: at,
    })
    const body = await read(rig, `/v1/grants/${rig.grant.id}`)
    assert.deepEqual(Object.keys(body), ['grant', 'plan', 'leases', 'approval', 'deny'])
    matches(grantSchema, body.grant)
    matches(planSchema, body.plan)
    for (const lease of body.leases as unknown[]) matches(leaseSchema, lease)
    matches(approvalSchema, body.approval)
    matches(denySchema, body.deny)
    assert.equal((body.grant as { requestedAt: string }).requestedAt, '2026-11-21T12:00:00.000Z')
  })

  test('a deny that is wanted and cannot be written says since when and why', async () => {
    const rig = adminRig()
    const at = rig.clock.now()
    const deny = { grantId: rig.grant.id, listKey: 'inline:x', wantedAt: at, until: at, lastIssuedAt: at }
    rig.ledger.denies.push(deny)
    const list = { key: 'inline:x', attempts: 4, claimVersion: 4, failingSince: at, lastError: 'AccessDenied' }
    rig.ledger.denyLists.push(list)
    const body = await read(rig, `/v1/grants/${rig.grant.id}`)
    matches(denySchema, body.deny)
    const failing = { since: at.toISOString(), attempts: 4, error: 'AccessDenied' }
    assert.deepEqual((body.deny as { failing?: unknown }).failing, failing)
    const trail = await read(rig, `/v1/grants/${rig.grant.id}/trail`)
    assert.deepEqual(trail.deny, body.deny)
    rig.ledger.denies[0] = { ...deny, writtenAt: at }
    const written = (await read(rig, `/v1/grants/${rig.grant.id}`)).deny
    assert.equal((written as { failing?: unknown }).failing, undefined)
  })

  for (const { name, query, hits } of [
    { name: 'nothing', query: '', hits: 5 },
    { name: 'owner', query: '?owner=ada', hits: 2 },
    { name: 'state', query: '?state=ended', hits: 1 },
    { name: 'agent', query: '?agent=spiffe%3A%2F%2Fexample.org%2Fci%2Fdeploy', hits: 5 },
    { name: 'another agent', query: '?agent=spiffe://example.org/ci', hits: 0 },
    { name: 'role', query: `?role=${encodeURIComponent(ROLE_ARN)}`, hits: 5 },
    { name: 'time after', query: '?requestedAfter=2026-11-21T11:58:00Z', hits: 3 },
    { name: 'time before', query: '?requestedBefore=2026-11-21T12:58:00%2B01:00', hits: 2 },
    { name: 'all at once', query: '?owner=bob&state=active&requestedAfter=2026-11-21T11:58:00Z', hits: 1 },
  ]) {
    test(`are filtered by ${name}`, async () => {
      const rig = adminRig()
      withGrants(rig)
      assert.equal(((await read(rig, `/v1/grants${query}`)).items as unknown[]).length, hits)
    })
  }

  test('are paged to the end, each once', async () => {
    const rig = adminRig()
    withGrants(rig)
    const seen: string[] = []
    let cursor = ''
    do {
      const page = await read(rig, `/v1/grants?limit=2${cursor && `&cursor=${cursor}`}`)
      seen.push(...(page.items as { id: string }[]).map(({ id }) => id))
      cursor = String(page.nextCursor ?? '')
    } while (cursor)
    assert.deepEqual(
      seen,
      rig.ledger.grants.map(({ id }) => id),
    )
  })

  test('that do not exist are GRANT_NOT_FOUND wherever they are asked for', async () => {
    const rig = adminRig()
    const id = randomIds.next('grt', rig.clock.now())
    for (const path of [`/v1/grants/${id}`, `/v1/grants/${id}/trail`, `/v1/grants/${id}/leases`]) {
      assert.equal((await problemOf(await rig.call('GET', path, { as: 'viewer' }))).code, 'GRANT_NOT_FOUND')
    }
  })

  test('a trail outlives the row of its grant', async () => {
    const rig = adminRig()
    await rig.ledger.appendEvents([
      auditEvent('grant.ended', {
        at: rig.clock.now(),
        actor: 'stint',
        grantId: rig.grant.id,
        data: { reason: 'deadline', by: 'lease_end', deny_listed: false },
      }),
    ])
    rig.ledger.grants.length = 0
    const { events } = await read(rig, `/v1/grants/${rig.grant.id}/trail`)
    matches(auditEventSchema, (events as unknown[])[0])
  })

  test('are revoked under the name of the operator, with the note', async () => {
    const rig = adminRig()
    const answer = await rig.call('POST', `/v1/grants/${rig.grant.id}/revoke`, {
      as: 'operator',
      body: { note: 'wrong table' },
    })
    const body = (await answer.json()) as { outcome: unknown; grant: unknown }
    assert.deepEqual(body.outcome, { kind: 'ended', at: '2026-11-21T12:00:00.000Z' })
    matches(grantSchema, body.grant)
    assert.deepEqual(
      rig.calls.map(({ method, operator, id, input }) => [method, operator.name, id, input]),
      [['revokeGrant', 'operator', rig.grant.id, { note: 'wrong table' }]],
    )
  })

  test('text of an agent goes out as JSON and nothing else', async () => {
    const rig = adminRig()
    const answer = await rig.call('GET', `/v1/grants/${rig.grant.id}`, { as: 'viewer' })
    assert.equal(answer.headers.get('content-type'), 'application/json')
    assert.equal(answer.headers.get('x-content-type-options'), 'nosniff')
  })
})

describe('approvals', () => {
  for (const { name, as, change = () => undefined, eligible } of [
    { name: 'an approver of the group', as: 'approver', eligible: true },
    { name: 'a viewer', as: 'viewer', eligible: false },
    { name: 'an admin who runs the agent', as: 'runs-the-agent', eligible: false },
    {
      name: 'anyone once it is decided',
      as: 'admin',
      eligible: false,
      change: (rig: Rig) => set(rig, { state: 'approved' }),
    },
    {
      name: 'anyone once it is expired',
      as: 'admin',
      eligible: false,
      change: (rig: Rig) => set(rig, { expiresAt: rig.clock.now() }),
    },
    {
      name: 'an approver outside the group',
      as: 'approver',
      eligible: false,
      change: (rig: Rig) => set(rig, { requirements: [{ anyOf: ['security'], because: ['p'] }] }),
    },
  ] as { name: string; as: string; eligible: boolean; change?: (rig: Rig) => void }[]) {
    test(`tell ${name} that they may ${eligible ? '' : 'not '}answer`, async () => {
      const rig = adminRig()
      change(rig)
      const body = await read(rig, `/v1/approvals/${rig.approval.id}`, as)
      assert.equal(body.eligible, eligible)
      // Approver, operator and admin are owners; who runs the agent does not count.
      assert.equal(body.couldDecide, change.length === 0 ? 3 : 0)
      matches(approvalSchema, body.approval)
      matches(planSchema, body.plan)
      matches(approvalViewSchema, body.view)
    })
  }

  test('show the predicted size of the session as long as they are open', async () => {
    const asked: object[] = []
    const provider = {
      forecastSize: (session: object) => {
        asked.push(session)
        return { kind: 'predicted', percent: 95, tagsPercent: 9, mints: 12, explanation: 'Uses about 95%.' } as const
      },
    }
    const rig = adminRig({ provider })
    const path = `/v1/approvals/${rig.approval.id}`
    const { warnings } = (await read(rig, path, 'approver')) as { warnings: { kind: string; explanation: string }[] }
    assert.deepEqual(
      warnings.map(({ kind }) => kind),
      ['session_nearly_full'],
    )
    assert.match(warnings[0]?.explanation ?? '', /about 95%/)
    const { roleArn, subject, owner, team } = rig.grant
    assert.deepEqual(asked, [{ roleArn, subject, owner, team, plan: rig.plan }])
    set(rig, { state: 'approved' })
    assert.deepEqual((await read(rig, path, 'approver')).warnings, [])
  })

  const set = (rig: Rig, change: object) => {
    rig.ledger.approvals[0] = { ...rig.approval, ...change }
  }

  for (const verdict of ['approve', 'reject'] as const) {
    test(`${verdict} passes on who, which plan and why`, async () => {
      const rig = adminRig()
      const body = { planHash: PLAN_HASH, note: 'looked at it' }
      const answer = await rig.call('POST', `/v1/approvals/${rig.approval.id}/${verdict}`, { as: 'approver', body })
      assert.deepEqual(Object.keys((await answer.json()) as object), ['approval', 'grant'])
      assert.equal(rig.calls[0]?.operator.name, 'approver')
      const via = { channel: 'token', assurance: 'no_step_up' }
      assert.deepEqual(rig.calls[0]?.input, { verdict, ...body, via })
    })
  }

  test('are listed by state', async () => {
    const rig = adminRig()
    const [row, ...others] = (await read(rig, '/v1/approvals?state=pending')).items as unknown[]
    matches(approvalListItemSchema, row)
    assert.equal(others.length, 0)
    assert.equal(((await read(rig, '/v1/approvals?state=approved')).items as unknown[]).length, 0)
  })

  test('that do not exist are APPROVAL_NOT_FOUND', async () => {
    const rig = adminRig()
    const path = `/v1/approvals/${randomIds.next('apr', rig.clock.now())}`
    assert.equal((await problemOf(await rig.call('GET', path, { as: 'viewer' }))).code, 'APPROVAL_NOT_FOUND')
  })
})

describe('the rest', () => {
  test('agents come with the problem of their file', async () => {
    const body = await read(adminRig(), '/v1/agents')
    assert.equal((body.items as { name: string }[])[0]?.name, 'deploy')
    assert.deepEqual(body.problem, { code: 'REGISTRY_INVALID', explanation: 'line 3 has no owner' })
  })

  test('unregistered identities are listed', async () => {
    const rig = adminRig()
    const at = rig.clock.now()
    const { subject, trustDomain } = rig.grant
    rig.ledger.unregistered.push({
      subject,
      trustDomain,
      authMethod: 'x509-svid',
      reason: 'AGENT_UNREGISTERED',
      firstSeenAt: at,
      lastSeenAt: at,
      count: 2,
    })
    matches(unregisteredSchema, ((await read(rig, '/v1/agents/unregistered')).items as unknown[])[0])
  })

  test('policies say what is loaded, also when nothing is', async () => {
    const body = await read(adminRig(), '/v1/policies')
    assert.deepEqual(body.policies, [
      { id: 'invoices-read', effect: 'permit', file: 'invoices.cedar', approval: 'owners:1' },
    ])
    const problem = { code: 'POLICY_INVALID' as const, explanation: 'no policy file' }
    assert.deepEqual(
      await read(adminRig({ policies: { status: () => ({ policies: [], problem }) } }), '/v1/policies'),
      { policies: [], problem },
    )
  })

  test('whoami leaves out what an approver need not show', async () => {
    assert.deepEqual(await read(adminRig(), '/v1/whoami', 'runs-the-agent'), {
      name: 'runs-the-agent',
      role: 'admin',
      groups: ['owners'],
    })
  })

  test('status says who the broker is to agents, and the keys of each trust domain', async () => {
    const source = 'workload-api'
    const bundles = [{ trustDomain: 'example.org', source, x509Authorities: 1, jwtAuthorities: 2 }]
    const notAfter = new Date('2026-11-21T13:00:00Z')
    const identity = { spiffeId: 'spiffe://example.org/stint', notAfter, bundles }
    const rig = adminRig({ status: () => ({ notReady: [], problems: [], identity, version: '0.1.0' }) })
    const body = await read(rig, '/v1/status')
    assert.deepEqual(body.identity, { ...identity, notAfter: '2026-11-21T13:00:00.000Z' })
  })

  test('status still answers when the ledger does not, and says so', async () => {
    const rig = adminRig()
    rig.ledger.failure = new StintError('LEDGER_UNAVAILABLE', { explanation: 'x' })
    const body = await read(rig, '/v1/status')
    assert.equal(body.ready, false)
    assert.deepEqual(body.problems, [
      {
        component: 'ledger',
        code: 'LEDGER_UNAVAILABLE',
        explanation: 'The ledger cannot be read.',
        since: rig.clock.now().toISOString(),
      },
    ])
  })

  test('audit events are paged by position', async () => {
    const rig = adminRig()
    const head = { at: rig.clock.now(), actor: 'stint', grantId: rig.grant.id } as const
    const event = auditEvent('approval.expired', { ...head, data: {} })
    await rig.ledger.appendEvents([event, event, event])
    const first = await read(rig, '/v1/audit/events?limit=2')
    assert.equal(first.nextAfterPosition, 2)
    const second = await read(rig, `/v1/audit/events?limit=2&afterPosition=${first.nextAfterPosition}`)
    assert.deepEqual(
      (second.items as { seq: number }[]).map(({ seq }) => seq),
      [3],
    )
    assert.equal(second.nextAfterPosition, undefined)
    const { position, heads } = await read(rig, '/v1/audit/heads')
    assert.deepEqual([position, (heads as { seq: number }[]).map(({ seq }) => seq)], [3, [3]])
  })

  test('audit events come up to a thousand at a time, for an export', async () => {
    const rig = adminRig()
    await read(rig, '/v1/audit/events?limit=1000')
    assert.equal((await rig.call('GET', '/v1/audit/events?limit=1001', { as: 'viewer' })).status, 400)
  })

  test('operators’ reads leave no event', async () => {
    const rig = adminRig()
    for (const path of ['/v1/grants', `/v1/grants/${rig.grant.id}/leases`, '/v1/audit/events', '/v1/audit/verify'])
      await read(rig, path)
    assert.equal(rig.ledger.events.length, 0)
  })
})

describe('reach', () => {
  test('one scope is named, and its reach is as the document describes it', async () => {
    const rig = adminRig()
    const [grant] = rig.ledger.grants
    if (grant) rig.ledger.grants[0] = { ...grant, state: 'active', activeAt: rig.clock.now() }
    const body = await read(rig, `/v1/reach?grant=${rig.grant.id}`)
    matches(reachReportSchema, body)
    assert.equal(body.grants, 1)
    const [entry] = body.entries as { resources?: unknown }[]
    assert.deepEqual(entry?.resources, { count: 1, names: ['arn:aws:dynamodb:eu-west-1:123456789012:table/s'] })
    for (const query of ['', '?owner=ada&team=data']) {
      const { status, code } = await problemOf(await rig.call('GET', `/v1/reach${query}`, { as: 'viewer' }))
      assert.deepEqual([status, code], [400, 'REQUEST_INVALID'])
    }
  })
})

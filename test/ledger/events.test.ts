import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { auditEvent, type EventType } from '../../src/ledger/events/audit-event.ts'
import { EVENT_CATALOG } from '../../src/ledger/events/event-catalog.ts'
import { adminRig } from '../admin/rig.ts'
import { allEvents } from '../support/audit-record.ts'
import { eventFault } from '../support/catalogued-events.ts'
import { FakeCanaries } from '../support/fake-canaries.ts'
import { writeForeignChains } from '../support/foreign-chain.ts'
import {
  ADA,
  bearer,
  caller,
  DECISIONS,
  DELETE,
  type Harness,
  OLGA,
  OSCAR,
  openConnection,
  openHarness,
  task,
} from '../support/grant-harness.ts'
import { HurriedClock } from '../support/hurried-clock.ts'

const TYPES = Object.keys(EVENT_CATALOG) as EventType[]

describe('every event of the catalogue is written', () => {
  let h: Harness
  let canaries: FakeCanaries
  beforeEach(async () => {
    const clock = new HurriedClock()
    canaries = new FakeCanaries({ clock })
    h = await openHarness({ clock, canaries })
  })
  afterEach(async () => {
    await h.close()
    h.remove()
  })

  const refused = (work: Promise<unknown>) => expect(work).rejects.toBeInstanceOf(StintError)
  const waiting = async () => {
    h.rules.decision = DECISIONS.approval
    const { grant, approval } = await h.request('key-00000001')
    return { grant, approvalId: approval?.id ?? '' }
  }
  const answer = async (verdict: 'approve' | 'reject', operator = OLGA) => {
    const { grant, approvalId } = await waiting()
    const given = { verdict, planHash: grant.planHash, note: 'seen' }
    return h.operators.decideApproval(operator, approvalId, given)
  }
  const revoked = async () => {
    const { grant } = await h.request('key-00000001')
    await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
  }
  /** As a document of a later state of the ledger is found. */
  const kill = () => h.kills.kill(OSCAR, { scope: 'team', value: 'data', why: 'it deletes buckets' })
  const quarantine = async () => {
    const { ledgerId } = h.ledger.identity
    const mark = { ledgerId, epoch: 999_000_000, sequence: 9 }
    h.provider.document = { digest: '{"grants":[]}', exists: true, mark }
    await revoked()
    await h.sweeper.reconcile()
  }
  const overfill = async (namesAgent: boolean) => {
    Object.assign(h.provider, { capacity: 1, namesAgent })
    const first = await h.request('key-00000001')
    await h.clock.advance(5_000)
    const second = await h.request('key-00000002')
    for (const { grant } of [first, second]) await h.operators.revokeGrant(OSCAR, grant.id, 'stop it')
    await h.sweeper.reconcile()
  }
  const probed = async ({ isInForce }: { isInForce: boolean }) => {
    canaries.configured = true
    await revoked()
    await h.sweeper.reconcile()
    if (isInForce) for (const id of h.provider.written.at(-1)?.grants ?? []) canaries.denied.add(id)
    await h.sweeper.prove()
  }
  const mintFails = (outcome: string) => {
    h.provider.beforeMint = () => {
      throw new StintError('PROVIDER_UNAVAILABLE', { outcome })
    }
    return refused(h.request('key-00000001'))
  }

  // Two keys for one event are two of its paths.
  const paths: { type: EventType; by: string; work: () => Promise<unknown> }[] = [
    { type: 'grant.requested', by: 'a request', work: () => h.request('key-00000001') },
    { type: 'grant.active', by: 'a request that policy permits', work: () => h.request('key-00000001') },
    { type: 'grant.active', by: 'an approval', work: () => answer('approve') },
    {
      type: 'grant.collected',
      by: 'the first lease of an approved grant',
      work: async () => {
        await answer('approve')
        await h.request('key-00000001')
      },
    },
    {
      type: 'approval.waived',
      by: 'a request whose approval a policy waives',
      work: () => {
        const waivers = [{ policy: 'staging-load', reason: 'reviewed by Mara', because: ['label:prod'] }]
        h.rules.decision = { ...DECISIONS.permit, waivers }
        return h.request('key-00000001')
      },
    },
    { type: 'lease.intended', by: 'a request that policy permits', work: () => h.request('key-00000001') },
    { type: 'lease.issued', by: 'a request that policy permits', work: () => h.request('key-00000001') },
    {
      type: 'grant.denied',
      by: 'a request that policy denies',
      work: () => {
        h.rules.decision = DECISIONS.deny
        return refused(h.request('key-00000001'))
      },
    },
    {
      type: 'grant.refused',
      by: 'a task that is malformed',
      work: () => refused(h.request('key-00000001', task({ actions: ['s3:NoSuchThing'], resources: ['*'] }))),
    },
    {
      type: 'grant.refused',
      by: 'one grant too many',
      work: async () => {
        for (let n = 0; n < 100; n += 1) await h.request(`key-0000${1000 + n}`)
        await refused(h.request('key-00002000'))
      },
    },
    {
      type: 'agent.refused',
      by: 'an agent without a registration',
      work: () => {
        h.rules.registered = false
        return refused(h.request('key-00000001'))
      },
    },
    {
      type: 'agent.reported',
      by: 'a report',
      work: async () => {
        const { grant } = await h.request('key-00000001')
        const activity = { at: h.clock.now(), action: 's3:GetObject', resource: 'a', note: '' }
        await h.grants.reportActivity(caller(), grant.id, [activity])
      },
    },
    { type: 'lease.not_minted', by: 'a mint that fails', work: () => mintFails('not_minted') },
    { type: 'lease.unknown', by: 'a mint without an answer', work: () => mintFails('unknown') },
    {
      type: 'lease.unknown',
      by: 'a start after a crash in a mint',
      work: async () => {
        h.provider.beforeMint = async () => {
          await h.close()
          throw new StintError('PROVIDER_UNAVAILABLE', {})
        }
        await refused(h.request('key-00000001'))
        h = await openHarness({ folder: h.folder, clock: h.clock })
        await h.clock.advance(1_000)
        await h.sweeper.recover()
      },
    },
    {
      type: 'grant.ending',
      by: 'a completion',
      work: async () => {
        const { grant } = await h.request('key-00000001')
        await h.grants.completeGrant(caller(), grant.id, 'done')
      },
    },
    {
      type: 'grant.ending',
      by: 'a revocation of what only runs out',
      work: async () => {
        const { grant } = await h.request('key-00000001')
        await h.grants.completeGrant(caller(), grant.id, '')
        await h.operators.revokeGrant(OSCAR, grant.id, 'now')
      },
    },
    {
      type: 'grant.ended',
      by: 'the deny list',
      work: async () => {
        await revoked()
        await h.sweeper.reconcile()
        await h.clock.advance(60_000)
        await h.sweeper.reconcile()
        await h.sweeper.sweep()
      },
    },
    {
      type: 'grant.ended',
      by: 'the deadline',
      work: async () => {
        await h.request('key-00000001')
        await h.clock.advance(1_800_000)
        await h.sweeper.sweep()
      },
    },
    {
      type: 'grant.ended',
      by: 'a completion after the last lease',
      work: async () => {
        const { grant } = await h.request('key-00000001')
        await h.clock.advance(400_000)
        await h.grants.completeGrant(caller(), grant.id, 'done')
      },
    },
    {
      type: 'deny.written',
      by: 'a revocation',
      work: async () => {
        await revoked()
        await h.sweeper.reconcile()
      },
    },
    {
      type: 'deny.changed',
      by: 'an edit of the document',
      work: async () => {
        await revoked()
        await h.sweeper.reconcile()
        h.provider.document = { digest: 'an edit', exists: true }
        await h.clock.advance(60_000)
        await h.sweeper.reconcile()
      },
    },
    {
      type: 'deny.withheld',
      by: 'a document of another ledger',
      work: async () => {
        const mark = { ledgerId: '0'.repeat(12), epoch: 1, sequence: 1 }
        h.provider.document = { digest: 'theirs', exists: true, mark }
        await revoked()
        await h.sweeper.reconcile()
      },
    },
    { type: 'agent_watermark.set', by: 'an agent that wants more than its share', work: () => overfill(true) },
    {
      type: 'agent_watermark.lifted',
      by: 'an agent whose entries fit again',
      work: async () => {
        await overfill(true)
        await h.clock.advance(600_000)
        await h.sweeper.reconcile()
      },
    },
    { type: 'common_watermark.set', by: 'a list that is full', work: () => overfill(false) },
    {
      type: 'common_watermark.lifted',
      by: 'a list that has room again',
      work: async () => {
        await overfill(false)
        await h.clock.advance(600_000)
        await h.sweeper.reconcile()
      },
    },
    { type: 'own_session.intended', by: 'the canary of a deny list', work: () => probed({ isInForce: true }) },
    { type: 'deny.enforced', by: 'a canary that is refused', work: () => probed({ isInForce: true }) },
    { type: 'canary.failed', by: 'a canary that is still allowed', work: () => probed({ isInForce: false }) },
    {
      type: 'deny.failed',
      by: 'a revocation that AWS does not take',
      work: async () => {
        h.provider.beforeWrite = () => {
          throw new StintError('PROVIDER_UNAVAILABLE', {})
        }
        await revoked()
        await h.sweeper.reconcile()
      },
    },
    { type: 'approval.requested', by: 'a request that needs a person', work: waiting },
    { type: 'approval.voted', by: 'the vote of a person', work: () => answer('approve') },
    {
      type: 'approval.voided',
      by: 'a vote on a task that comes to another plan by now',
      work: async () => {
        const { id } = (await waiting()).grant
        const { id: approvalId = '', planHash = '' } = (await h.ledger.findApproval(id)) ?? {}
        h.changePlans()
        await h.operators.decideApproval(OLGA, approvalId, { verdict: 'approve', planHash, note: 'n' }).catch(() => {})
      },
    },
    { type: 'approval.approved', by: 'an approval', work: () => answer('approve') },
    { type: 'approval.rejected', by: 'a rejection', work: () => answer('reject') },
    {
      type: 'approval.rejected',
      by: 'a revocation while it waits',
      work: async () => h.operators.revokeGrant(OSCAR, (await waiting()).grant.id, 'no'),
    },
    {
      type: 'approval.refused',
      by: 'an answer of somebody who may not',
      work: () => refused(answer('approve', { ...OLGA, groups: [] })),
    },
    {
      type: 'approval.reused',
      by: 'a later request of an approved plan',
      work: async () => {
        h.people.push(OLGA)
        await answer('approve')
        h.rules.decision = { ...DECISIONS.approval, reuse: { uses: 2, withinMs: 3_600_000 } }
        await h.request('key-00000002')
      },
    },
    {
      type: 'approval.withdrawn',
      by: 'a completion while it waits',
      work: async () => h.grants.completeGrant(caller(), (await waiting()).grant.id, 'no longer needed'),
    },
    {
      type: 'approval.expired',
      by: 'nobody',
      work: async () => {
        await waiting()
        await h.clock.advance(600_000)
        await h.sweeper.sweep()
      },
    },
    {
      type: 'token.moved',
      by: 'a request over a new connection',
      work: async () => {
        const one = openConnection('con_1')
        await h.request('key-00000001', task(), bearer(one))
        one.close()
        await h.request('key-00000001', task(), bearer(openConnection('con_2')))
      },
    },
    {
      type: 'identity.refused',
      by: 'a replayed token',
      work: async () => {
        await h.request('key-00000001', task(), bearer(openConnection('con_1')))
        await refused(h.request('key-00000002', task(DELETE), bearer(openConnection('con_2'))))
      },
    },
    {
      type: 'operator.refused',
      by: 'a call without a token, and many',
      work: async () => {
        const rig = adminRig({ ledger: h.ledger, limits: { refusalEventsPerMinute: 2 } })
        for (let n = 0; n < 3; n += 1) await rig.call('GET', '/v1/grants')
        await rig.close()
      },
    },
    {
      type: 'ledger.quarantined',
      by: 'a document of a later state of the ledger',
      work: async () => quarantine(),
    },
    {
      type: 'ledger.opening_refused',
      by: 'an operator who opens it at once',
      work: async () => {
        await quarantine()
        await refused(h.quarantine.open(OSCAR, { note: 'all is well' }))
      },
    },
    {
      type: 'ledger.opened',
      by: 'an operator who accepts the risk',
      work: async () => {
        await quarantine()
        await h.quarantine.open(OSCAR, { note: 'all is well', acceptedRisk: 'nothing was given out' })
      },
    },
    { type: 'kill.set', by: 'an operator', work: () => kill() },
    { type: 'kill.drilled', by: 'an operator', work: () => h.kills.drill(OSCAR, { scope: 'team', value: 'data' }) },
    {
      type: 'kill.lift_refused',
      by: 'whoever set it',
      work: async () => refused(h.kills.lift(OSCAR, (await kill()).kill.id, 'sorry')),
    },
    {
      type: 'kill.lifted',
      by: 'a second person',
      work: async () => h.kills.lift(ADA, (await kill()).kill.id, 'looked at it'),
    },
    ...(['kill.ended', 'kill.denied', 'kill.enforced'] as const).map((type) => ({
      type,
      by: 'the work of a kill that hits nothing',
      work: async () => {
        await kill()
        for (let n = 0; n < 3; n += 1) await h.sweeper.runKills()
      },
    })),
    { type: 'chain.opened', by: 'the first event of a process', work: () => h.request('key-00000001') },
    {
      type: 'chain.heads',
      by: 'a chain of another process',
      work: async () => {
        await h.request('key-00000001')
        writeForeignChains(join(h.folder, 'ledger.db'), ['rpl_x'])
        await h.ledger.nameHeads({ at: h.clock.now() })
      },
    },
    {
      type: 'chain.closed',
      by: 'a stop',
      work: async () => {
        await h.request('key-00000001')
        await h.close()
        h = await openHarness({ folder: h.folder, clock: h.clock })
      },
    },
  ]

  for (const { type, by, work } of paths) {
    test(`${type} by ${by}`, async () => {
      await work()
      const events = await allEvents(h.ledger)
      expect(events.map((event) => event.type)).toContain(type)
      expect(events.map(eventFault).filter(Boolean)).toEqual([])
    })
  }

  /** Written by parts of a whole broker: test/start/reload/config-reload.test.ts, test/start/watched-writes.test.ts, test/grants/reevaluate, test/notice. */
  const ELSEWHERE: readonly EventType[] = [
    'configuration.reloaded',
    'ledger.writable',
    'approval.escalated',
    'notices.held',
    'notices.resent',
    'rules.reevaluated',
    'agent.registered',
    'agent.changed',
    'agent.removed',
    'endpoint.disabled',
    'endpoint.tested',
    'part.broken',
    'part.recovered',
    'agent.suspended',
    'agent.resumed',
    'agent.offboarded',
    'agent.cleared',
    'agent.reinstated',
    'agent.reviewed',
    'agent.due',
  ]

  test('and none is left out here', () => {
    const here = [...paths.map(({ type }) => type), ...ELSEWHERE]
    expect(TYPES.filter((type) => !here.includes(type))).toEqual([])
  })
})

describe('an event', () => {
  const at = new Date('2026-11-21T12:00:00Z')
  const lease = { number: 1, sessionName: 's', notAfter: '2026-11-21T12:05:00.000Z' }

  test('is made as its row has it, or does not compile', () => {
    const head = { at, actor: 'stint', grantId: 'grt_1', leaseId: 'lse_1' } as const
    const made = auditEvent('lease.issued', { ...head, data: { ...lease, accessKeyId: 'ASIAEXAMPLE' } })
    expect(made).toEqual({ type: 'lease.issued', ...head, data: { ...lease, accessKeyId: 'ASIAEXAMPLE' } })

    // @ts-expect-error data is missing
    auditEvent('lease.issued', { ...head, data: lease })
    // @ts-expect-error data is left over
    auditEvent('lease.issued', { ...head, data: { ...lease, accessKeyId: 'ASIAEXAMPLE', note: '' } })
    const more = { ...lease, accessKeyId: 'ASIAEXAMPLE', secret: 'no' }
    // @ts-expect-error data is left over, by way of a variable
    auditEvent('lease.issued', { ...head, data: more })
    // @ts-expect-error a lease's event without its lease
    auditEvent('lease.issued', { at, actor: 'stint', grantId: 'grt_1', data: { ...lease, accessKeyId: 'ASIAEXAMPLE' } })
    const common = { target: 'inline:x', listed: 1, wanted: 1, removed: 0 }
    // @ts-expect-error an id that the row has not
    auditEvent('deny.written', { at, actor: 'stint', grantId: 'grt_1', data: common })
    // @ts-expect-error only stint writes a deny list
    auditEvent('deny.written', { at, actor: 'operator:olga', data: common })
    // @ts-expect-error no such type
    auditEvent('deny.forgotten', { at, actor: 'stint', data: common })
    // @ts-expect-error an event is made by auditEvent alone
    const written: ReturnType<typeof auditEvent> = { type: 'deny.written', at, actor: 'stint', data: common }
    expect(written.type).toBe('deny.written')
  })
})

describe('the name of an event', () => {
  const sources = readdirSync('src', { recursive: true, encoding: 'utf8' })
    .filter((file) => file.endsWith('.ts') && dirname(file) !== join('ledger', 'events'))
    .map((file) => ({ file, text: readFileSync(join('src', file), 'utf8') }))

  // A type of notice may have the name of an event. Where notices name events, the compiler holds them to the catalogue.
  const isOfNotices = (file: string) => file.startsWith('notice/')
  // The builder, the question, and the types that they have: each is checked against the catalogue by the compiler.
  const allowed = /(?:auditEvent\(\s*|isEvent\(\s*|EventData<|AuditEventInput<)$/

  test('is written out in src only for a function or type of the catalogue', () => {
    const name = new RegExp(`(['"\`])(${TYPES.map((type) => type.replace('.', '\\.')).join('|')})\\1`, 'g')
    const stray = sources
      .filter(({ file }) => !isOfNotices(file))
      .flatMap(({ file, text }) =>
        [...text.matchAll(name)]
          .filter(({ index }) => !allowed.test(text.slice(0, index)))
          .map(([hit]) => `${file}: ${hit}`),
      )
    expect(stray).toEqual([])
  })

  test('is never built of parts', () => {
    const families = [...new Set(TYPES.map((type) => type.split('.')[0]))].join('|')
    const parts = new RegExp(`\`(?:${families})\\.\\$\\{|['"](?:${families})\\.['"]`, 'g')
    expect(sources.flatMap(({ file, text }) => [...text.matchAll(parts)].map(([hit]) => `${file}: ${hit}`))).toEqual([])
  })

  test('is an argument of auditEvent at least once for every row', () => {
    const unwritten = TYPES.filter(
      (type) => !sources.some(({ text }) => new RegExp(`auditEvent\\(\\s*'${type.replace('.', '\\.')}'`).test(text)),
    )
    // Refused calls are written by RefusalLog, which takes the type from REFUSED_CALL.
    expect(unwritten).toEqual(['identity.refused', 'operator.refused'])
  })
})

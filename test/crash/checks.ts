import { expect } from 'vitest'
import { idBody } from '../../src/core/ids.ts'
import { verifyAuditFile } from '../../src/ledger/audit-verify.ts'
import type { AuditEvent } from '../../src/ledger/records.ts'
import { eventFault } from '../support/catalogued-events.ts'
import type { CrashStage, LedgerView } from './crash-stage.ts'

/** What must hold of the disk and the cloud at any instant at which the broker is dead, however it died. */
export async function checkTheDead(stage: CrashStage): Promise<LedgerView> {
  const view = await stage.ledger()
  checkRecordedBeforeRevealed(stage, view)
  checkNoOrphans(stage, view)
  checkOneGrantPerKey(stage, view)
  checkEndedHonestly(view)
  expect(view.events.map(eventFault).filter(Boolean), 'events that are not as the catalogue has them').toEqual([])
  expect((await verifyAuditFile(stage.copyOfLedger())).problem, 'P9: the audit chains').toBeUndefined()
  return view
}

/** What must hold besides once everything wanted is done: every denied grant is denied, once, and is dead. */
export async function checkTheSettled(stage: CrashStage): Promise<LedgerView> {
  const view = await checkTheDead(stage)
  const denied = await stage.deniedIdentities()
  const wanted = view.grants.filter(({ deny }) => deny).map(({ grant }) => idBody(grant.id))
  expect([...denied].sort(), 'P6: the boundary denies what is wanted, each once').toEqual([...wanted].sort())
  for (const { grant, deny } of view.grants) {
    if (!deny) continue
    expect(deny.writtenAt, `P6: the deny of ${grant.id} is on record as written`).toBeInstanceOf(Date)
    for (const { accessKeyId } of sessionsOf(stage, grant.id)) {
      expect(stage.works(accessKeyId), `P6: a session of ${grant.state} grant ${grant.id} works`).toBe(false)
    }
  }
  return view
}

/** P1: whatever reached the agent is on record as issued, with the key id that it got. */
function checkRecordedBeforeRevealed({ answers }: CrashStage, { grants, events }: LedgerView): void {
  for (const { answer } of answers) {
    if (!answer.lease) continue
    const { id, accessKeyId } = answer.lease
    const lease = grants.flatMap(({ leases }) => leases).find((candidate) => candidate.id === id)
    expect(lease, `P1: lease ${id}, whose credentials the agent has`).toMatchObject({ accessKeyId })
    expect(lease?.issuedAt, `P1: lease ${id} was issued`).toBeInstanceOf(Date)
    const types = events.filter(({ leaseId }) => leaseId === id).map(({ type }) => type)
    expect(types, `P1: events of lease ${id}`).toEqual(expect.arrayContaining(['lease.intended', 'lease.issued']))
  }
}

/** P2: every session that exists has the name of a lease; every session that works, of one that is not ended. */
function checkNoOrphans(stage: CrashStage, { grants }: LedgerView): void {
  const leases = new Map(grants.flatMap(({ leases }) => leases.map((lease) => [lease.sessionName, lease] as const)))
  for (const session of stage.stage.cloud.sessions()) {
    const lease = leases.get(session.sessionName)
    expect(lease, `P2: session ${session.sessionName} is known`).toBeDefined()
    if (stage.works(session.accessKeyId)) expect(lease?.state, `P2: ${session.sessionName} works`).not.toBe('ended')
  }
}

/** P3: one grant per key, and every answer to a key names it. */
function checkOneGrantPerKey({ answers }: CrashStage, { grants }: LedgerView): void {
  const keys = grants.map(({ grant }) => grant.idempotencyKey)
  expect(new Set(keys).size, 'P3: grants per key').toBe(keys.length)
  for (const { key, answer } of answers) {
    const known = grants.find(({ grant }) => grant.idempotencyKey === key)
    expect(known?.grant.id, `P3: the grant of ${key}`).toBe(answer.grant.id)
  }
}

/** P6: nothing is called ended unless a deny that holds it was accepted, or its last lease is over. */
function checkEndedHonestly({ grants, events }: LedgerView): void {
  for (const { grant, leases, deny } of grants) {
    if (grant.state !== 'ended') continue
    if (leases.some(({ end }) => end === 'cut'))
      expect(deny?.enforcedAt, `P6: the deny that ended ${grant.id} is on record as enforced`).toBeInstanceOf(Date)
    const bound = Math.max(
      0,
      ...leases.filter(({ end }) => end !== 'not_minted').map((lease) => lease.notAfter.getTime()),
    )
    if ((grant.endedAt?.getTime() ?? 0) >= bound) continue
    const wanted = eventAt(events, 'grant.ending', grant.id)
    const ended = eventAt(events, 'grant.ended', grant.id)
    const written = events.find(
      ({ type, position }) => type === 'deny.written' && position > wanted && position < ended,
    )
    expect(written, `P6: ${grant.id} was called ended before its deny was written`).toBeDefined()
  }
}

function eventAt(events: readonly AuditEvent[], type: string, grantId: string): number {
  const found = events.find((event) => event.type === type && event.grantId === grantId)
  expect(found, `${type} of ${grantId}`).toBeDefined()
  return found?.position ?? 0
}

function sessionsOf(stage: CrashStage, grantId: string) {
  return stage.stage.cloud.sessions().filter(({ sourceIdentity }) => sourceIdentity === idBody(grantId))
}

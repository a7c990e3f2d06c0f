import { expect } from 'vitest'
import { randomIds } from '../../../src/core/ids.ts'
import type { Approval, Grant, GrantState } from '../../../src/ledger/records.ts'
import { sampleOpen } from '../../support/ledger-records.ts'

export const now = new Date('2026-03-01T12:00:00Z')
export const at = (ms: number) => new Date(now.getTime() + ms)

export const opening = sampleOpen(randomIds, now)
export const waiting = sampleOpen(randomIds, now, { grant: { state: 'awaiting_approval' } })
export const grant: Grant = { ...opening.grant, leaseCount: 1, version: 1 }
export const inState = (state: GrantState): Grant => ({ ...grant, state })
export const approval = { ...(waiting.approval as Approval), version: 1 }
export const conflict = expect.objectContaining({ code: 'LEDGER_CONFLICT' })
export const misuse = expect.objectContaining({ code: 'INTERNAL' })
export const withDetails = (code: string, details: object) =>
  expect.objectContaining({ code, details: expect.objectContaining(details) })

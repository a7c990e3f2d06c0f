import { expect, test } from 'vitest'
import { findExpiry } from '../../src/start/ports/certificate-expiry.ts'

const DAY_MS = 86_400_000
const end = new Date('2027-01-01T00:00:00Z')

for (const { name, lifeDays, leftDays, finding } of [
  { name: 'a year with 15 days left', lifeDays: 365, leftDays: 15, finding: undefined },
  { name: 'a year with 13 days left', lifeDays: 365, leftDays: 13, finding: 'expires-soon' },
  { name: 'a day with 6 hours left', lifeDays: 1, leftDays: 0.25, finding: undefined },
  { name: 'a day with 4 hours left', lifeDays: 1, leftDays: 0.166, finding: 'expires-soon' },
  { name: 'a year that is over', lifeDays: 365, leftDays: 0, finding: 'expired' },
])
  test(`a certificate of ${name} ${finding ? `is on the status as ${finding}` : 'is not on the status'}`, () => {
    const certificate = { validFromDate: new Date(end.getTime() - lifeDays * DAY_MS), validToDate: end }
    const found = findExpiry(certificate, new Date(end.getTime() - leftDays * DAY_MS))
    expect(found.map((one) => one.finding)).toEqual(finding ? [finding] : [])
  })

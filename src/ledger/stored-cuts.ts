import { z } from '../core/documents/schema.ts'
import type { QuarantineCut } from './records.ts'
import { toInstant } from './row-values.ts'

const cutRow = z.object({
  quarantine: z.int(),
  before: z.int(),
  until: z.int(),
  writtenAt: z.int().exactOptional(),
  enforcedAt: z.int().exactOptional(),
})

/** The cut of a list, for its row. */
export function cutText(cut: QuarantineCut | undefined): string | null {
  if (!cut) return null
  const row: z.output<typeof cutRow> = {
    quarantine: cut.quarantine,
    before: cut.before.getTime(),
    until: cut.until.getTime(),
    ...(cut.writtenAt && { writtenAt: cut.writtenAt.getTime() }),
    ...(cut.enforcedAt && { enforcedAt: cut.enforcedAt.getTime() }),
  }
  return JSON.stringify(row)
}

/** As `cutText` wrote it. @throws {Error} for a damaged text */
export function parseCut(text: string): QuarantineCut {
  const { quarantine, before, until, writtenAt, enforcedAt } = cutRow.parse(JSON.parse(text))
  return {
    quarantine,
    before: toInstant(before),
    until: toInstant(until),
    ...(writtenAt === undefined ? {} : { writtenAt: toInstant(writtenAt) }),
    ...(enforcedAt === undefined ? {} : { enforcedAt: toInstant(enforcedAt) }),
  }
}

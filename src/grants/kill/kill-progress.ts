import type { Json } from '../../core/canonical-json.ts'
import { z } from '../../core/documents/schema.ts'
import type { Hold } from '../../ledger/holds/hold-records.ts'

const count = z.int().nonnegative()
const instant = z.iso.datetime()

/** The progress of a kill, as recorded with its hold. */
const progressSchema = z.strictObject({
  /** The lease that was asked for. */
  asked: z.string().exactOptional(),
  /** Deny lists that may get a watermark over everybody. */
  roleWatermarks: z.array(z.string()),
  /** From then on no lease could be issued. */
  heldAt: instant.exactOptional(),
  /** The grants and approvals in its scope when it was set. */
  found: z
    .strictObject({ grants: count, ending: count, approvals: count, agents: count, unreadable: count })
    .exactOptional(),
  /** Grants and approvals that are done with. */
  done: count,
  /** Leases of those grants that could still work. */
  leases: count,
  /** Ids of some grants that cannot be read, or cannot be ended. */
  unreadable: z.array(z.string()),
  /** Grants that are not denied, since no deny list reaches them or has room for them: their leases run out. */
  undeniable: z.strictObject({ grants: count, until: instant.exactOptional() }),
  /** When every grant in scope had ended or was ending. */
  endedAt: instant.exactOptional(),
  /** It was lifted before that. */
  isCutShort: z.literal(true).exactOptional(),
  /** When every deny was written. */
  writtenAt: instant.exactOptional(),
  /** When every deny was in force, or its sessions over. */
  enforcedAt: instant.exactOptional(),
})

/** The progress of a kill. */
export type KillProgress = z.infer<typeof progressSchema>

/** The progress of a kill that has only been set. */
export function freshProgress({ asked, roleWatermarks = [] }: Partial<KillProgress> = {}): KillProgress {
  return {
    ...(asked !== undefined && { asked }),
    roleWatermarks,
    done: 0,
    leases: 0,
    unreadable: [],
    undeniable: { grants: 0 },
  }
}

/** The progress on record; what cannot be read counts as nothing done, since doing it again is harmless. */
export function readProgress({ progress }: Pick<Hold, 'progress'>): KillProgress {
  const read = progressSchema.safeParse(progress)
  return read.success ? read.data : freshProgress()
}

/** The progress as it goes on record. */
export function progressJson(progress: KillProgress): Json {
  return progress as unknown as Json
}

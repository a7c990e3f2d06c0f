import { z } from '../core/documents/schema.ts'
import type { DenyClaim, DenyDocumentRecord } from './records.ts'
import { toInstant } from './row-values.ts'

const documentRows = z.array(
  z.object({
    key: z.string(),
    digest: z.string().exactOptional(),
    sequence: z.int().exactOptional(),
    attempts: z.int(),
    error: z.string().exactOptional(),
    failingSince: z.int().exactOptional(),
  }),
)

/** The documents of a list, for its row. */
export function documentsText(documents: readonly DenyDocumentRecord[] | undefined): string | null {
  if (!documents) return null
  const rows: z.output<typeof documentRows> = documents.map((one) => ({
    key: one.key,
    ...one.written,
    attempts: one.attempts,
    ...(one.lastError === undefined ? {} : { error: one.lastError }),
    ...(one.failingSince ? { failingSince: one.failingSince.getTime() } : {}),
  }))
  return JSON.stringify(rows)
}

/** As `documentsText` wrote it. @throws {Error} for a damaged text */
export function parseDocuments(text: string): DenyDocumentRecord[] {
  return documentRows.parse(JSON.parse(text)).map(({ key, digest, sequence, attempts, error, failingSince }) => ({
    key,
    ...(digest === undefined || sequence === undefined ? {} : { written: { digest, sequence } }),
    attempts,
    ...(error === undefined ? {} : { lastError: error }),
    ...(failingSince === undefined ? {} : { failingSince: toInstant(failingSince) }),
  }))
}

const claimRows = z.array(z.tuple([z.int(), z.int()]))

/** The claims of a list, for its row: pairs of epoch and version. */
export function claimsText(claims: readonly DenyClaim[] | undefined): string | null {
  return claims ? JSON.stringify(claims.map(({ epoch, version }) => [epoch, version])) : null
}

/** As `claimsText` wrote it. @throws {Error} for a damaged text */
export function parseClaims(text: string): DenyClaim[] {
  return claimRows.parse(JSON.parse(text)).map(([epoch, version]) => ({ epoch, version }))
}

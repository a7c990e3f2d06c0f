import { formatCursor } from '../pages.ts'
import type { Grant } from '../records.ts'

/**
 * A page of open grants from the rows of a store.
 *
 * @param toGrant undefined for a damaged row, whose id is then in `damaged`.
 */
export function openGrantsPage<
  Row extends { readonly id: string; readonly requested_at: number; readonly row_id: number },
>(rows: readonly Row[], limit: number, toGrant: (row: Row) => Grant | undefined) {
  const grants: Grant[] = []
  const damaged: string[] = []
  for (const row of rows) {
    const grant = toGrant(row)
    if (grant) grants.push(grant)
    else damaged.push(row.id)
  }
  const last = rows.at(-1)
  const isFull = last && rows.length === limit
  return {
    grants,
    damaged,
    ...(isFull && { nextCursor: formatCursor('grants', { at: last.requested_at, rowId: last.row_id }) }),
  }
}

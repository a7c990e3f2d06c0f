import { stat, statfs } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Ledger, LedgerReads } from '../ledger/ledger.ts'
import type { Gauges } from './metrics.ts'

/** Grants by state, and how the deny lists are, from the ledger. */
export async function gatherRecords(
  ledger: Pick<LedgerReads, 'countGrants' | 'listDenyLists'>,
  now: Date,
  { grants, denyListsFailing, denyFailingSeconds }: Gauges,
): Promise<void> {
  for (const [state, count] of Object.entries(await ledger.countGrants())) grants.set({ state }, count)
  const failing = (await ledger.listDenyLists()).flatMap(({ failingSince }) => failingSince ?? [])
  denyListsFailing.set(failing.length)
  denyFailingSeconds.set(Math.max(0, ...failing.map((since) => (now.getTime() - since.getTime()) / 1_000)))
}

/** The number of brokers that have the ledger open, and how far this one's clock is from that of the database. */
export async function gatherReplicas(
  { sharing, identity }: Pick<Ledger, 'sharing' | 'identity'>,
  { ledgerReplicas, ledgerListening, ledgerClockOffset }: Gauges,
): Promise<void> {
  const replicas = await sharing?.listReplicas()
  ledgerReplicas.set(replicas?.length ?? 1)
  ledgerListening.set(sharing?.isListening ? 1 : 0)
  ledgerClockOffset.set((replicas?.find(({ id }) => id === identity.replica)?.clockOffsetMs ?? 0) / 1_000)
}

/** How large the files of the ledger are, and how much room there is for more. */
export async function gatherFiles(file: string, { ledgerBytes, ledgerFreeBytes }: Gauges): Promise<void> {
  const log = await stat(`${file}-wal`).catch(ignoreMissing)
  ledgerBytes.set({ file: 'database' }, (await stat(file)).size)
  ledgerBytes.set({ file: 'write_ahead_log' }, log?.size ?? 0)
  const { bavail, bsize } = await statfs(dirname(file))
  ledgerFreeBytes.set(bavail * bsize)
}

/** SQLite removes its write-ahead log when nobody has the ledger open. */
function ignoreMissing(error: unknown): undefined {
  if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error
}

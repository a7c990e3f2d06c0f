import { StintError } from '../../../core/errors.ts'
import type { LedgerSharing, RulesAdoption, SharingListener } from '../../sharing.ts'
import { databaseError } from '../database/pg-errors.ts'
import type { PgServer } from '../database/pg-server.ts'
import type { ReadPool } from '../database/read-pool.ts'
import { newestRules } from '../replicas/adopt-rules.ts'
import type { DatabaseClock } from '../replicas/database-clock.ts'
import { listReplicas } from '../replicas/list-replicas.ts'
import { findChanged, watermarkMarks } from './changes.ts'
import { readNotice } from './notice-buffer.ts'
import { NotificationChannel } from './notification-channel.ts'

/** Dependencies of the sharing. */
export interface PostgresSharingDeps {
  readonly reads: ReadPool
  /** The server in messages. */
  readonly where: string
  readonly replica: string
  readonly schema: string
  readonly databaseClock: DatabaseClock
  /** The server itself, for notifications; undefined where only a pooler in transaction mode leads to it. */
  readonly listenAt: PgServer | undefined
  /** Told whether notifications come: `undefined` when they do, else what keeps them away. */
  readonly onListen?: ((error: StintError | undefined) => void) | undefined
  readonly isOpen: () => boolean
  /** Writes the unit that adopts rules. */
  readonly adoptRules: (digest: string) => Promise<RulesAdoption>
}

/** Begins to share a ledger: see `LedgerSharing`. */
export function startSharing(deps: PostgresSharingDeps): LedgerSharing & { close(): Promise<void> } {
  let listener: SharingListener | undefined
  const channel = startChannel(deps, () => listener)
  const read = async <T>(run: () => Promise<T>) => {
    if (!deps.isOpen()) throw new StintError('LEDGER_UNAVAILABLE', { explanation: 'The ledger is closed.' })
    try {
      return await run()
    } catch (error) {
      throw databaseError(error, deps.where)
    }
  }
  return {
    tell: (grantId) => channel?.tell(grantId),
    listen(other) {
      listener = other
    },
    get isListening() {
      return channel?.isListening ?? false
    },
    findChanged: (grants) => read(() => findChanged(deps.reads, grants)),
    watermarkMarks: (agents) => read(() => watermarkMarks(deps.reads, agents)),
    listReplicas: () => read(() => listReplicas(deps.reads)),
    adoptRules: (digest) => deps.adoptRules(digest),
    newestRules: () => read(() => newestRules(deps.reads)),
    listenToClock: (clockListener) => deps.databaseClock.listen(clockListener),
    close: async () => channel?.close(),
  }
}

function startChannel(
  { listenAt, schema, replica, onListen }: PostgresSharingDeps,
  listener: () => SharingListener | undefined,
): NotificationChannel | undefined {
  if (!listenAt) return undefined
  const channel = new NotificationChannel({
    server: listenAt,
    schema,
    replica,
    onHeard: (text) => listener()?.onTold(readNotice(text)),
    onState: (error) => {
      onListen?.(error)
      listener()?.onListening()
    },
  })
  channel.start()
  return channel
}

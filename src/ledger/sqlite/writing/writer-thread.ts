import { parentPort, workerData } from 'node:worker_threads'
import { asStintError } from '../../../core/errors.ts'
import { randomIds } from '../../../core/ids.ts'
import { DamagedRows } from '../../damaged-rows.ts'
import { ChainWriter } from '../chain-writer.ts'
import { GroupCommit } from '../database/group-commit.ts'
import { InternedTexts } from '../database/interned-texts.ts'
import { isStoreError, prepareConnection, SqliteDatabase } from '../database/sqlite-database.ts'
import { SqliteTransaction } from '../database/sqlite-transaction.ts'
import { BUSY_MS, limitSize } from '../opening.ts'
import { SqliteStore } from '../sqlite-store.ts'
import { TokenRows } from '../units/tokens.ts'
import type { FromThread, Outcome, RowNews, SentWrite, ThreadData, ToThread } from './thread-messages.ts'
import { toSentError } from './thread-messages.ts'
import { writeUnits } from './write-units.ts'

/*
 * The thread that writes the ledger: the main thread neither waits for the disk nor builds rows and hashes. Each message is one
 * commit, and is answered when that is durable. What cannot be answered ends the thread, and with it the ledger.
 */

if (parentPort === null) throw new Error('this file is run as a thread')
const port = parentPort
const { path, replica, maxUnregistered, maxBytes, maxBatch } = workerData as ThreadData
const db = new SqliteDatabase(path, { busyMs: BUSY_MS })
prepareConnection(db)
limitSize(db, maxBytes)

let rows: RowNews[] = []
let seconds: number | undefined
const damaged = new DamagedRows(
  {
    onDamaged: (row, error) => rows.push({ row, error: toSentError(error) }),
    onReadable: (row) => rows.push({ row }),
  },
  isStoreError,
)
const texts = new InternedTexts(db)
const store = new SqliteStore({ db, texts, damaged, replica })
const chain = new ChainWriter({ db, texts, ids: randomIds, id: replica })
const tx = new SqliteTransaction({ db, texts, chain, onUndo: () => store.forget() })
const units = writeUnits({ store, tx, chain, tokens: new TokenRows(tx, replica), maxUnregistered })
const commits = new GroupCommit(tx, {
  maxBatch,
  onCommit: (commit) => {
    seconds = commit.seconds
  },
})

port.on('message', (message: ToThread) => {
  if ('writes' in message) void answer(message.writes)
  else close()
})
send({ opened: true })

async function answer(writes: readonly SentWrite[]): Promise<void> {
  rows = []
  seconds = undefined
  const outcomes = await Promise.all(writes.map(runOne))
  send({ outcomes, rows, ...(seconds === undefined ? {} : { seconds }) })
}

function runOne({ name, input, call }: SentWrite): Promise<Outcome> {
  const run = units[name] as (input: unknown) => unknown
  return commits
    .write(() => tx.onBehalfOf(call, () => run(input)))
    .then(
      (value) => ({ value }),
      (error: unknown) => ({ error: toSentError(asStintError(error)) }),
    )
}

function send(message: FromThread): void {
  port.postMessage(message)
}

function close(): void {
  db.close()
  port.close()
}

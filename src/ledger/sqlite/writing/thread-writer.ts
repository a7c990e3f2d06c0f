import { Worker } from 'node:worker_threads'
import { type Correlation, currentCall } from '../../../core/correlation.ts'
import { asStintError, StintError } from '../../../core/errors.ts'
import { type Waiting, WriteQueue } from '../../write-queue.ts'
import type { GroupCommitOptions } from '../database/group-commit.ts'
import type { FromThread, Outcome, RowNews, SentWrite, ThreadData, ToThread } from './thread-messages.ts'
import { fromSentError } from './thread-messages.ts'
import type { SqliteWriter, UnitName } from './write-units.ts'

/** Beside this file, whether it is run as it is written or as it is compiled. */
const ENTRY = new URL(import.meta.url.replace(/thread-writer(\.[a-z]+)$/, 'writer-thread$1'))
/** Nobody waits for the loop of this thread, so a commit may be large. */
const MAX_BATCH = 64
/** A disk that takes longer for one commit is as good as gone. */
const SILENCE_MS = 60_000
/** A commit that takes longer is shown. */
const SLOW_MS = 5_000
/** Only the rows of one commit live in the thread. */
const YOUNG_GENERATION_MB = 16

/** How a thread is started and watched. */
export interface ThreadWriterOptions {
  readonly data: Omit<ThreadData, 'maxBatch'>
  readonly groupCommit?: GroupCommitOptions | undefined
  /** Told, before the writes of the commit resolve, of rows that the thread could not read, or could again. */
  readonly onRows: (rows: readonly RowNews[]) => void
  /** Told once when the thread has died or does not answer: nothing more is written. */
  readonly onFailure: (error: StintError) => void
  /** The program of the thread, and how long it may be silent; others than ours in tests only. */
  readonly entry?: URL
  readonly silenceMs?: number
}

interface Work {
  readonly name: UnitName
  /** Called when everything before it is committed, if it has to be in a batch of its own. */
  readonly prepare: () => unknown
  readonly isAlone: boolean
  readonly call: Correlation | undefined
}

/** Writes in a thread of its own: one message a commit, one commit at a time, while the next one gathers. */
export class ThreadWriter implements SqliteWriter {
  readonly #worker: Worker
  readonly #queue: WriteQueue<Work>
  readonly #options: ThreadWriterOptions
  readonly #exited: Promise<void>
  #answer: PromiseWithResolvers<FromThread> | undefined
  /** Since when an answer is awaited. */
  #askedMs: number | undefined
  #failure: StintError | undefined
  #isOpen = false
  #isClosing = false

  /** @throws {StintError} LEDGER_UNAVAILABLE when the thread cannot open the file. */
  static async start(options: ThreadWriterOptions): Promise<ThreadWriter> {
    const writer = new ThreadWriter(options)
    await writer.#ask()
    writer.#isOpen = true
    return writer
  }

  private constructor(options: ThreadWriterOptions) {
    const { maxBatch = MAX_BATCH, maxQueue, reserved } = options.groupCommit ?? {}
    this.#options = options
    this.#worker = new Worker(options.entry ?? ENTRY, {
      workerData: { ...options.data, maxBatch } satisfies ThreadData,
      resourceLimits: { maxYoungGenerationSizeMb: YOUNG_GENERATION_MB },
    })
    this.#exited = new Promise((resolve) => this.#worker.once('exit', () => resolve()))
    this.#worker.on('message', (message: FromThread) => this.#answer?.resolve(message))
    this.#worker.once('messageerror', (error) => this.#fail(error))
    this.#worker.once('error', (error) => this.#fail(error))
    this.#worker.once('exit', (code) => this.#fail(new Error(`the thread ended with code ${code}`)))
    this.#queue = new WriteQueue<Work>(
      (batch) => this.#commit(batch),
      ({ isAlone }) => isAlone,
      { maxBatch, ...(maxQueue === undefined ? {} : { maxQueue }), ...(reserved === undefined ? {} : { reserved }) },
    )
  }

  write(name: UnitName, input: unknown, kind?: 'settling'): Promise<never> {
    // Row numbers of what is pruned are given out again: nothing may be written before that is known here.
    return this.#add({ name, prepare: () => input, isAlone: name === 'prune', call: currentCall() }, kind)
  }

  writeAlone(name: UnitName, prepare: () => unknown): Promise<never> {
    return this.#add({ name, prepare, isAlone: true, call: currentCall() }, 'settling')
  }

  /** False while the thread takes so long that nothing should rest on its answer. */
  isLive(): boolean {
    return this.#failure === undefined && performance.now() - (this.#askedMs ?? performance.now()) < SLOW_MS
  }

  async close(): Promise<void> {
    await this.#queue.close()
    if (!this.#isClosing) {
      this.#isClosing = true
      if (this.#failure) void this.#worker.terminate()
      else this.#send({ close: true })
    }
    await this.#exited
  }

  #add(work: Work, kind?: 'settling'): Promise<never> {
    return this.#failure ? Promise.reject(this.#failure) : this.#queue.add(work, kind)
  }

  /** Settles every unit of a batch, and never rejects. */
  async #commit(batch: readonly Waiting<Work>[]): Promise<void> {
    const sent: Waiting<Work>[] = []
    try {
      if (this.#failure) throw this.#failure
      const writes = batch.flatMap((waiting) => {
        const write = toSentWrite(waiting)
        if (write) sent.push(waiting)
        return write ?? []
      })
      if (sent.length === 0) return
      const answer = await this.#ask({ writes })
      if (!('outcomes' in answer) || answer.outcomes.length !== sent.length)
        throw new Error('an answer of another kind')
      this.#options.onRows(answer.rows)
      this.#noteCommit(sent.length, answer.seconds)
      for (const [index, waiting] of sent.entries()) this.#settle(answer.outcomes[index] as Outcome, waiting)
    } catch (error) {
      // An input that cannot be copied was not sent: a mistake of ours that says nothing of the thread.
      const failure = isNotSendable(error) ? asStintError(error) : this.#fail(error)
      for (const { reject } of batch) reject(failure)
    }
  }

  #settle(outcome: Outcome, { resolve, reject }: Waiting<Work>): void {
    if ('value' in outcome) {
      resolve(outcome.value as never)
      return
    }
    const error = fromSentError(outcome.error)
    reject(error)
    if (error.details.poisoned !== true || this.#failure) return
    this.#failure = error
    this.#options.onFailure(error)
  }

  #noteCommit(writes: number, seconds: number | undefined): void {
    if (seconds === undefined) return
    this.#options.groupCommit?.onCommit?.({ writes, seconds, waiting: this.#queue.waiting })
  }

  /** Sends a message and waits for the answer; without a message, for the thread to have opened the file. */
  async #ask(message?: ToThread): Promise<FromThread> {
    const answer = Promise.withResolvers<FromThread>()
    this.#answer = answer
    this.#askedMs = performance.now()
    const silenceMs = (message && this.#options.silenceMs) ?? SILENCE_MS
    const silent = () => this.#fail(new Error(`no answer within ${silenceMs} ms`))
    // In halves: a process that was paused comes to its timers before the answer that lies there.
    let timer = setTimeout(() => {
      timer = setTimeout(silent, silenceMs / 2)
    }, silenceMs / 2)
    try {
      if (this.#failure) throw this.#failure
      if (message) this.#send(message)
      return await answer.promise
    } finally {
      clearTimeout(timer)
      this.#answer = undefined
      this.#askedMs = undefined
    }
  }

  #send(message: ToThread): void {
    this.#worker.postMessage(message)
  }

  /** For good: whether the last commit is durable is not known, and only opening the file again can tell. */
  #fail(cause: unknown): StintError {
    if (this.#failure) return this.#failure
    const explanation =
      'The thread that writes the ledger has failed, so nothing more is recorded until the broker is started again.'
    this.#failure = new StintError('LEDGER_UNAVAILABLE', { explanation, poisoned: true }, cause)
    if (this.#isClosing) return this.#failure
    this.#answer?.reject(this.#failure)
    void this.#worker.terminate()
    if (this.#isOpen) this.#options.onFailure(this.#failure)
    return this.#failure
  }
}

function isNotSendable(error: unknown): boolean {
  return error instanceof DOMException && error.name === 'DataCloneError'
}

/** The message for a write; undefined when it is settled already. */
function toSentWrite({ work: { name, prepare, call }, resolve, reject }: Waiting<Work>): SentWrite | undefined {
  try {
    const input = prepare()
    if (input !== undefined) return { name, input, call }
    resolve(undefined as never)
  } catch (error) {
    reject(error)
  }
  return undefined
}

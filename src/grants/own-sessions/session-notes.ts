import { mkdir, readdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import type { Json } from '../../core/canonical-json.ts'
import { z } from '../../core/documents/schema.ts'
import { asStintError, ERROR_CATALOG, type ErrorCode, StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import { idPattern } from '../../core/ids.ts'
import type { StartOwnSession } from '../../credentials/own-session.ts'
import type { Grant, Lease } from '../../ledger/records.ts'
import { planHash } from '../../plan/assemble-plan.ts'
import type { Plan } from '../../plan/plan.ts'
import { describeOwnSession, type OwnSession, type OwnSessionParts, toOwnGrant } from './own-grant.ts'

/** How a session that was noted turned out; missing while nobody knows. */
export type NotedOutcome =
  | { readonly to: 'issued'; readonly accessKeyId: string; readonly issuedAt: Date }
  | { readonly to: 'not_minted'; readonly code: ErrorCode }

/** A session that was started without the ledger. */
export interface SessionNote extends OwnSession {
  readonly outcome?: NotedOutcome
}

const instant = z.iso.datetime().transform((text) => new Date(text))
const noteSchema = z.strictObject({
  grantId: z.string().regex(idPattern('grt')),
  leaseId: z.string().regex(idPattern('lse')),
  plan: z.custom<Plan>((plan) => isPlan(plan), 'is no plan with the hash that it names'),
  denyList: z.string().exactOptional(),
  sessionName: z.string().min(1).max(64),
  intendedAt: instant,
  notAfter: instant,
  mintUntil: instant,
  outcome: z
    .discriminatedUnion('to', [
      z.strictObject({ to: z.literal('issued'), accessKeyId: z.string().max(128), issuedAt: instant }),
      z.strictObject({
        to: z.literal('not_minted'),
        code: z.enum(Object.keys(ERROR_CATALOG) as [ErrorCode, ...ErrorCode[]]),
      }),
    ])
    .exactOptional(),
})

function isPlan(plan: unknown): boolean {
  const { hash, subject, task } = Object(plan) as Partial<Plan>
  // Notes are of checks alone: no grant of an agent comes this way.
  return typeof subject === 'string' && subject.startsWith('stint:') && Boolean(task) && hash === planHash(plan as Plan)
}

/** Keeps notes by the ids of their grants; a note is durable once `write` has resolved. */
export interface NoteStore {
  write(grantId: string, text: string): Promise<void>
  list(): Promise<string[]>
  /** Undefined once it is removed: another broker may have taken it. */
  read(grantId: string): Promise<string | undefined>
  remove(grantId: string): Promise<void>
  /** The place of a note in messages. */
  describePlace(grantId: string): string
}

/** Notes as files in a folder beside the ledger file of the broker that takes them. */
class NoteFolder implements NoteStore {
  readonly #folder: string

  constructor(ledgerFile: string) {
    this.#folder = `${ledgerFile}-sessions`
  }

  async write(grantId: string, text: string): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 })
    await writeFileWhole(this.#path(grantId), text, { durable: true })
  }

  async list(): Promise<string[]> {
    const names = await readdir(this.#folder).catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return []
      throw error
    })
    return names.filter((name) => /^grt_\w+\.json$/.test(name)).map((name) => name.slice(0, -'.json'.length))
  }

  async read(grantId: string): Promise<string | undefined> {
    return (await readSmallFile(this.#path(grantId))).text
  }

  async remove(grantId: string): Promise<void> {
    await rm(this.#path(grantId), { force: true })
  }

  describePlace(grantId: string): string {
    return this.#path(grantId)
  }

  #path(grantId: string): string {
    return join(this.#folder, `${grantId}.json`)
  }
}

/**
 * Sessions that `stint doctor` starts while another process has the ledger: each has a note, which is durable before the session
 * is started. The broker takes them into the ledger. They hold no secret.
 */
export class SessionNotes {
  readonly #store: NoteStore

  /** @param store for a ledger that is a file, the path of that file: the notes are beside it. */
  constructor(store: NoteStore | string) {
    this.#store = typeof store === 'string' ? new NoteFolder(store) : store
  }

  /** Durable when it resolves. @throws the error of the store */
  async write(note: SessionNote): Promise<void> {
    await this.#store.write(note.grantId, JSON.stringify(note as unknown as Json))
  }

  /** The ids of the grants that notes are of. */
  list(): Promise<string[]> {
    return this.#store.list()
  }

  /**
   * Reads a note; undefined once it is removed.
   *
   * @throws {StintError} LEDGER_CORRUPT for what is no note of this grant.
   */
  async read(grantId: string): Promise<SessionNote | undefined> {
    const text = await this.#store.read(grantId)
    if (text === undefined) return undefined
    const note = noteSchema.safeParse(parseJson(text))
    if (note.success && note.data.grantId === grantId) return note.data
    const explanation = `${this.#store.describePlace(grantId)} is not a session that stint doctor has noted; look at it, and remove it.`
    throw new StintError('LEDGER_CORRUPT', { explanation, row: 'session_note', id: grantId })
  }

  async remove(grantId: string): Promise<void> {
    await this.#store.remove(grantId)
  }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

/** Starts sessions that are noted beforehand, and how they turned out. */
export function startOnNotes(
  parts: OwnSessionParts & { readonly notes: Pick<SessionNotes, 'write'> },
): StartOwnSession {
  const { notes } = parts
  return async (request, signal) => {
    const session = describeOwnSession(parts, request)
    await notes.write(session).catch((cause: NodeJS.ErrnoException) => {
      const explanation = `Nothing is started that is not on record, and the session cannot be noted beside the ledger (${cause.code}).`
      throw new StintError('LEDGER_UNAVAILABLE', { explanation }, cause)
    })
    const { grant, lease } = toRecords(session)
    try {
      const credentials = await request.mint({ grant, lease, plan: session.plan }, signal)
      const { accessKeyId, issuedAt } = credentials
      await notes.write({ ...session, outcome: { to: 'issued', accessKeyId, issuedAt } })
      return { lease, credentials }
    } catch (thrown) {
      const error = asStintError(thrown)
      if (error.details.outcome === 'not_minted')
        await notes.write({ ...session, outcome: { to: 'not_minted', code: error.code } })
      throw error
    }
  }
}

function toRecords(session: OwnSession): { grant: Grant; lease: Lease } {
  const { grant, lease } = toOwnGrant(session)
  const { roleArn } = session.plan.task
  return {
    grant: { ...grant, leaseCount: 1, version: 1 },
    lease: { ...lease, grantId: session.grantId, number: 1, roleArn, state: 'intended' },
  }
}

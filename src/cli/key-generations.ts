import { createHash } from 'node:crypto'
import { mkdir } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { hasCode } from '../core/errors.ts'
import { readSmallFile } from '../core/files/read-small-file.ts'
import { writeFileWhole } from '../core/files/write-file-whole.ts'
import type { GrantInfo } from '../sdk/types.ts'

/** Dependencies and settings of a standing request. */
export interface GenerationSettings<T> {
  /** The key that the configuration names, the same in every call. */
  readonly key: string
  readonly ttlSeconds: number
  /** Where the latest generation is kept between calls; it only saves the way there. */
  readonly memory: GenerationMemory | undefined
  readonly now: () => Date
  /** Asks for the grant under one idempotency key. */
  readonly ask: (idempotencyKey: string) => Promise<T>
  readonly getGrant: (grantId: string) => Promise<GrantInfo>
}

/** Keeps a label such as `20261127.3`. Neither method throws: what was not kept is found again. */
export interface GenerationMemory {
  read(): Promise<string | undefined>
  write(label: string): Promise<void>
}

const LABEL = /^(\d{8})\.([1-9]\d{0,5})$/
const MAX_KEY = 128
const DAY_MS = 86_400_000
/** Ends that nobody else gave the grant. */
const OVER_BY_ITSELF: ReadonlySet<string> = new Set(['completed', 'deadline', 'claim_expired'])

/**
 * One grant after the other under one name. An idempotency key has one grant for ever (a late repeat must never become a new
 * grant), so a program that names a fixed key and is called again and again, as AWS SDKs call a `credential_process`, needs a
 * key for each grant: the fixed one with a day and a number, `KEY.20261127.1`. Once the grant under a number is over the next
 * number counts, and since every caller counts alike, calls at the same time meet in one grant.
 *
 * @throws {StintError} what `ask` said. The end that somebody else gave a grant (a refusal, a revocation) stands for the time
 *   that the task had asked for, a person's no for a day.
 */
export async function inGenerations<T>(settings: GenerationSettings<T>): Promise<T> {
  const { key, memory, now, ask } = settings
  const remembered = await memory?.read()
  let label = remembered !== undefined && LABEL.test(remembered) ? remembered : `${toDay(now())}.1`
  for (;;) {
    try {
      const answer = await ask(toKey(key, label))
      if (label !== remembered) await memory?.write(label)
      return answer
    } catch (error) {
      if (!(await mayBeReplaced(error, settings))) throw error
      label = nextLabel(label, now())
    }
  }
}

/** True if the grant that the error speaks of is over, and another may take its place now. */
async function mayBeReplaced<T>(
  error: unknown,
  { getGrant, now, ttlSeconds }: GenerationSettings<T>,
): Promise<boolean> {
  const grantId = findEndedGrant(error)
  if (grantId === undefined) return false
  const grant = await getGrant(grantId)
  const { state, reason, requestedAt, deadline } = grant
  // Nothing that was asked for just now can have ended so: every step leads on, and the last one asks.
  if (reason !== undefined && OVER_BY_ITSELF.has(reason)) return true
  if (state === 'approval_expired' || state === 'withdrawn') return true
  const askedMs = requestedAt?.getTime() ?? now().getTime()
  const standsUntilMs = state === 'rejected' ? askedMs + DAY_MS : (deadline?.getTime() ?? askedMs + ttlSeconds * 1_000)
  return now().getTime() >= standsUntilMs
}

function findEndedGrant(error: unknown): string | undefined {
  const codes = [
    'GRANT_NOT_ACTIVE',
    'POLICY_DENIED',
    'APPROVAL_REJECTED',
    'REQUEST_WITHDRAWN',
    'APPROVAL_EXPIRED',
  ] as const
  for (const code of codes) {
    if (hasCode(error, code) && typeof error.details.grantId === 'string') return error.details.grantId
  }
  return undefined
}

function toDay(instant: Date): string {
  return instant.toISOString().slice(0, 10).replaceAll('-', '')
}

/** The day keeps the way short for a caller that remembers nothing: it begins with the first number of today. */
function nextLabel(label: string, now: Date): string {
  const [, day = '', number = ''] = LABEL.exec(label) ?? []
  const today = toDay(now)
  return day < today ? `${today}.1` : `${day}.${Number(number) + 1}`
}

function toKey(key: string, label: string): string {
  const whole = `${key}.${label}`
  return whole.length <= MAX_KEY ? whole : `${createHash('sha256').update(key).digest('hex')}.${label}`
}

/**
 * A file of the user's cache, which holds a day and a number.
 *
 * @param scope what the generation belongs to: broker and key.
 * @returns undefined where the environment names no place for it.
 */
export function generationFile(
  env: Readonly<Record<string, string | undefined>>,
  scope: readonly string[],
): GenerationMemory | undefined {
  const cache = env.XDG_CACHE_HOME || (env.HOME && join(env.HOME, '.cache'))
  if (!cache) return undefined
  const file = join(cache, 'stint', 'generations', createHash('sha256').update(JSON.stringify(scope)).digest('hex'))
  return {
    read: () =>
      readSmallFile(file).then(
        ({ text }) => text,
        () => undefined,
      ),
    write: async (label) => {
      try {
        await mkdir(dirname(file), { recursive: true, mode: 0o700 })
        await writeFileWhole(file, label)
      } catch {
        // A home that cannot be written to: the next call counts from the first number of the day.
      }
    },
  }
}

import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Command as Parser } from 'commander'
import type { Json } from '../core/canonical-json.ts'
import { isConfidentialUrl } from '../core/confidential-url.ts'
import { ERROR_CATALOG, type ErrorCode, StintError } from '../core/errors.ts'
import { readSmallFile } from '../core/files/read-small-file.ts'
import { isLoopbackHost } from '../core/loopback.ts'
import { reasonOf } from '../core/reason-of.ts'
import { Secret } from '../core/secret.ts'
import { type CommandIo, UsageError } from './command.ts'

/** What the flags of `withAdmin` parse to. */
export interface AdminFlags {
  readonly adminUrl?: string
  readonly adminTokenFile?: string
  readonly adminCa?: string
}

/** Adds the flags that say where the admin API is and who we are there. */
export function withAdmin(parser: Parser): Parser {
  return parser
    .option('--admin-url <url>', 'admin API (STINT_ADMIN_URL)')
    .option('--admin-token-file <file>', 'operator token (STINT_ADMIN_TOKEN_FILE)')
    .option('--admin-ca <file>', 'CA certificates that verify the admin API, PEM (STINT_ADMIN_CA)')
}

/** JSON as the admin API answers it; commands pick fields and pass the rest through. */
export type AdminObject = { readonly [key: string]: AdminValue }
type AdminValue = null | boolean | number | string | readonly AdminValue[] | AdminObject | undefined

const TIMEOUT_MS = 30_000
const MAX_BYTES = 16 * 1024 * 1024

/** The admin API over HTTP(S) with an operator's token. Plain HTTP is for loopback only, since the token would travel. */
export class AdminClient {
  readonly #url: URL
  readonly #token: Secret
  readonly #ca: string | undefined

  private constructor(url: URL, token: Secret, ca: string | undefined) {
    this.#url = url
    this.#token = token
    this.#ca = ca
  }

  /** From flags and environment. @throws {UsageError} when something is missing or cannot be read. */
  static async from(flags: AdminFlags, { env }: Pick<CommandIo, 'env'>): Promise<AdminClient> {
    const text = flags.adminUrl ?? env.STINT_ADMIN_URL
    const tokenFile = flags.adminTokenFile ?? env.STINT_ADMIN_TOKEN_FILE
    if (!text) throw new UsageError('Set --admin-url or STINT_ADMIN_URL.')
    if (!tokenFile) throw new UsageError('Set --admin-token-file or STINT_ADMIN_TOKEN_FILE.')
    const caFile = flags.adminCa ?? env.STINT_ADMIN_CA
    const token = new Secret(parseToken(await read(tokenFile), tokenFile))
    return new AdminClient(checkUrl(text), token, caFile === undefined ? undefined : await read(caFile))
  }

  /** @param query undefined values are left out. @throws {StintError} what the API said; BROKER_UNAVAILABLE */
  get(path: string, query: Readonly<Record<string, string | undefined>> = {}): Promise<AdminObject> {
    const given = Object.entries(query).filter((entry): entry is [string, string] => entry[1] !== undefined)
    const search = new URLSearchParams(given).toString()
    return this.#send('GET', search ? `${path}?${search}` : path)
  }

  /** @throws {StintError} as `get` */
  post(path: string, body: AdminObject): Promise<AdminObject> {
    return this.#send('POST', path, JSON.stringify(body))
  }

  /**
   * All pages of a list, at most `limit` items.
   *
   * @param wanted for what the API has no filter; pages are read until enough items pass.
   */
  async list(
    path: string,
    query: Readonly<Record<string, string | undefined>>,
    limit: number,
    wanted?: (item: AdminObject) => boolean,
  ): Promise<AdminObject[]> {
    const items: AdminObject[] = []
    let cursor: string | undefined
    do {
      const pageSize = String(wanted ? 200 : Math.min(200, limit - items.length))
      const page = await this.get(path, { ...query, limit: pageSize, cursor })
      const found = page.items as AdminObject[]
      items.push(...(wanted ? found.filter(wanted) : found))
      cursor = page.nextCursor as string | undefined
    } while (cursor !== undefined && items.length < limit)
    return items.slice(0, limit)
  }

  async #send(method: string, path: string, body?: string): Promise<AdminObject> {
    const { status, text } = await this.#exchange(method, path, body)
    let answer: unknown
    try {
      answer = JSON.parse(text)
    } catch (error) {
      const explanation = `The admin API answered with status ${status} and a body that is not JSON.`
      throw new StintError('INTERNAL', { explanation }, error)
    }
    if (status >= 200 && status < 300) return answer as AdminObject
    throw fromProblem(status, answer as AdminObject | null)
  }

  #exchange(method: string, path: string, body: string | undefined): Promise<{ status: number; text: string }> {
    const url = new URL(path.replace(/^\//, ''), this.#url)
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${this.#token.reveal()}`,
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    // NODE_USE_ENV_PROXY makes the shared agents ask a proxy, which has nothing to do with this machine's own ports.
    const direct = isLoopbackHost(url.hostname.replace(/^\[(.*)\]$/, '$1'))
    const agent = direct ? new (url.protocol === 'https:' ? HttpsAgent : HttpAgent)() : undefined
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        const explanation = `The admin API at ${this.#url.origin} cannot be reached (${reasonOf(error)}).`
        reject(new StintError('BROKER_UNAVAILABLE', { explanation }, error))
      }
      const request = send(
        url,
        // NODE_TLS_REJECT_UNAUTHORIZED=0 in the environment must not show the operator's token to any server.
        {
          ...{ method, headers, signal: AbortSignal.timeout(TIMEOUT_MS), ca: this.#ca, rejectUnauthorized: true },
          ...(agent && { agent }),
        },
        (response) => {
          const chunks: Buffer[] = []
          let size = 0
          response.on('data', (chunk: Buffer) => {
            size += chunk.length
            if (size > MAX_BYTES) response.destroy(new Error('the answer is too large'))
            else chunks.push(chunk)
          })
          response.on('end', () =>
            resolve({ status: response.statusCode ?? 0, text: Buffer.concat(chunks).toString() }),
          )
          response.on('error', fail)
        },
      )
      request.on('error', fail)
      request.end(body)
    })
  }
}

/** RFC 9457 problem to the error it stands for. */
function fromProblem(status: number, problem: AdminObject | null): StintError {
  const code = problem?.code
  const explanation =
    typeof problem?.detail === 'string' ? problem.detail : `The admin API answered with status ${status}.`
  const known = typeof code === 'string' && Object.hasOwn(ERROR_CATALOG, code) ? (code as ErrorCode) : 'INTERNAL'
  const details = (problem?.details ?? {}) as Record<string, Json>
  const errors = problem?.errors as Json | undefined
  return new StintError(known, { ...details, explanation, ...(errors !== undefined && { errors }) })
}

function checkUrl(text: string): URL {
  if (!URL.canParse(text)) throw new UsageError(`The admin URL is malformed: ${text}`)
  if (isConfidentialUrl(text)) return new URL(text.endsWith('/') ? text : `${text}/`)
  throw new UsageError('The admin URL must be https (http only on loopback), without user and password.')
}

/**
 * An id as part of a path: one that could lead to another path is not sent.
 *
 * @throws {UsageError} that says what ids look like
 */
export function idInPath(kind: 'grant' | 'approval', id: string): string {
  if (/^\w{1,64}$/.test(id)) return id
  const prefix = kind === 'grant' ? 'grt_' : 'apr_'
  throw new UsageError(`The id of a ${kind} is ${prefix} and 26 characters, as stint ${kind}s list shows it; got ${id}`)
}

/** What is no one line of visible ASCII is no token, and could not be sent; it is never shown. */
function parseToken(text: string, file: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new UsageError(`${file} must hold one line: an admin token as stint operators token prints it.`)
}

async function read(file: string): Promise<string> {
  try {
    return (await readSmallFile(file, { pipes: true })).text
  } catch (error) {
    throw new UsageError(`${file} ${error instanceof Error ? error.message : 'cannot be read'}.`)
  }
}

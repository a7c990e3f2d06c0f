import { Agent as HttpAgent, request as httpRequest } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Command as Parser } from 'commander'
import type {
  AdminAnswer,
  AdminFilter,
  AdminIdOwner,
  AdminInput,
  AdminListItem,
  AdminListPath,
  AdminPath,
} from '../admin-client/admin-calls.ts'
import type { Json } from '../core/canonical-json.ts'
import { ERROR_CATALOG, type ErrorCode, StintError } from '../core/errors.ts'
import { readSmallFile } from '../core/files/read-small-file.ts'
import { isConfidentialUrl } from '../core/net/confidential-url.ts'
import { isLoopbackHost } from '../core/net/loopback.ts'
import { Secret } from '../core/secret.ts'
import { describeReason } from '../core/text/describe-reason.ts'
import { type CommandIo, UsageError } from './command.ts'

/** The parsed flags of `withAdmin`. */
export interface AdminFlags {
  readonly adminUrl?: string
  readonly adminTokenFile?: string
  readonly adminCa?: string
}

/** Adds the flags for the address of the admin API and the operator's token. */
export function withAdmin(parser: Parser): Parser {
  return parser
    .option('--admin-url <url>', 'admin API (STINT_ADMIN_URL)')
    .option('--admin-token-file <file>', 'operator token (STINT_ADMIN_TOKEN_FILE)')
    .option('--admin-ca <file>', 'CA certificates that verify the admin API, PEM (STINT_ADMIN_CA)')
}

const TIMEOUT_MS = 30_000
const MAX_BYTES = 16 * 1024 * 1024

/** The input may be left out if none of its parameters is required. */
type Inputs<Input> = object extends Input ? [input?: Input] : [input: Input]

interface CallInput {
  readonly path?: Readonly<Record<string, string>>
  readonly query?: object
  readonly body?: object
}

interface Page<Item> {
  readonly items: readonly Item[]
  readonly nextCursor?: string
}

/**
 * The admin API over HTTP(S) with an operator's token. Paths, parameters and answers have the types of the API's OpenAPI
 * document. Plain HTTP is for loopback only, since the token would travel.
 */
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
    const token = new Secret(parseToken(await readFlagFile(tokenFile), tokenFile))
    return new AdminClient(parseAdminUrl(text), token, caFile === undefined ? undefined : await readFlagFile(caFile))
  }

  /**
   * @param path a path of the OpenAPI document, e.g. `/v1/grants/{id}`. Undefined values of a query are left out.
   * @throws {StintError} what the API said; BROKER_UNAVAILABLE
   * @throws {UsageError} for an id that cannot be one
   */
  get<Path extends AdminPath<'get'>>(
    path: Path,
    ...[input]: Inputs<AdminInput<'get', Path>>
  ): Promise<AdminAnswer<'get', Path>> {
    return this.#send('GET', path, input)
  }

  /** As `get`. */
  post<Path extends AdminPath<'post'>>(
    path: Path,
    ...[input]: Inputs<AdminInput<'post', Path>>
  ): Promise<AdminAnswer<'post', Path>> {
    return this.#send('POST', path, input)
  }

  /**
   * All pages of a list, at most `limit` items.
   *
   * @param wanted for what the API has no filter; pages are read until enough items pass.
   */
  async list<Path extends AdminListPath>(
    path: Path,
    filter: AdminFilter<Path>,
    limit: number,
    wanted?: (item: AdminListItem<Path>) => boolean,
  ): Promise<AdminListItem<Path>[]> {
    const items: AdminListItem<Path>[] = []
    let cursor: string | undefined
    do {
      const pageSize = wanted ? 200 : Math.min(200, limit - items.length)
      const query = { ...filter, limit: pageSize, cursor }
      const page: Page<AdminListItem<Path>> = await this.#send('GET', path, { query })
      items.push(...(wanted ? page.items.filter(wanted) : page.items))
      cursor = page.nextCursor
    } while (cursor !== undefined && items.length < limit)
    return items.slice(0, limit)
  }

  /** The one place where an answer gets its type. It is not checked: the broker answers as its OpenAPI document says. */
  async #send<Answer>(method: 'GET' | 'POST', template: string, input: CallInput = {}): Promise<Answer> {
    const path = fillPath(template, input.path) + toSearch(input.query)
    const body = input.body && JSON.stringify(input.body)
    const { status, text } = await this.#exchange(method, path, body)
    let answer: Json
    try {
      answer = JSON.parse(text)
    } catch (error) {
      const explanation = `The admin API answered with status ${status} and a body that is not JSON.`
      throw new StintError('INTERNAL', { explanation }, error)
    }
    if (status >= 200 && status < 300) return answer as Answer
    throw fromProblem(status, answer, (text) => inWordsOfFlags(text, template, input))
  }

  #exchange(method: string, path: string, body: string | undefined): Promise<{ status: number; text: string }> {
    const url = new URL(path.replace(/^\//, ''), this.#url)
    const headers = {
      accept: 'application/json',
      authorization: `Bearer ${this.#token.reveal()}`,
      // A vote's record says by which client it came.
      'stint-client': 'cli',
      ...(body !== undefined && { 'content-type': 'application/json', 'content-length': Buffer.byteLength(body) }),
    }
    const send = url.protocol === 'https:' ? httpsRequest : httpRequest
    // NODE_USE_ENV_PROXY makes the shared agents ask a proxy, which has nothing to do with this machine's own ports.
    const direct = isLoopbackHost(url.hostname.replace(/^\[(.*)\]$/, '$1'))
    const agent = direct ? new (url.protocol === 'https:' ? HttpsAgent : HttpAgent)() : undefined
    return new Promise((resolve, reject) => {
      const fail = (error: Error) => {
        const explanation = `The admin API at ${this.#url.origin} cannot be reached (${describeReason(error)}).`
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

/** RFC 9457 problem to the error it stands for. @param translate what it says of fields of the request */
function fromProblem(status: number, answer: Json, translate: (text: string) => string): StintError {
  const { code, detail, details, errors } = isObject(answer) ? answer : {}
  const explanation = typeof detail === 'string' ? detail : `The admin API answered with status ${status}.`
  const known = isErrorCode(code) ? code : 'INTERNAL'
  return new StintError(known, {
    ...(isObject(details) && details),
    explanation: errors === undefined ? explanation : translate(explanation),
    ...(errors !== undefined && { errors }),
  })
}

/** Flags that are not called as the field of the API is. */
const FLAG_OF: Readonly<Record<string, string>> = { requestedAfter: 'since', requestedBefore: 'until' }

/** Fields that are arguments of their command, by the path that they are sent to. */
const ARGUMENTS: Readonly<Record<string, readonly string[]>> = {
  '/v1/kills': ['scope', 'value'],
  '/v1/kills/drill': ['scope', 'value'],
  '/v1/reach': ['grant', 'agent', 'owner', 'team', 'account'],
  '/v1/reach/may': ['agent'],
  '/v1/webhooks/dead': ['endpoint'],
}

/** `/query/state` as `--state`, `/body/planHash` as `--plan-hash`, an argument by its name; an id that cannot be one as what ids look like. */
function inWordsOfFlags(explanation: string, template: string, { path }: CallInput): string {
  if (explanation.startsWith('/path/id ')) return `${idRule(template)}; got ${path?.id ?? ''}.`
  return explanation.replaceAll(/\/(?:query|body)\/(\w+)/g, (_, field: string, at: number) => {
    if (ARGUMENTS[template]?.includes(field)) return `${at === 0 ? 'The' : 'the'} ${field}`
    const name = FLAG_OF[field] ?? field
    return `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`
  })
}

function isObject(value: Json | undefined): value is Readonly<Record<string, Json>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isErrorCode(code: Json | undefined): code is ErrorCode {
  return typeof code === 'string' && Object.hasOwn(ERROR_CATALOG, code)
}

function parseAdminUrl(text: string): URL {
  if (!URL.canParse(text)) throw new UsageError(`The admin URL is malformed: ${text}`)
  if (isConfidentialUrl(text)) return new URL(text.endsWith('/') ? text : `${text}/`)
  throw new UsageError('The admin URL must be https (http only on loopback), without user and password.')
}

/** As the registry takes it; no such text leads to another path. */
const REGISTRATION_NAME = /^[a-z0-9][a-z0-9._-]{0,99}$/

const ID_RULES: Readonly<Record<AdminIdOwner, string>> = {
  grants: 'A grant id is grt_ followed by 26 characters, as in stint grants list',
  approvals: 'An approval id is apr_ followed by 26 characters, as in stint approvals list',
  kills: 'A kill id is kil_ followed by 26 characters, as in stint kill list',
}

function nameRule(template: string): string {
  if (template.startsWith('/v1/webhooks/')) return 'A name of a receiver is as in stint webhooks list'
  return 'A name of a registration is as in stint agents list'
}

/**
 * The path with its parameters in place. One that could lead to another path is not sent.
 *
 * @throws {UsageError} that says what ids look like
 */
function fillPath(template: string, parameters: Readonly<Record<string, string>> = {}): string {
  return template.replace(/\{(\w+)\}/g, (_, name: string) => {
    const value = parameters[name] ?? ''
    if (name === 'name' ? REGISTRATION_NAME.test(value) : /^\w{1,64}$/.test(value)) return value
    if (name === 'name') throw new UsageError(`${nameRule(template)}; got ${value}`)
    throw new UsageError(`${idRule(template)}; got ${value}`)
  })
}

function idRule(template: string): string {
  const rule = Object.entries(ID_RULES).find(([owner]) => template.startsWith(`/v1/${owner}/`))?.[1]
  return rule ?? 'This id cannot be part of a path'
}

function toSearch(query: CallInput['query'] = {}): string {
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) if (value !== undefined) search.append(name, String(value))
  return search.size > 0 ? `?${search}` : ''
}

/** A token is one line of visible ASCII; anything else could not be sent. The text is never shown. */
function parseToken(text: string, file: string): string {
  const token = text.trim()
  if (/^[\x21-\x7e]+$/.test(token)) return token
  throw new UsageError(`${file} must contain one line: an admin token, as printed by stint operators token.`)
}

async function readFlagFile(file: string): Promise<string> {
  try {
    return (await readSmallFile(file, { pipes: true })).text
  } catch (error) {
    throw new UsageError(`${file} ${error instanceof Error ? error.message : 'cannot be read'}.`)
  }
}

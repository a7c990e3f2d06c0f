import type { AddressInfo } from 'node:net'
import { createServer, type Server, type Socket } from 'node:net'
import type { Clock } from '../../../src/core/clock.ts'
import type { WireRequest } from '../../../src/practice/wire/wire-request.ts'

/** What the server does once a request is there. */
export type Answer = (socket: Socket, request: WireRequest, clock: Clock) => void

/** A TCP server that reads HTTP requests whole and answers each with whatever bytes it is told to. */
export class HostileSts {
  readonly requests: WireRequest[] = []
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #clock: () => Clock
  connections = 0
  /** Given the number of the request, from 0. */
  answer: (n: number) => Answer = () => () => undefined
  /** Runs when a connection comes, before anything was read. */
  onConnection: (socket: Socket) => void = () => undefined

  private constructor(clock: () => Clock) {
    this.#clock = clock
    this.#server = createServer((socket) => this.#serve(socket))
  }

  static async start(clock: () => Clock): Promise<HostileSts> {
    const hostile = new HostileSts(clock)
    await new Promise<void>((resolve) => hostile.#server.listen(0, '127.0.0.1', resolve))
    return hostile
  }

  get endpoint(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    await new Promise((resolve) => this.#server.close(resolve))
  }

  #serve(socket: Socket): void {
    this.connections += 1
    this.#sockets.add(socket)
    socket.on('close', () => this.#sockets.delete(socket))
    // Clients that give up reset the connection.
    socket.on('error', () => socket.destroy())
    this.onConnection(socket)
    let read = Buffer.alloc(0)
    socket.on('data', (chunk) => {
      read = Buffer.concat([read, chunk])
      const request = parse(read)
      if (!request) return
      read = Buffer.alloc(0)
      this.requests.push(request)
      this.answer(this.requests.length - 1)(socket, request, this.#clock())
    })
  }
}

function parse(bytes: Buffer): WireRequest | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end < 0) return undefined
  const [line = '', ...lines] = bytes.subarray(0, end).toString('latin1').split('\r\n')
  const headers = new Map(
    lines.map((text) => {
      const colon = text.indexOf(':')
      return [text.slice(0, colon).toLowerCase(), text.slice(colon + 1).trim()] as const
    }),
  )
  const body = bytes.subarray(end + 4)
  if (body.length < Number(headers.get('content-length'))) return undefined
  const [method = '', target = ''] = line.split(' ')
  const [path = '', query = ''] = target.split('?')
  return { method, path, query, headers, body }
}

/** The parameters of a request of the query protocol. */
export function parametersOf({ body }: WireRequest): Record<string, string> {
  return Object.fromEntries(new URLSearchParams(body.toString('utf8')))
}

/** What may be changed of an HTTP answer. */
export interface AnswerChange {
  /** In place of `HTTP/1.1`. */
  readonly version?: string
  /** Headers beside Content-Type, Content-Length, Date and x-amzn-RequestId; null leaves one of these out. */
  readonly headers?: Readonly<Record<string, string | null>>
}

export const REQUEST_ID = '11111111-2222-4333-8444-555555555555'

/** A whole HTTP answer. */
export function replying(status: number, body: string | Buffer, change: AnswerChange = {}): Answer {
  return (socket, _, clock) => {
    const bytes = Buffer.from(body)
    socket.write(Buffer.concat([Buffer.from(head(status, bytes.length, clock, change), 'latin1'), bytes]))
  }
}

/** Status line and headers of an answer. */
export function head(
  status: number,
  length: number,
  clock: Clock,
  { version = 'HTTP/1.1', headers = {} }: AnswerChange = {},
): string {
  const all: Record<string, string | null> = {
    'Content-Type': 'text/xml',
    'Content-Length': String(length),
    Date: clock.now().toUTCString(),
    'x-amzn-RequestId': REQUEST_ID,
    ...headers,
  }
  const lines = Object.entries(all).flatMap(([name, value]) => (value === null ? [] : [`${name}: ${value}`]))
  return [`${version} ${status} Whatever`, ...lines, '', ''].join('\r\n')
}

/** An answer that grants what was asked for, after an edit. */
export function granting(
  edit: (xml: string) => string = (xml) => xml,
  change: AnswerChange & { status?: number } = {},
): Answer {
  return (socket, request, clock) =>
    replying(change.status ?? 200, edit(grantedXml(request, clock)), change)(socket, request, clock)
}

/** The answer of AssumeRole as the API reference shows it. */
export function grantedXml(request: WireRequest, clock: Clock): string {
  const { RoleArn = '', RoleSessionName, SourceIdentity, DurationSeconds } = parametersOf(request)
  const [, , , , account = '', role = ''] = RoleArn.split(':')
  const expires = new Date(clock.now().getTime() + Number(DurationSeconds) * 1_000)
  const session = `${role.split('/').at(-1)}/${RoleSessionName}`
  return `<AssumeRoleResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <AssumeRoleResult>
    <SourceIdentity>${SourceIdentity}</SourceIdentity>
    <AssumedRoleUser>
      <Arn>arn:aws:sts::${account}:assumed-role/${session}</Arn>
      <AssumedRoleId>AROAEXAMPLE:${RoleSessionName}</AssumedRoleId>
    </AssumedRoleUser>
    <Credentials>
      <AccessKeyId>ASIAEXAMPLE12345678X</AccessKeyId>
      <SecretAccessKey>canary-secret/aB1+x&amp;&#65;&#x42;</SecretAccessKey>
      <SessionToken>canary-token/${'aB3='.repeat(200)}</SessionToken>
      <Expiration>${expires.toISOString().replace(/\.\d+Z/, 'Z')}</Expiration>
    </Credentials>
    <PackedPolicySize>6</PackedPolicySize>
  </AssumeRoleResult>
  <ResponseMetadata><RequestId>${REQUEST_ID}</RequestId></ResponseMetadata>
</AssumeRoleResponse>`
}

/** An error in the form of the query protocol. */
export function errorXml(code: string, message = 'AWS says no'): string {
  return `<ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
  <Error><Type>Sender</Type><Code>${code}</Code><Message>${message}</Message></Error>
  <RequestId>${REQUEST_ID}</RequestId>
</ErrorResponse>`
}

/** A failure at the proxy. */
export interface ProxyFailure {
  /** `host:port` of the proxy. */
  readonly proxy: string
  /** `host:port` that it was asked to connect to. */
  readonly target: string
  /** The status with which the proxy refused; absent if it never answered. */
  readonly statusCode?: number
  /** Node's code of the failed connection to the proxy, e.g. `ECONNREFUSED`, or `ETIMEDOUT`. */
  readonly reason?: string
}

const STATUS_ADVICE: Readonly<Record<number, string>> = {
  403: 'let the proxy connect to this host',
  407: 'it requires a user name and password, or rejected those it got',
}

/** The proxy opened no tunnel, so nothing was sent to the target. The message contains no credentials. */
export class ProxyError extends Error {
  override readonly name = 'ProxyError'
  readonly code = 'ERR_PROXY'
  readonly failure: ProxyFailure

  constructor(failure: ProxyFailure) {
    super(sentence(failure))
    this.failure = failure
  }
}

function sentence({ proxy, target, statusCode, reason }: ProxyFailure): string {
  if (statusCode === undefined)
    return `The proxy ${proxy} could not be used to reach ${target} (${reason ?? 'the connection ended'}).`
  const advice = STATUS_ADVICE[statusCode]
  return `The proxy ${proxy} refused to connect to ${target} (status ${statusCode})${advice ? `: ${advice}` : ''}.`
}

import { isIP } from 'node:net'
import { ChannelCredentials, type ChannelOptions } from '@grpc/grpc-js'
import { BrokerServiceClient } from '../../contract/broker.ts'
import type { BrokerServiceClient as BrokerClient } from '../../contract/gen/stint/v1/BrokerService.ts'
import { StintError } from '../../core/errors.ts'
import { isLoopbackHost } from '../../core/net/loopback.ts'
import { checkServerSvid } from '../identity/server-identity.ts'
import type { SvidProvider } from '../identity/svid-source.ts'
import { BackgroundCredentials } from './background-credentials.ts'
import { probeRefusal } from './probe.ts'

/** A client stub that stays open until `done` is called. `opened` lets a background stream stop holding the process. */
export interface Borrowed {
  readonly stub: BrokerClient
  /** Version of the SVID that it shows. */
  readonly version: string
  opened(): void
  done(): void
}

/**
 * The purpose of a connection. Calls and long streams have one each: a bearer token mints by one connection, and a stream
 * would keep the old connection open for as long as it runs, so that the next one could not take the token over.
 */
export type ChannelUse = 'calls' | 'streams' | 'background'

interface Channel {
  readonly version: string
  readonly stub: BrokerClient
  readonly background: BackgroundCredentials | undefined
  calls: number
  retired: boolean
}

const CHANNEL_OPTIONS: ChannelOptions = {
  'grpc.enable_retries': 0,
  'grpc.use_local_subchannel_pool': 1,
  'grpc.initial_reconnect_backoff_ms': 100,
  'grpc.max_reconnect_backoff_ms': 5_000,
  'grpc.keepalive_time_ms': 30_000,
  'grpc.keepalive_timeout_ms': 10_000,
}

/**
 * mTLS channels to one broker. When the SVID rotates, new calls go over a new channel; the old one closes after its last call.
 * Streams of the background have a channel of their own, since a connection either holds the process or does not.
 */
export class Connection {
  readonly #address: string
  readonly #useProxy: boolean
  readonly #serverId: string
  readonly #source: SvidProvider
  readonly #channels = new Map<ChannelUse, Channel>()
  readonly #open = new Set<Channel>()
  #closed = false

  constructor(deps: { address: string; serverId: string; source: SvidProvider; useProxy?: boolean }) {
    const { address, serverId, source, useProxy = false } = deps
    this.#address = address
    this.#useProxy = useProxy
    this.#serverId = serverId
    this.#source = source
  }

  /** Waits until there is an identity to connect with; before each `borrow`. @throws {StintError} why there is none. */
  ready(): Promise<void> {
    return this.#source.ready()
  }

  /** Looks for an identity other than the version that was refused. @returns whether there is one; never throws */
  look(version: string): Promise<boolean> {
    return this.#source.look(version).catch(() => false)
  }

  /** @throws {StintError} SVID_INVALID, BUNDLE_INVALID; CANCELLED after `close`. */
  borrow(use: ChannelUse): Borrowed {
    if (this.#closed) throw new StintError('CANCELLED', { explanation: 'The client was closed.' })
    const channel = this.#channel(use)
    channel.calls += 1
    return {
      stub: channel.stub,
      version: channel.version,
      opened: () => channel.background?.release(),
      done: () => {
        channel.calls -= 1
        this.#closeIfIdle(channel)
      },
    }
  }

  /**
   * Why the broker refuses this agent's certificate, if that is why it cannot be reached. Never throws.
   *
   * @param withinMs how long asking may take; 2 s at most.
   */
  async refusal(withinMs: number): Promise<StintError | undefined> {
    if (this.#closed || withinMs <= 0) return undefined
    try {
      const { secureContext } = this.#source.current()
      return await probeRefusal(this.#address, { secureContext, serverId: this.#serverId, withinMs })
    } catch {
      return undefined
    }
  }

  /** Ends every call in flight. */
  close(): void {
    this.#closed = true
    for (const channel of this.#open) channel.stub.close()
    this.#open.clear()
    this.#channels.clear()
  }

  #channel(use: ChannelUse): Channel {
    const { version, secureContext } = this.#source.current()
    const present = this.#channels.get(use)
    if (present?.version === version) return present
    const secure = ChannelCredentials.createFromSecureContext(secureContext, {
      checkServerIdentity: (_host, { raw }) => checkServerSvid(raw, this.#serverId),
    })
    const background = use === 'background' ? new BackgroundCredentials(secure) : undefined
    const stub = new BrokerServiceClient(
      this.#address,
      background ?? secure,
      channelOptions(this.#address, this.#useProxy),
    )
    const channel: Channel = { version, stub, background, calls: 0, retired: false }
    this.#channels.set(use, channel)
    this.#open.add(channel)
    if (present) {
      present.retired = true
      this.#closeIfIdle(present)
    }
    return channel
  }

  #closeIfIdle(channel: Channel): void {
    if (!channel.retired || channel.calls > 0) return
    channel.stub.close()
    this.#open.delete(channel)
  }
}

/** An IP address is no TLS server name (RFC 6066, section 3): the SPIFFE ID is what is checked, so any name does. */
function channelOptions(address: string, useProxy: boolean): ChannelOptions {
  const host = address.replace(/:\d+$/, '').replace(/^\[(.*)\]$/, '$1')
  return {
    ...CHANNEL_OPTIONS,
    // grpc-js would obey the lower-case variables for every host, this machine too.
    'grpc.enable_http_proxy': useProxy && !isLoopbackHost(host) ? 1 : 0,
    ...(isIP(host) !== 0 && { 'grpc.ssl_target_name_override': 'stint-broker' }),
  }
}

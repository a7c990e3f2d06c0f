import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../core/clock.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import { Reloading } from '../core/files/reloading.ts'
import { Secret } from '../core/secret.ts'
import { spiffeIdText } from './spiffe-id.ts'
import { parseCertificate } from './x509/certificate.ts'
import { checkLeaf } from './x509/x509-leaf.ts'

/** The certificate and key that the service shows to its clients. */
export interface ServerIdentity {
  /** PEM, leaf first. */
  readonly cert: string
  /** PEM. */
  readonly key: Secret
  /** End of the leaf's validity. */
  readonly notAfter: Date
  /** The SPIFFE ID of the leaf; absent for a certificate that is no X.509-SVID. */
  readonly spiffeId?: string
}

/** Where a listener's identity comes from. */
export interface ServerIdentitySource {
  /**
   * @param onChange called with each identity after the first; undefined: none may be used any more. Must not throw.
   * @throws {StintError} when there is no usable identity yet.
   */
  start(onChange: (identity: ServerIdentity | undefined) => void): Promise<ServerIdentity>
  stop(): Promise<void>
}

/** The files to follow, and the listeners of their changes. */
export interface ServerIdentityFilesOptions {
  readonly certFile: string
  readonly keyFile: string
  readonly clock: Clock
  /** How often the files are looked at. Default 5000. */
  readonly intervalMs?: number
  /** Called with each new pair after the first; undefined when the last one is over and there is no other. */
  readonly onChange: (identity: ServerIdentity | undefined) => void
  /** Called once per new problem, while the last good pair stays in use, and with undefined when the files are good again. */
  readonly onState: (problem: StintError | undefined) => void
}

/**
 * Reads the server's certificate and key, and reads them again as they change. Two files cannot be replaced at once, so
 * a pair that does not fit is left alone until it does. A pair that is over counts as changed.
 */
export class ServerIdentityFiles {
  readonly #options: ServerIdentityFilesOptions
  readonly #pair: Reloading<ServerIdentity>
  /** The pair in use; undefined when there is none, and when it was withdrawn because it is over. */
  #inUse: ServerIdentity | undefined
  /** End of the pair that the last load refused because it is over. The clock may be set back before it. */
  #refusedAsOver: Date | undefined

  constructor(options: ServerIdentityFilesOptions) {
    this.#options = options
    const { clock, intervalMs = 5000, onState } = options
    this.#pair = new Reloading({
      load: () => this.#load(),
      fingerprint: () => this.#fingerprint(),
      clock,
      pollMs: intervalMs,
      onLoaded: (identity) => this.#use(identity),
      onState,
    })
  }

  /** @throws {StintError} CONFIG_INVALID: the pair cannot be read, does not fit, or has expired. */
  start(): Promise<ServerIdentity> {
    return this.#pair.startWithValue()
  }

  stop(): Promise<void> {
    return this.#pair.stop()
  }

  /** Looks at the files now. Never throws. */
  check(): Promise<void> {
    return this.#pair.check()
  }

  #use(identity: ServerIdentity): void {
    const isFirst = this.#pair.status.value === undefined
    if (!isFirst && !isSamePair(identity, this.#inUse)) this.#options.onChange(identity)
    this.#inUse = identity
  }

  async #fingerprint(): Promise<string> {
    const { certFile, keyFile } = this.#options
    const standing = this.#standing()
    try {
      return (await read(certFile, 'certFile')).hash + (await read(keyFile, 'keyFile')).hash + standing
    } catch (error) {
      return asStintError(error).message + standing
    }
  }

  /**
   * The validity now of the pair in use and of the one last refused: the same files are loaded again when it changes,
   * also when the clock is set back. Never empty without a pair in use, or the files would count as loaded.
   */
  #standing(): string {
    const { clock } = this.#options
    const none = this.#inUse === undefined ? ' none' : ''
    const over = this.#isOver() ? ' over' : ''
    if (this.#refusedAsOver === undefined) return none + over
    return none + over + (clock.now() > this.#refusedAsOver ? ' refused' : ' again')
  }

  #isOver(): boolean {
    return this.#inUse !== undefined && this.#options.clock.now() > this.#inUse.notAfter
  }

  async #load(): Promise<ServerIdentity> {
    try {
      return await this.#read()
    } catch (error) {
      if (this.#isOver()) {
        this.#inUse = undefined
        this.#options.onChange(undefined)
      }
      throw error
    }
  }

  async #read(): Promise<ServerIdentity> {
    const { certFile, keyFile, clock } = this.#options
    const { text: cert } = await read(certFile, 'certFile')
    const { text: key } = await read(keyFile, 'keyFile')
    try {
      const identity = serverIdentity(cert, new Secret(key))
      this.#refusedAsOver = clock.now() > identity.notAfter ? identity.notAfter : undefined
      if (!this.#refusedAsOver) return identity
      throw invalid('certFile', 'The server certificate has expired.')
    } catch (error) {
      throw withFile(error, { certFile, keyFile })
    }
  }
}

function isSamePair(one: ServerIdentity, other: ServerIdentity | undefined): boolean {
  return one.cert === other?.cert && one.key.reveal() === other.key.reveal()
}

/** A listener's identity out of two files. */
export function filesIdentity(options: Omit<ServerIdentityFilesOptions, 'onChange'>): ServerIdentitySource {
  let files: ServerIdentityFiles | undefined
  return {
    start: (onChange) => {
      files = new ServerIdentityFiles({ ...options, onChange })
      return files.start()
    },
    stop: async () => files?.stop(),
  }
}

/**
 * Checks that certificate and key are a pair that TLS can use.
 *
 * @throws {StintError} CONFIG_INVALID
 */
export function serverIdentity(cert: string, key: Secret): ServerIdentity {
  const leaf = usable('certFile', 'The server certificate is not a PEM certificate.', () => new X509Certificate(cert))
  const privateKey = usable('keyFile', "The server's private key is not an unencrypted PEM private key.", () =>
    createPrivateKey(key.reveal()),
  )
  if (!leaf.checkPrivateKey(privateKey)) {
    throw invalid('keyFile', "The server's private key does not belong to its certificate.")
  }
  usable('certFile', "TLS does not accept the server's certificate and private key as a pair.", () =>
    createSecureContext({ cert, key: key.reveal() }),
  )
  const spiffeId = readSpiffeId(leaf)
  return { cert, key, notAfter: leaf.validToDate, ...(spiffeId && { spiffeId }) }
}

function usable<T>(field: Field, explanation: string, read: () => T): T {
  try {
    return read()
  } catch {
    throw invalid(field, explanation)
  }
}

/** Read from the DER: the text that Node makes of a subjectAltName is not to be taken apart. */
function readSpiffeId({ raw }: X509Certificate): string | undefined {
  try {
    return spiffeIdText(checkLeaf(parseCertificate(raw)))
  } catch {
    return undefined
  }
}

/** The error, and the path of the file that its field stands for. */
function withFile(error: unknown, files: Readonly<Record<Field, string>>): unknown {
  if (!(error instanceof StintError)) return error
  const { field, explanation = '' } = error.details
  if (field !== 'certFile' && field !== 'keyFile') return error
  return invalid(field, `${explanation.replace(/\.$/, '')}: ${files[field]}.`, error.cause)
}

async function read(path: string, field: Field): Promise<{ text: string; hash: string }> {
  try {
    return await readSmallFile(path)
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw invalid(field, `The file ${path} ${error.message}.`, error)
  }
}

type Field = 'certFile' | 'keyFile'

function invalid(field: Field, explanation: string, cause?: unknown): StintError {
  return new StintError('CONFIG_INVALID', { field, explanation }, cause)
}

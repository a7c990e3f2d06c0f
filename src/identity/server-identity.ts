import { createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { Clock } from '../core/clock.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import { Secret } from '../core/secret.ts'
import { parseCertificate } from './certificate.ts'
import { Poll } from './polled-files.ts'
import { spiffeIdText } from './spiffe-id.ts'
import { checkLeaf } from './x509-leaf.ts'

/** What the service shows to its clients. */
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

/** Which files are followed, and who hears of a change. */
export interface ServerIdentityFilesOptions {
  readonly certFile: string
  readonly keyFile: string
  readonly clock: Clock
  /** How often the files are looked at. Default 5000. */
  readonly intervalMs?: number
  /** Called with each new pair after the first; undefined when the last one is over and there is no other. */
  readonly onChange: (identity: ServerIdentity | undefined) => void
  /** Called once per new problem; the last good pair stays in use. */
  readonly onProblem: (error: StintError) => void
}

/**
 * Reads the server's certificate and key, and reads them again as they change. Two files cannot be replaced at once, so
 * a pair that does not fit is left alone until it does.
 */
export class ServerIdentityFiles {
  readonly #options: ServerIdentityFilesOptions
  #seen = ''
  /** End of the pair in use; undefined when there is none. */
  #notAfter: Date | undefined
  #poll: Poll | undefined

  constructor(options: ServerIdentityFilesOptions) {
    this.#options = options
  }

  /** @throws {StintError} CONFIG_INVALID: the pair cannot be read, does not fit, or has expired. */
  async start(): Promise<ServerIdentity> {
    const { clock, intervalMs = 5000 } = this.#options
    const { identity, hash } = await this.#load()
    this.#seen = hash
    this.#notAfter = identity.notAfter
    this.#poll ??= new Poll({ clock, intervalMs, check: () => this.check() })
    return identity
  }

  async stop(): Promise<void> {
    await this.#poll?.stop()
    this.#poll = undefined
  }

  /** Looks at the files now. Never throws. */
  async check(): Promise<void> {
    try {
      const { identity, hash } = await this.#load()
      if (hash === this.#seen) return
      this.#options.onChange(identity)
      this.#seen = hash
      this.#notAfter = identity.notAfter
    } catch (cause) {
      const error = asStintError(cause)
      if (this.#seen !== error.message) this.#options.onProblem(error)
      this.#seen = error.message
      this.#withdrawIfOver()
    }
  }

  #withdrawIfOver(): void {
    const { clock, onChange } = this.#options
    if (!this.#notAfter || clock.now() <= this.#notAfter) return
    this.#notAfter = undefined
    onChange(undefined)
  }

  async #load(): Promise<{ identity: ServerIdentity; hash: string }> {
    const { certFile, keyFile, clock } = this.#options
    const cert = await read(certFile, 'certFile')
    const key = await read(keyFile, 'keyFile')
    try {
      const identity = serverIdentity(cert.text, new Secret(key.text))
      if (clock.now() <= identity.notAfter) return { identity, hash: cert.hash + key.hash }
      throw invalid('certFile', 'The certificate of the server has expired.')
    } catch (error) {
      throw withFile(error, { certFile, keyFile })
    }
  }
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
  const leaf = usable(
    'certFile',
    'The certificate of the server is no certificate in PEM.',
    () => new X509Certificate(cert),
  )
  const privateKey = usable('keyFile', 'The private key of the server is no unencrypted private key in PEM.', () =>
    createPrivateKey(key.reveal()),
  )
  if (!leaf.checkPrivateKey(privateKey)) {
    throw invalid('keyFile', 'The private key of the server does not belong to its certificate.')
  }
  usable('certFile', 'The certificate and the private key of the server are no pair that TLS takes.', () =>
    createSecureContext({ cert, key: key.reveal() }),
  )
  const spiffeId = spiffeIdOf(leaf)
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
function spiffeIdOf({ raw }: X509Certificate): string | undefined {
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

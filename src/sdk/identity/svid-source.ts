import { createHash, createPrivateKey, X509Certificate } from 'node:crypto'
import { createSecureContext, type SecureContext } from 'node:tls'
import type { Clock } from '../../core/clock.ts'
import type { StrictJson } from '../../core/documents/strict-json.ts'
import { asStintError, StintError } from '../../core/errors.ts'
import { readSmallFileSync, UnusableFileError } from '../../core/files/read-small-file.ts'
import { readBundleKeys } from '../../identity/bundle/bundle-keys.ts'
import { bundleInvalid } from '../../identity/bundle/bundle-problems.ts'
import { readBundleDocument } from '../../identity/bundle/trust-bundle.ts'

/** Where an agent's identity lies. The files may be replaced at any time, as spiffe-helper and the CSI driver do. */
export interface SvidFiles {
  /** PEM: the X.509-SVID, then its intermediates. Left out together with the key by callers that have only a token. */
  readonly certificateFile?: string
  /** PEM, unencrypted. */
  readonly privateKeyFile?: string
  /** The broker's trust domain: PEM roots, or a SPIFFE bundle (JWKS JSON). */
  readonly bundleFile: string
}

/** An identity as loaded from the files. `version` changes with their content. */
export interface LoadedSvid {
  readonly version: string
  readonly secureContext: SecureContext
}

/** Source of the identity that a connection uses. */
export interface SvidProvider {
  /** Waits, before a call starts, until `current` can answer. @throws {StintError} why it cannot. */
  ready(): Promise<void>
  /** @throws {StintError} */
  current(): LoadedSvid
  /**
   * Looks at the source now, however lately it was looked at: the broker, or TLS, has refused `version`. Never throws.
   *
   * @returns whether there is another version to try.
   */
  look(version: string): Promise<boolean>
}

const RECHECK_MS = 1_000

/**
 * Reads the SVID files again as they rotate: looked at when a call starts, at most once a second, compared by content. A set that
 * does not fit together (rotation half done) leaves the last good one in use.
 */
export class SvidSource implements SvidProvider {
  readonly #files: SvidFiles
  readonly #clock: Clock
  #loaded: LoadedSvid | undefined
  #checkedMs = Number.NEGATIVE_INFINITY

  constructor({ files, clock }: { files: SvidFiles; clock: Clock }) {
    this.#files = files
    this.#clock = clock
  }

  /** Files are read when `current` asks. */
  async ready(): Promise<void> {}

  /** @throws {StintError} SVID_INVALID, BUNDLE_INVALID when nothing usable was ever read. */
  current(): LoadedSvid {
    const now = this.#clock.monotonicMs()
    if (this.#loaded && now - this.#checkedMs < RECHECK_MS) return this.#loaded
    this.#checkedMs = now
    try {
      this.#loaded = this.#load()
    } catch (error) {
      if (!this.#loaded) throw error
    }
    return this.#loaded
  }

  async look(version: string): Promise<boolean> {
    this.#checkedMs = Number.NEGATIVE_INFINITY
    return this.current().version !== version
  }

  #load(): LoadedSvid {
    const { certificateFile, privateKeyFile, bundleFile } = this.#files
    const bundle = read(bundleFile, 'BUNDLE_INVALID', 'trust bundle')
    const cert = certificateFile === undefined ? '' : read(certificateFile, 'SVID_INVALID', 'SVID certificate')
    const key = privateKeyFile === undefined ? '' : read(privateKeyFile, 'SVID_INVALID', 'SVID private key')
    const version = createHash('sha256')
      .update(JSON.stringify([bundle, cert, key]))
      .digest('hex')
    if (version === this.#loaded?.version) return this.#loaded
    const ca = parseRoots(bundle, bundleFile)
    if (certificateFile !== undefined) checkPair(cert, key, certificateFile)
    const identity = certificateFile === undefined ? {} : { cert, key }
    return { version, secureContext: tlsContext({ ca, ...identity }) }
  }
}

/**
 * The TLS context of a client, for TLS 1.3 only.
 *
 * @throws {StintError} SVID_INVALID
 */
export function tlsContext(options: { ca: string[]; cert?: string; key?: string }): SecureContext {
  try {
    return createSecureContext({ ...options, minVersion: 'TLSv1.3', allowPartialTrustChain: true })
  } catch (error) {
    throw new StintError(
      'SVID_INVALID',
      { explanation: 'The SVID, its key and the roots do not form a TLS identity.' },
      error,
    )
  }
}

function read(file: string, code: 'SVID_INVALID' | 'BUNDLE_INVALID', what: string): string {
  try {
    return readSmallFileSync(file).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError(code, { explanation: `The ${what} ${file} ${error.message}.` }, error)
  }
}

function checkPair(cert: string, key: string, file: string): void {
  try {
    if (new X509Certificate(cert).checkPrivateKey(createPrivateKey(key))) return
  } catch (error) {
    const explanation = `The SVID certificate ${file} and its key must both be unencrypted PEM.`
    throw new StintError('SVID_INVALID', { explanation }, error)
  }
  throw new StintError('SVID_INVALID', { explanation: `The private key does not belong to the certificate ${file}.` })
}

/** PEM certificates, or the `x509-svid` keys of a SPIFFE bundle (SPIFFE Trust Domain and Bundle, section 4.2). */
function parseRoots(text: string, file: string): string[] {
  const roots = text.trimStart().startsWith('{') ? rootsOfJwks(text, file) : (text.match(PEM_CERTIFICATE) ?? [])
  if (roots.length === 0) {
    const explanation = `The trust bundle ${file} has no X.509 root; it must hold PEM certificates or a SPIFFE bundle.`
    throw new StintError('BUNDLE_INVALID', { explanation })
  }
  for (const root of roots) parseRoot(root, file)
  return roots
}

const PEM_CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** By the broker's own rules: a key that does not count there does not count here. */
function rootsOfJwks(text: string, file: string): string[] {
  try {
    const { keys } = readBundleDocument(text)
    if (!Array.isArray(keys)) return []
    const { x509Authorities, notes } = readBundleKeys(keys as readonly StrictJson[])
    const [reason] = notes.filter(({ level }) => level === 'alarm')
    if (x509Authorities.length === 0 && reason) throw bundleInvalid(reason.code, reason.explanation)
    return x509Authorities.map(({ x509 }) => x509.toString())
  } catch (error) {
    const explanation =
      `The trust bundle ${file} cannot be used. ${asStintError(error).details.explanation ?? ''}`.trim()
    throw new StintError('BUNDLE_INVALID', { explanation }, error)
  }
}

function parseRoot(pem: string, file: string): void {
  try {
    new X509Certificate(pem)
  } catch (error) {
    throw new StintError(
      'BUNDLE_INVALID',
      { explanation: `The trust bundle ${file} has a root that is not a certificate.` },
      error,
    )
  }
}

import { createSecureContext } from 'node:tls'
import { StintError } from '../core/errors.ts'
import { readSmallFile } from '../core/files/read-small-file.ts'

/** Paths of the certificate chain and its private key, both PEM. */
export interface TlsFiles {
  readonly certificateFile: string
  readonly privateKeyFile: string
}

/** A pair that OpenSSL has accepted as belonging together. */
export interface TlsPair {
  readonly cert: string
  readonly key: string
}

/**
 * Reads certificate and key and checks that they fit.
 *
 * @throws {StintError} CONFIG_INVALID; neither path nor key material is in it, the cause is for the log.
 */
export async function readTlsPair(files: TlsFiles): Promise<TlsPair> {
  try {
    const [{ text: cert }, { text: key }] = await Promise.all([
      readSmallFile(files.certificateFile),
      readSmallFile(files.privateKeyFile),
    ])
    createSecureContext({ cert, key })
    return { cert, key }
  } catch (error) {
    const explanation =
      "The admin API's certificate and key are unusable: both must be readable PEM, and the key must match the certificate."
    throw new StintError('CONFIG_INVALID', { explanation }, error)
  }
}

/** Changes whenever one of the two files does. */
export async function tlsFingerprint({ certificateFile, privateKeyFile }: TlsFiles): Promise<string> {
  const files = await Promise.all([readSmallFile(certificateFile), readSmallFile(privateKeyFile)])
  return files.map(({ hash }) => hash).join(' ')
}

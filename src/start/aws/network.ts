import { X509Certificate } from 'node:crypto'
import type { Config } from '../../config/schema.ts'
import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import { Reloading } from '../../core/files/reloading.ts'
import type { HttpProxy } from '../../core/net/proxy/tunnel-agent.ts'
import type { Secret } from '../../core/secret.ts'
import type { AwsNetwork } from '../../credentials/aws-sts/calls/network.ts'
import { readSecret } from './secret-files.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/** The network settings of calls to AWS; `close` stops following their files. */
export interface OpenedAwsNetwork {
  readonly network: AwsNetwork
  close(): void
}

/** Follows files, so that a rotated one is in use without a restart. */
export interface FollowFiles {
  readonly clock: Clock
  readonly everyMs: number
  /** Called for a changed file that cannot be used, and with undefined once it can. Until then the old content stays in use. */
  readonly report: (component: string, problem: StintError | undefined) => void
}

/**
 * Opens the network settings of calls to AWS, with the files that they name.
 *
 * @param follow follows the files; absent: they are read once.
 * @throws {StintError} CONFIG_INVALID for a file that cannot be read or used.
 */
export async function openAwsNetwork(
  { fips, dualStack, caFile, proxy }: Config['aws'],
  follow?: FollowFiles,
): Promise<OpenedAwsNetwork> {
  const files = new FollowedFiles(follow)
  try {
    const ca = caFile === undefined ? undefined : await files.open('aws-ca-file', caFile, readCertificates)
    const tunnels = proxy.url && (await openProxy(proxy.url, proxy, files))
    const network = {
      ...(fips !== undefined && { fips }),
      ...(dualStack !== undefined && { dualStack }),
      ...(ca && { ca }),
      ...(tunnels && { proxy: tunnels }),
    }
    return { network, close: () => files.close() }
  } catch (error) {
    files.close()
    throw error
  }
}

/** Reads files, and reads them again when they change. */
class FollowedFiles {
  readonly #follow: FollowFiles | undefined
  readonly #opened: { stop(): Promise<void> }[] = []

  constructor(follow: FollowFiles | undefined) {
    this.#follow = follow
  }

  /** @returns the value of now @throws {StintError} what is wrong with the file */
  async open<T>(component: string, file: string, load: (file: string) => Promise<T>): Promise<() => T> {
    if (!this.#follow) {
      const value = await load(file)
      return () => value
    }
    const { clock, everyMs, report } = this.#follow
    const reloading = new Reloading<T>({
      clock,
      pollMs: everyMs,
      load: () => load(file),
      fingerprint: async () => (await readSmallFile(file)).hash,
      onState: (problem) => report(component, problem),
    })
    this.#opened.push(reloading)
    await reloading.startWithValue()
    return () => reloading.current()
  }

  close(): void {
    for (const each of this.#opened) void each.stop()
  }
}

async function openProxy(
  url: NonNullable<Config['aws']['proxy']['url']>,
  { credentialsFile, noProxy }: Config['aws']['proxy'],
  files: FollowedFiles,
): Promise<HttpProxy> {
  const { host, port, tls } = url
  const credentials = await openCredentials(url, credentialsFile, files)
  return { host, port, tls, noProxy, ...(credentials && { credentials }) }
}

async function openCredentials(
  { credentials }: NonNullable<Config['aws']['proxy']['url']>,
  credentialsFile: string | undefined,
  files: FollowedFiles,
): Promise<(() => Secret) | undefined> {
  if (credentialsFile === undefined) {
    const fromUrl = credentials && checkCredentials(credentials, 'HTTPS_PROXY')
    return fromUrl && (() => fromUrl)
  }
  return files.open('aws-proxy-credentials', credentialsFile, async (file) =>
    checkCredentials(await readSecret(file), file),
  )
}

/** @throws {StintError} CONFIG_INVALID */
function checkCredentials(credentials: Secret, where: string): Secret {
  if (/^[^:\s]+:[^\r\n]*$/.test(credentials.reveal())) return credentials
  const explanation = `The proxy's credentials must be one line with user:password (${where}).`
  throw new StintError('CONFIG_INVALID', { explanation })
}

async function readCertificates(caFile: string): Promise<string> {
  const pem = (await readSecret(caFile, 'certificate file (aws.caFile or AWS_CA_BUNDLE)')).reveal()
  try {
    const certificates = pem.match(CERTIFICATE) ?? []
    if (certificates.length === 0) throw new Error('no certificate')
    for (const certificate of certificates) new X509Certificate(certificate)
    return pem
  } catch (error) {
    throw new StintError(
      'CONFIG_INVALID',
      { explanation: `${caFile} must contain certificates in PEM (aws.caFile).` },
      error,
    )
  }
}

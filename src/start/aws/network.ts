import { X509Certificate } from 'node:crypto'
import type { Config } from '../../config/schema.ts'
import { StintError } from '../../core/errors.ts'
import type { HttpProxy } from '../../core/net/proxy/tunnel-agent.ts'
import type { AwsNetwork } from '../../credentials/aws-sts/calls/network.ts'
import { readSecret } from './secret-files.ts'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]*-----END CERTIFICATE-----/g

/**
 * How the broker's calls travel to AWS, with the files that the settings name.
 *
 * @throws {StintError} CONFIG_INVALID for a file that cannot be read or used.
 */
export async function loadAwsNetwork({ fips, dualStack, caFile, proxy }: Config['aws']): Promise<AwsNetwork> {
  return {
    ...(fips !== undefined && { fips }),
    ...(dualStack !== undefined && { dualStack }),
    ...(caFile !== undefined && { ca: await readCertificates(caFile) }),
    ...(proxy.url && { proxy: await loadProxy(proxy.url, proxy) }),
  }
}

async function loadProxy(
  url: NonNullable<Config['aws']['proxy']['url']>,
  { credentialsFile, noProxy }: Config['aws']['proxy'],
): Promise<HttpProxy> {
  const credentials = credentialsFile === undefined ? url.credentials : await readSecret(credentialsFile)
  if (credentials && !/^[^:\s]+:[^\r\n]*$/.test(credentials.reveal()))
    throw new StintError('CONFIG_INVALID', {
      explanation: `The credentials of the proxy must be user:password, in one line (${credentialsFile ?? 'HTTPS_PROXY'}).`,
    })
  const { host, port, tls } = url
  return { host, port, tls, noProxy, ...(credentials && { credentials }) }
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
      { explanation: `${caFile} must hold certificates in PEM (aws.caFile).` },
      error,
    )
  }
}

import type { Config } from './config/schema.ts'
import type { Clock } from './core/clock.ts'
import { StintError } from './core/errors.ts'
import { readSmallFile, UnusableFileError } from './core/files/read-small-file.ts'
import type { Logger } from './core/log.ts'
import { Secret } from './core/secret.ts'
import { type AwsStsProvider, createAwsStsProvider } from './credentials/aws-sts/provider.ts'

/**
 * The provider that a configuration describes, for the broker and for `stint doctor`.
 *
 * @throws {StintError} CONFIG_INVALID for a secret file that cannot be read, and as `createAwsStsProvider`
 */
export async function createProvider(
  config: Config,
  { clock, logger }: { clock: Clock; logger: Logger },
): Promise<AwsStsProvider> {
  const { aws } = config
  const [credentials, iamCredentials] = await Promise.all([readKeys(aws.credentials), readKeys(aws.revokerCredentials)])
  const roles = await Promise.all(
    config.roles.map(async ({ arn, revocation, externalIdFile }) => ({
      arn,
      revocation,
      ...(externalIdFile && { externalId: await readSecret(externalIdFile) }),
    })),
  )
  return createAwsStsProvider({
    region: aws.region,
    roles,
    callsPerSecond: aws.callsPerSecond,
    clock,
    ...(aws.stsEndpoint && { stsEndpoint: aws.stsEndpoint }),
    ...(aws.iamEndpoint && { iamEndpoint: aws.iamEndpoint }),
    ...(aws.strictness && { strictness: aws.strictness }),
    ...(credentials && { credentials }),
    ...(iamCredentials && { iamCredentials }),
    observer: { clockSkewed: (skewMs) => logger.warn({ skewMs }, 'the clock differs from that of STS') },
  })
}

async function readKeys(files: Config['aws']['credentials']) {
  if (!files) return undefined
  const [accessKeyId, secretAccessKey] = await Promise.all([
    readSecret(files.accessKeyIdFile),
    readSecret(files.secretAccessKeyFile),
  ])
  return { accessKeyId: accessKeyId.reveal(), secretAccessKey: secretAccessKey.reveal() }
}

async function readSecret(file: string): Promise<Secret> {
  try {
    return new Secret((await readSmallFile(file)).text.trim())
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw new StintError('CONFIG_INVALID', { explanation: `The secret file ${file} ${error.message}.` }, error)
  }
}

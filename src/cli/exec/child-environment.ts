import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import type { CredentialEndpoint } from './credential-endpoint.ts'

/** Set in a child of `exec`; its presence is how nesting is seen. */
export const GRANT_VARIABLE = 'STINT_GRANT_ID'

/**
 * What would come before the container endpoint in the credential chain of some SDK, or lead elsewhere: a leftover would make the
 * child act as somebody else. And what is Stint's own: an operator's token is nothing for an agent's child.
 */
const REMOVED =
  /^(AWS_(ACCESS_KEY_ID|SECRET_ACCESS_KEY|SESSION_TOKEN|SECURITY_TOKEN|CREDENTIAL_EXPIRATION|PROFILE|DEFAULT_PROFILE|ROLE_ARN|ROLE_SESSION_NAME|WEB_IDENTITY_TOKEN_FILE|CREDENTIAL_FILE|SHARED_CREDENTIALS_FILE|CONFIG_FILE|CONTAINER_.*|BEARER_TOKEN_.*|VAULT.*)|AMAZON_.*KEY.*|STINT_ADMIN_.*)$/i

/** Files and variables of one child. */
export interface ChildEnvironment {
  readonly env: Record<string, string>
  /** Removes the files. */
  remove(): Promise<void>
}

/**
 * The environment of a child that is to find the endpoint and nothing else: a private directory (0700) with the token (0600) and
 * with empty AWS files, since a `[default]` profile wins over the endpoint.
 *
 * @param region for the child, whose own AWS config file is hidden.
 */
export async function childEnvironment({
  env,
  endpoint,
  grantId,
  region,
}: {
  env: Readonly<Record<string, string | undefined>>
  endpoint: Pick<CredentialEndpoint, 'url' | 'authorization'>
  grantId: string
  region?: string | undefined
}): Promise<ChildEnvironment> {
  const directory = await mkdtemp(join(tmpdir(), 'stint-exec-'))
  const remove = () => rm(directory, { recursive: true, force: true })
  const tokenFile = join(directory, 'token')
  const emptyFile = join(directory, 'empty')
  try {
    await writeFileWhole(tokenFile, endpoint.authorization.reveal(), { mustBeNew: true })
    await writeFileWhole(emptyFile, '', { mustBeNew: true })
  } catch (error) {
    await remove()
    throw error
  }
  const kept = Object.entries(env).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !REMOVED.test(entry[0]),
  )
  return {
    remove,
    env: {
      ...Object.fromEntries(kept),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url,
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
      AWS_SHARED_CREDENTIALS_FILE: emptyFile,
      AWS_CONFIG_FILE: emptyFile,
      AWS_EC2_METADATA_DISABLED: 'true',
      [GRANT_VARIABLE]: grantId,
      ...(region && { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
    },
  }
}

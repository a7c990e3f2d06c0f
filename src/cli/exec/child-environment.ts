import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { writeFileWhole } from '../../core/files/write-file-whole.ts'
import type { CredentialEndpoint } from './credential-endpoint.ts'
import { FILE_VARIABLES, withoutForeignIdentity } from './foreign-identity.ts'

/** Set in a child of `exec`; its presence is how nesting is seen. */
export const GRANT_VARIABLE = 'STINT_GRANT_ID'

/** Files and variables of one child. */
export interface ChildEnvironment {
  readonly env: Record<string, string>
  /** Removes the files. */
  remove(): Promise<void>
}

/**
 * The environment of a child that is to find the endpoint and nothing else: a private directory (0700) with the token (0600) and
 * with an empty file in place of all AWS files, since a `[default]` profile wins over the endpoint.
 *
 * @param region for the child, whose own AWS config file is hidden; else the one that the environment has, under either name.
 */
export async function childEnvironment({
  env,
  endpoint,
  grantId,
  region = env.AWS_REGION || env.AWS_DEFAULT_REGION,
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
  const authorization = endpoint.authorization.reveal()
  try {
    await writeFileWhole(tokenFile, authorization, { mustBeNew: true })
    await writeFileWhole(emptyFile, '', { mustBeNew: true })
  } catch (error) {
    await remove()
    throw error
  }
  return {
    remove,
    env: {
      ...withoutForeignIdentity(env),
      AWS_CONTAINER_CREDENTIALS_FULL_URI: endpoint.url,
      // Two forms of one token, since neither is known to all. SDKs from before late 2023 and older minio-go know the text alone.
      // Rust's object_store (Polars, delta-rs, DataFusion) knows the file alone: without it, it asks the machine's metadata
      // service at 169.254.169.254 whatever the switches below say, and would be the machine. That the SDK for JavaScript, version
      // 3, prints a warning when both are set is the smaller evil; nothing in the environment silences it.
      AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE: tokenFile,
      AWS_CONTAINER_AUTHORIZATION_TOKEN: authorization,
      ...Object.fromEntries(FILE_VARIABLES.map((name) => [name, emptyFile])),
      // Without it JS v2 looks for ~/.aws/credentials whatever the variables say.
      AWS_SDK_LOAD_CONFIG: '1',
      // The machine's own identity is not asked; by an SDK that does not know the switch, it is our endpoint that is asked.
      AWS_EC2_METADATA_DISABLED: 'true',
      AWS_EC2_METADATA_SERVICE_ENDPOINT: new URL('/', endpoint.url).href,
      // Else a client that heeds http_proxy, such as Node.js with NODE_USE_ENV_PROXY, shows the token to the proxy.
      NO_PROXY: withoutProxy(env.NO_PROXY || env.no_proxy, endpoint),
      no_proxy: withoutProxy(env.no_proxy || env.NO_PROXY, endpoint),
      [GRANT_VARIABLE]: grantId,
      ...(region && { AWS_REGION: region, AWS_DEFAULT_REGION: region }),
    },
  }
}

/** The list of hosts that no proxy is used for, with the endpoint's; a list that is `*` holds every host, and only alone. */
function withoutProxy(hosts: string | undefined, { url }: Pick<CredentialEndpoint, 'url'>): string {
  const { hostname } = new URL(url)
  if (!hosts) return hostname
  return hosts.trim() === '*' ? hosts : `${hosts},${hostname}`
}

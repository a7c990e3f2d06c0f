/**
 * Variables by which some AWS SDK, or a tool with a chain of its own, would find another identity than the endpoint's, or would
 * find one elsewhere after the endpoint has said no. The sources are the credential chains of the readers that a row names; a row
 * takes a whole kind of names, so that a relative of a known one does not slip through.
 */
const FOREIGN_IDENTITY_NAMES: readonly RegExp[] = [
  // Keys. Every SDK; AWS_ACCESS_KEY and AWS_SECRET_KEY: Go v1 session/env_config.go, Go v2 config/env_config.go (and so
  // Terraform), Java v1 EnvironmentVariableCredentialsProvider, Ruby CredentialProviderChain. AWS_SECURITY_TOKEN: botocore.
  // AMAZON_*: JS v2 EnvironmentCredentials('AMAZON'), Ruby. EC2_*: Ansible, old EC2 tools. AWSACCESSKEYID: s3fs.
  /^(AWS|AMAZON|EC2)_?(ACCESS_?KEY(_?ID)?|SECRET_?(ACCESS_?)?KEY|SESSION_?TOKEN|SECURITY_?TOKEN|TOKEN)$/,
  // Settings that go with keys, and files of keys. AWS_CREDENTIAL_EXPIRATION, _SCOPE: botocore, JS v3. AWS_CREDENTIAL_FILE: botocore
  // OriginalEC2Provider, boto 2. AWS_CREDENTIAL_PROFILES_FILE: Java v1 AwsProfileFileLocationProvider.
  /^AWS_(CREDENTIALS?(_.*)?|SESSION_EXPIRATION)$/,
  /^AWS_(SHARED_(CREDENTIALS|CONFIG)_FILES?|CONFIG_FILE)$/,
  // A profile by name: AWS_PROFILE, AWS_DEFAULT_PROFILE. Every SDK.
  /^AWS_(.*_)?PROFILES?(_.*)?$/,
  // A role taken with the token of the platform, before the endpoint: botocore, Go, Java, PHP, Ruby, .NET, C++.
  /^AWS_(ROLE_.*|WEB_IDENTITY_.*|IAM_ROLE_.*)$/,
  // RELATIVE_URI wins over FULL_URI in every SDK; AWS_CONTAINER_SERVICE_ENDPOINT is the host of it for Java v2.
  /^AWS_CONTAINER_.*$/,
  // Asked when the endpoint has said no.
  /^AWS_EC2_METADATA_.*$/,
  // Caches of a sign-in: AWS_LOGIN_CACHE_DIRECTORY of JS v3, botocore, CLI v2, .NET.
  /^AWS_(LOGIN|SSO)_.*$/,
  // Preferred over a signature: AWS_BEARER_TOKEN_BEDROCK.
  /^AWS_BEARER_TOKEN_.*$/,
  /^AWS_VAULT.*$/,
  // A file with [Credentials], before the endpoint: botocore BotoProvider, boto 2.
  /^BOTO_(CONFIG|PATH)$/,
  // An operator's token is nothing for an agent's child.
  /^STINT_ADMIN_.*$/,
]

/** Settings of one service, whose name may sound like a credential: AWS_ENDPOINT_URL_SECRETS_MANAGER, …_CUSTOMER_PROFILES. */
const ENDPOINT_NAMES = /^AWS_ENDPOINT_URL(_.*)?$/

/**
 * A Java option that sets a system property of an AWS SDK: Java v1 and v2 and Kotlin read keys, profile, files, role and the
 * switch of the metadata service from these, before the environment. Only what says where to call is kept.
 */
const JAVA_PROPERTY =
  /(^|\s)(["']?)-D["']?(?!aws\.(region|endpointUrl|useFips|useDualstack|maxAttempts|retryMode|defaultsMode))(aws|com\.amazonaws)\.[^\s"'=]+(=("[^"]*"|'[^']*'|[^\s"'])*)?["']?/g

/**
 * The environment without what leads an AWS SDK to an identity that is not the grant's. A variable with options for Java keeps
 * the other options.
 */
export function withoutForeignIdentity(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(env)) {
    if (value === undefined || namesForeignIdentity(name)) continue
    const harmless = value.includes('-D') ? value.replace(JAVA_PROPERTY, '$1').trim() : value
    if (harmless !== '' || value === '') kept[name] = harmless
  }
  return kept
}

/** Names count in either case: on Windows they are the same variable. */
function namesForeignIdentity(name: string): boolean {
  const upper = name.toUpperCase()
  return !ENDPOINT_NAMES.test(upper) && FOREIGN_IDENTITY_NAMES.some((names) => names.test(upper))
}

/**
 * Variables that name the files an SDK would otherwise look for in the home directory, for an empty file to take their place:
 * `~/.aws/credentials` and `~/.aws/config` (with all that only these lead to: roles, processes, the caches of `aws sso login`,
 * `aws login` and the CLI), the first under the name that Java v1 knows too, and `~/.boto` and `/etc/boto.cfg`.
 */
export const FILE_VARIABLES = [
  'AWS_SHARED_CREDENTIALS_FILE',
  'AWS_CONFIG_FILE',
  'AWS_CREDENTIAL_PROFILES_FILE',
  'BOTO_CONFIG',
] as const

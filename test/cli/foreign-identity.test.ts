import { expect, test } from 'vitest'
import { withoutForeignIdentity } from '../../src/cli/exec/foreign-identity.ts'

// Real SDKs are tried with these in test/third-party/exec-sdk-chains.test.ts.
for (const { name, source } of [
  { name: 'AWS_ACCESS_KEY_ID', source: 'every SDK' },
  { name: 'AWS_SECRET_ACCESS_KEY', source: 'every SDK' },
  { name: 'AWS_SESSION_TOKEN', source: 'every SDK' },
  { name: 'AWS_ACCESS_KEY', source: 'Go v1 and v2, Java v1, Ruby' },
  { name: 'AWS_SECRET_KEY', source: 'Go v1 and v2, Java v1, Ruby' },
  { name: 'AWS_SECURITY_TOKEN', source: 'botocore, boto 2' },
  { name: 'AMAZON_ACCESS_KEY_ID', source: 'JS v2, Ruby' },
  { name: 'AMAZON_SECRET_ACCESS_KEY', source: 'JS v2, Ruby' },
  { name: 'AMAZON_SESSION_TOKEN', source: 'JS v2, Ruby' },
  { name: 'EC2_ACCESS_KEY', source: 'Ansible' },
  { name: 'AWSSECRETACCESSKEY', source: 's3fs' },
  { name: 'aws_access_key_id', source: 'Windows, where case does not count' },
  { name: 'AWS_CREDENTIAL_EXPIRATION', source: 'botocore' },
  { name: 'AWS_CREDENTIAL_FILE', source: 'botocore OriginalEC2Provider' },
  { name: 'AWS_CREDENTIAL_PROFILES_FILE', source: 'Java v1' },
  { name: 'AWS_SHARED_CREDENTIALS_FILE', source: 'every SDK' },
  { name: 'AWS_CONFIG_FILE', source: 'every SDK' },
  { name: 'AWS_PROFILE', source: 'every SDK' },
  { name: 'AWS_DEFAULT_PROFILE', source: 'botocore, Go, C++' },
  { name: 'AWS_ROLE_ARN', source: 'web identity' },
  { name: 'AWS_ROLE_SESSION_NAME', source: 'web identity' },
  { name: 'AWS_WEB_IDENTITY_TOKEN_FILE', source: 'web identity' },
  { name: 'AWS_CONTAINER_CREDENTIALS_RELATIVE_URI', source: 'every SDK' },
  { name: 'AWS_CONTAINER_SERVICE_ENDPOINT', source: 'Java v2' },
  { name: 'AWS_EC2_METADATA_SERVICE_ENDPOINT', source: 'every SDK' },
  { name: 'AWS_LOGIN_CACHE_DIRECTORY', source: 'JS v3, botocore, .NET' },
  { name: 'AWS_BEARER_TOKEN_BEDROCK', source: 'bearer tokens' },
  { name: 'AWS_VAULT', source: 'aws-vault' },
  { name: 'BOTO_CONFIG', source: 'botocore BotoProvider' },
  { name: 'STINT_ADMIN_TOKEN_FILE', source: 'stint' },
])
  test(`${name} (${source}) does not reach a child`, () => {
    expect(withoutForeignIdentity({ [name]: 'x', KEPT: 'y' })).toEqual({ KEPT: 'y' })
  })

for (const name of [
  'PATH',
  'HOME',
  'AWS_REGION',
  'AWS_DEFAULT_REGION',
  'AWS_ENDPOINT_URL',
  'AWS_ENDPOINT_URL_SECRETS_MANAGER',
  'AWS_ENDPOINT_URL_CUSTOMER_PROFILES',
  'AWS_CA_BUNDLE',
  'AWS_SDK_LOAD_CONFIG',
  'AWS_MAX_ATTEMPTS',
  'AWS_PAGER',
  'AWS_ACCOUNT_ID',
  'STINT_ADDRESS',
])
  test(`${name} reaches a child`, () => {
    expect(withoutForeignIdentity({ [name]: 'x' })).toEqual({ [name]: 'x' })
  })

for (const { name, before, after } of [
  { name: 'keys', before: '-Xmx1g -Daws.accessKeyId=AKIA -Daws.secretKey=s -ea', after: '-Xmx1g -ea' },
  { name: 'a quoted value', before: `-Daws.profile="a b" -Daws.configFile='/c d'`, after: undefined },
  { name: 'a quoted option', before: '"-Daws.sharedCredentialsFile=/x" -ea', after: '-ea' },
  {
    name: 'the switch of the metadata service',
    before: '-Daws.disableEc2Metadata=false -Dcom.amazonaws.sdk.disableEc2Metadata=false -ea',
    after: '-ea',
  },
  {
    name: 'what says where to call',
    before: '-Daws.region=eu-west-1 -Dx.aws.y=1',
    after: '-Daws.region=eu-west-1 -Dx.aws.y=1',
  },
])
  test(`Java options keep all but what leads to another identity: ${name}`, () => {
    expect(withoutForeignIdentity({ JAVA_TOOL_OPTIONS: before }).JAVA_TOOL_OPTIONS?.replaceAll(/ +/g, ' ')).toBe(after)
  })

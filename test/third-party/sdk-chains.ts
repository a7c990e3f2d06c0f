import { execFile } from 'node:child_process'
import { mkdirSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const PROGRAMS = fileURLToPath(new URL('sdk-chains/', import.meta.url))
/** Enough for an SDK that tries an endpoint again a few times on a busy machine. */
const BOUND_MS = 50_000

export const CHAINS = ['boto3', 'cli', 'go1', 'go2', 'js2', 'js3'] as const
/** An AWS SDK or tool whose own chain decides who it acts as. */
export type Chain = (typeof CHAINS)[number]

/** The chains that can be tried here; in CI `sdk-chains.sh` has failed where one is missing. */
export function chainsHere(): Chain[] {
  const { STINT_SDK_GO, STINT_SDK_JS_V2 } = process.env
  return CHAINS.filter((chain) => (chain.startsWith('go') ? STINT_SDK_GO : chain === 'js2' ? STINT_SDK_JS_V2 : true))
}

/**
 * Asks a chain who it acts as in this environment.
 *
 * @param elsewhere where the AWS CLI, which does not say it, is to call.
 * @returns the access key id, or undefined when it fails.
 */
export function whoIs(chain: Chain, env: Record<string, string>, elsewhere: string): Promise<string | undefined> {
  const [file, ...args] = commandOf(chain, elsewhere)
  return new Promise((resolve) => {
    execFile(file, args, { env, timeout: BOUND_MS }, (error, stdout) => {
      const id = chain === 'cli' ? /"UserId": "(\w+)"/.exec(stdout)?.[1] : stdout.trim()
      resolve(error || !id ? undefined : id)
    })
  })
}

function commandOf(chain: Chain, elsewhere: string): [string, ...string[]] {
  const { STINT_PYTHON_ENV = '', STINT_SDK_GO = '', STINT_SDK_JS_V2 = '' } = process.env
  switch (chain) {
    case 'boto3':
      return [join(STINT_PYTHON_ENV, 'bin', 'python'), join(PROGRAMS, 'boto3-chain.py')]
    case 'cli':
      return [join(STINT_PYTHON_ENV, 'bin', 'aws'), 'sts', 'get-caller-identity', '--endpoint-url', elsewhere]
    case 'go1':
      return [join(STINT_SDK_GO, 'go1')]
    case 'go2':
      return [join(STINT_SDK_GO, 'go2')]
    case 'js2':
      return [process.execPath, join(PROGRAMS, 'js-v2-chain.cjs'), STINT_SDK_JS_V2]
    case 'js3':
      return [process.execPath, join(PROGRAMS, 'js-v3-chain.mjs')]
  }
}

/** The key of whoever the child must not be. */
export const OTHER = 'AKIAOTHEREXAMPLE0000'
const KEYS = { aws_access_key_id: OTHER, aws_secret_access_key: 'other-secret-EXAMPLE' }
const SECTION = Object.entries(KEYS)
  .map(([name, value]) => `${name} = ${value}\n`)
  .join('')

/** One way to another identity. */
export interface Temptation {
  readonly name: string
  /** Whoever follows it, although the endpoint of the grant is named in the same environment. */
  readonly takes: readonly Chain[]
  /** Files by their path in the home directory. */
  readonly files?: (home: string) => Record<string, string>
  readonly env?: (home: string, elsewhere: string) => Record<string, string>
}

/** Sources: the credential chains of the SDKs in `takes`, in the versions that sdk-chains.sh and requirements.txt name. */
export const TEMPTATIONS: readonly Temptation[] = [
  {
    name: 'static keys',
    takes: ['boto3', 'cli', 'go1', 'go2', 'js2', 'js3'],
    env: () => ({ AWS_ACCESS_KEY_ID: OTHER, AWS_SECRET_ACCESS_KEY: 'other-secret-EXAMPLE' }),
  },
  {
    name: 'static keys by their old names',
    takes: ['go1', 'go2'],
    env: () => ({ AWS_ACCESS_KEY: OTHER, AWS_SECRET_KEY: 'other-secret-EXAMPLE' }),
  },
  {
    name: 'static keys of AMAZON',
    takes: ['js2'],
    env: () => ({ AMAZON_ACCESS_KEY_ID: OTHER, AMAZON_SECRET_ACCESS_KEY: 'other-secret-EXAMPLE' }),
  },
  {
    name: 'the default profile in ~/.aws/credentials',
    takes: ['boto3', 'cli', 'go1', 'go2', 'js2', 'js3'],
    files: () => ({ '.aws/credentials': `[default]\n${SECTION}` }),
  },
  {
    name: 'the default profile in ~/.aws/config',
    takes: ['boto3', 'cli', 'go2'],
    files: () => ({ '.aws/config': `[default]\n${SECTION}` }),
  },
  {
    name: 'a process in ~/.aws/config',
    takes: ['boto3', 'cli', 'go2', 'js3'],
    files: (home) => ({
      'print.sh': `echo '{ "Version": 1, "AccessKeyId": "${OTHER}", "SecretAccessKey": "other-secret-EXAMPLE" }'\n`,
      '.aws/config': `[default]\ncredential_process = sh ${join(home, 'print.sh')}\n`,
    }),
  },
  {
    name: 'a profile by name',
    takes: ['boto3', 'cli', 'go1', 'go2', 'js2', 'js3'],
    files: () => ({ '.aws/credentials': `[person]\n${SECTION}` }),
    env: () => ({ AWS_PROFILE: 'person' }),
  },
  {
    name: 'a default profile by name',
    takes: ['boto3', 'cli', 'go1', 'go2'],
    files: () => ({ '.aws/credentials': `[person]\n${SECTION}` }),
    env: () => ({ AWS_DEFAULT_PROFILE: 'person', AWS_SDK_LOAD_CONFIG: '1' }),
  },
  {
    name: 'files of profiles elsewhere',
    takes: ['boto3', 'cli', 'go1', 'go2', 'js2', 'js3'],
    files: () => ({ mine: `[default]\n${SECTION}` }),
    env: (home) => ({
      AWS_SHARED_CREDENTIALS_FILE: join(home, 'mine'),
      AWS_CONFIG_FILE: join(home, 'mine'),
      AWS_SDK_LOAD_CONFIG: '1',
    }),
  },
  {
    name: 'a file of keys',
    takes: ['boto3', 'cli'],
    files: () => ({ keys: `AWSAccessKeyId=${OTHER}\nAWSSecretKey=other-secret-EXAMPLE\n` }),
    env: (home) => ({ AWS_CREDENTIAL_FILE: join(home, 'keys') }),
  },
  {
    name: 'keys of boto in the home directory',
    takes: ['boto3', 'cli'],
    files: () => ({ '.boto': `[Credentials]\n${SECTION}` }),
  },
  {
    name: 'keys of boto elsewhere',
    takes: ['boto3', 'cli'],
    files: () => ({ boto: `[Credentials]\n${SECTION}` }),
    env: (home) => ({ BOTO_CONFIG: join(home, 'boto') }),
  },
  {
    name: "a role by the platform's token",
    takes: ['boto3', 'cli', 'go2', 'js3'],
    files: () => ({ token: 'a.b.c' }),
    env: (home, elsewhere) => ({
      AWS_WEB_IDENTITY_TOKEN_FILE: join(home, 'token'),
      AWS_ROLE_ARN: 'arn:aws:iam::123456789012:role/other',
      AWS_ROLE_SESSION_NAME: 'other',
      AWS_ENDPOINT_URL_STS: elsewhere,
    }),
  },
]

/** For when the endpoint has said no: what an SDK then asks next. */
export function instanceMetadata(elsewhere: string): Record<string, string> {
  return { AWS_EC2_METADATA_SERVICE_ENDPOINT: elsewhere }
}

/** Lays the files of temptations into a home directory. @returns their variables */
export function tempt(
  home: string,
  elsewhere: string,
  temptations: readonly Pick<Temptation, 'files' | 'env'>[],
): Record<string, string> {
  const env: Record<string, string> = {}
  for (const temptation of temptations) {
    for (const [name, text] of Object.entries(temptation.files?.(home) ?? {})) {
      mkdirSync(join(home, '.aws'), { recursive: true })
      writeFileSync(join(home, name), text)
    }
    Object.assign(env, temptation.env?.(home, elsewhere))
  }
  return env
}

/** An STS and an instance metadata service that give everybody the other identity, and tell who has signed a call. */
export async function serveElsewhere(): Promise<{ url: string; server: Server }> {
  const server = createServer(answerElsewhere)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, server }
}

function answerElsewhere({ method, headers, url = '' }: IncomingMessage, response: ServerResponse): void {
  const expiration = new Date(Date.now() + 3_600_000).toISOString()
  if (method === 'PUT') {
    response.setHeader('x-aws-ec2-metadata-token-ttl-seconds', '21600')
    response.end('metadata-token')
  } else if (url.startsWith('/latest/meta-data/iam/security-credentials/other')) {
    const keys = { AccessKeyId: OTHER, SecretAccessKey: 'other-secret-EXAMPLE', Token: 'other', Expiration: expiration }
    response.end(JSON.stringify({ Code: 'Success', Type: 'AWS-HMAC', LastUpdated: expiration, ...keys }))
  } else if (url.startsWith('/latest/meta-data/iam/security-credentials')) {
    response.end('other')
  } else if (headers.authorization) {
    const signer = /Credential=(\w+)\//.exec(headers.authorization)?.[1]
    response.setHeader('content-type', 'text/xml')
    response.end(`<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>
      <Arn>arn:aws:sts::123456789012:user/signer</Arn><UserId>${signer}</UserId><Account>123456789012</Account>
      </GetCallerIdentityResult><ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></GetCallerIdentityResponse>`)
  } else if (method === 'POST') {
    response.setHeader('content-type', 'text/xml')
    response.end(`<AssumeRoleWithWebIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/">
      <AssumeRoleWithWebIdentityResult>
        <Credentials><AccessKeyId>${OTHER}</AccessKeyId><SecretAccessKey>other-secret-EXAMPLE</SecretAccessKey>
          <SessionToken>other</SessionToken><Expiration>${expiration}</Expiration></Credentials>
        <AssumedRoleUser><Arn>arn:aws:sts::123456789012:assumed-role/other/other</Arn>
          <AssumedRoleId>AROAEXAMPLE:other</AssumedRoleId></AssumedRoleUser>
      </AssumeRoleWithWebIdentityResult>
      <ResponseMetadata><RequestId>1</RequestId></ResponseMetadata></AssumeRoleWithWebIdentityResponse>`)
  } else {
    response.writeHead(404).end()
  }
}

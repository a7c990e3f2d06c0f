import type { MintBy } from '../../src/credentials/aws-sts/mint/mint-by.ts'
import { createAwsStsProvider } from '../../src/credentials/aws-sts/provider.ts'
import type { CredentialProvider } from '../../src/credentials/provider.ts'
import { describeCredentialProvider, type MintFault, type ProviderHarness } from '../contract/provider.ts'
import { deniesSession } from '../support/deny-evaluator.ts'
import { type Fault, roleIdOf } from '../support/sts-server.ts'
import {
  type AwsHarness,
  BOUNDARY_POLICY,
  BOUNDARY_ROLE,
  INLINE_ROLE,
  mintRequest,
  PLAIN_ROLE,
  sessionOf,
  startAws,
} from './harness.ts'

const FAULTS: Record<Exclude<MintFault, 'unreachable'>, Fault> = {
  refused: { kind: 'error', status: 403, code: 'AccessDenied' },
  throttled: { kind: 'error', status: 400, code: 'Throttling' },
  unavailable: { kind: 'error', status: 503, code: 'ServiceUnavailable' },
  answer_lost: { kind: 'answer_lost' },
  wrong_session: { kind: 'edit', edit: (xml) => xml.replace(/assumed-role\/\w+\//, 'assumed-role/stranger/') },
}

describeCredentialProvider('aws-sts with a boundary policy', () => start(BOUNDARY_ROLE))
describeCredentialProvider('aws-sts with an inline role policy', () => start(INLINE_ROLE))
describeCredentialProvider('aws-sts by GetScopedCredentials', () => start(BOUNDARY_ROLE, 'scoped-credentials'))

async function start(revocableRole: string, mintBy: MintBy = 'assume-role'): Promise<ProviderHarness> {
  const started = await startAws()
  const aws = { ...started, provider: started.with({ mintBy }) }
  let faulty: CredentialProvider | undefined
  const roleName = revocableRole.split('/').at(-1) ?? ''
  return {
    provider: switching(aws, () => faulty),
    revocableRole,
    plainRole: PLAIN_ROLE,
    now: () => aws.clock.now(),
    request: (change) => mintRequest(aws.clock.now(), { roleArn: revocableRole, ...change }),
    inject: (fault) => {
      if (fault === 'unreachable') faulty = unreachable(aws, revocableRole)
      else aws.server.script('AssumeRole', ...Array.from({ length: 3 }, () => FAULTS[fault]))
    },
    heal: async () => {
      faulty = undefined
      aws.server.clearScript()
      await aws.clock.advance(60_000)
    },
    sessionNames: () => aws.server.sessions.map((session) => session.sessionName),
    isDenied: (_role, { request, issuedAt }) => {
      const context = {
        sourceIdentity: sessionOf(request).sourceIdentity,
        userId: `${roleIdOf(roleName)}:${request.lease.sessionName}`,
        issuedAt,
      }
      const boundary = revocableRole === BOUNDARY_ROLE
      const document = boundary
        ? aws.server.managedDocument(BOUNDARY_POLICY)
        : aws.server.inlineDocument(roleName, 'StintDeny')
      return deniesSession(document, context)
    },
    close: () => aws.close(),
  }
}

/** Port 1 of loopback: nothing listens there, so the connection is refused. */
function unreachable(aws: AwsHarness, roleArn: string): CredentialProvider {
  return createAwsStsProvider({
    region: 'eu-west-1',
    stsEndpoint: 'http://127.0.0.1:1',
    credentials: { accessKeyId: 'BROKEREXAMPLE', secretAccessKey: 'none' },
    roles: [{ arn: roleArn, revocation: { kind: 'none' } }],
    clock: aws.clock,
  })
}

function switching(aws: AwsHarness, other: () => CredentialProvider | undefined): CredentialProvider {
  const { provider } = aws
  return {
    name: provider.name,
    nameSession: (lease) => provider.nameSession(lease),
    mintTimeoutMs: provider.mintTimeoutMs,
    mint: (request, signal) => (other() ?? provider).mint(request, signal),
    denyWindow: (leases, plan) => provider.denyWindow(leases, plan),
    denyReach: () => provider.denyReach(),
    findDenyList: (roleArn) => provider.findDenyList(roleArn),
    fits: (key, list, spare) => provider.fits(key, list, spare),
    digestDenyList: (key, list) => provider.digestDenyList(key, list),
    readDenyList: (key, signal) => provider.readDenyList(key, signal),
    writeDenyList: (key, list, signal, mark) => provider.writeDenyList(key, list, signal, mark),
  }
}

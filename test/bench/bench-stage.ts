import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { stringify } from 'yaml'
import { createTrustDomain } from '../../src/practice/stage/pki.ts'

const TRUST_DOMAIN = 'bench.example'
const AGENTS = 8
const SVID_MS = 12 * 3_600_000

/** The role that every grant of the bench is for. */
export const BENCH_ROLE = 'arn:aws:iam::123456789012:role/stint/bench'

/** Certificate and key of one agent, as files. */
export interface AgentFiles {
  readonly certificateFile: string
  readonly privateKeyFile: string
  readonly spiffeId: string
}

/** Everything that a broker of the bench reads: identities, rules of a small team, and nothing to protect. */
export interface BenchStage {
  readonly folder: string
  readonly rootsFile: string
  readonly agents: readonly AgentFiles[]
  /** Writes a config of that name with this ledger. @returns its path */
  config(name: string, ledger: object, stsEndpoint: string): Promise<string>
  place(name: string): string
  remove(): Promise<void>
}

/** Makes the stage in a folder of its own under the system's temporary one. */
export async function setBenchStage(): Promise<BenchStage> {
  const folder = await mkdtemp(join(tmpdir(), 'stint-bench-'))
  const place = (name: string) => join(folder, name)
  const domain = await createTrustDomain(TRUST_DOMAIN)
  const svid = async (path: string): Promise<AgentFiles> => {
    const order = { path, ttlMs: SVID_MS, dnsNames: ['localhost'], ipAddresses: ['127.0.0.1'] }
    const { certPem, keyPem, spiffeId } = await domain.issueX509Svid(order)
    const base = place(path.slice(1).replaceAll('/', '-'))
    await writeFile(`${base}.pem`, certPem)
    await writeFile(`${base}.key`, keyPem, { mode: 0o600 })
    return { certificateFile: `${base}.pem`, privateKeyFile: `${base}.key`, spiffeId }
  }
  await mkdir(place('policies'))
  const server = await svid('/stint')
  const agents = await Promise.all(Array.from({ length: AGENTS }, (_, n) => svid(`/jobs/agent-${n}`)))
  await writeFile(place('bundle.json'), domain.bundleJson())
  await writeFile(place('roots.pem'), domain.rootCertPem)
  await writeFile(place('agents.yaml'), stringify(REGISTRATIONS))
  await writeFile(place('labels.yaml'), stringify(LABELS))
  await writeFile(place('policies/bench.cedar'), policies())
  await writeFile(place('id'), 'AKIAEXAMPLEBENCH0000')
  await writeFile(place('secret'), 'example-secret-of-the-bench')
  return {
    folder,
    rootsFile: place('roots.pem'),
    agents,
    config: async (name, ledger, stsEndpoint) => {
      const file = place(`${name}.yaml`)
      await writeFile(file, stringify(brokerConfig(server, ledger, stsEndpoint)))
      return file
    },
    place,
    remove: () => rm(folder, { recursive: true, force: true }),
  }
}

/** The bench asks for more than any agent may; all else is as the broker ships it. */
function brokerConfig({ certificateFile, privateKeyFile }: AgentFiles, ledger: object, stsEndpoint: string) {
  const open = { callsPerSecondPerAgent: 100_000, burstPerAgent: 100_000, concurrentPerAgent: 10_000 }
  return {
    listen: { agents: '127.0.0.1:0', admin: '127.0.0.1:0', health: '127.0.0.1:0' },
    identity: {
      server: { certificateFile, privateKeyFile },
      domains: { [TRUST_DOMAIN]: { file: 'bundle.json', format: 'spiffe' } },
    },
    registry: { file: 'agents.yaml' },
    policy: { directory: 'policies' },
    labels: { file: 'labels.yaml' },
    roles: [
      {
        arn: BENCH_ROLE,
        revocation: { kind: 'boundary', policyArn: 'arn:aws:iam::123456789012:policy/stint-boundary' },
      },
    ],
    aws: {
      region: 'eu-central-1',
      stsEndpoint,
      iamEndpoint: stsEndpoint,
      credentials: { accessKeyIdFile: 'id', secretAccessKeyFile: 'secret' },
      callsPerSecond: 10_000,
    },
    ledger,
    grants: { ...open, openGrantsPerAgent: 10_000_000 },
    server: { drainTime: '1s' },
  }
}

const REGISTRATIONS = {
  agents: [
    {
      name: 'bench-jobs',
      match: `spiffe://${TRUST_DOMAIN}/jobs/*`,
      owner: 'ann@bench.example',
      team: 'data',
      purpose: 'asks for grants as fast as it can',
      expires: '2099-12-31',
    },
  ],
}

const LABELS = {
  labels: [
    { label: 'data:invoices', resources: ['arn:aws:s3:::invoices-*'] },
    { label: 'env:prod', resources: ['arn:aws:s3:::invoices-prod', 'arn:aws:s3:::invoices-prod/*'] },
  ],
}

/** Ten policies: the two that decide, a forbid that is looked at, and seven of other teams. */
function policies(): string {
  const others = ['billing', 'search', 'mobile', 'web', 'ops', 'legal', 'people'].map(
    (team) => `@id("${team}-reads")
permit (principal in Stint::Team::"${team}", action == Stint::Action::"read", resource)
when { resource.within.contains("data:${team}") && context.ttlSeconds <= 900 };`,
  )
  return `@id("invoices-list")
permit (principal in Stint::Team::"data", action == Stint::Action::"list", resource)
when { resource.within.contains("data:invoices") && context.ttlSeconds <= 3600 };

@id("invoices-read")
permit (principal in Stint::Team::"data", action == Stint::Action::"read", resource)
when { resource.within.contains("data:invoices") && context.ttlSeconds <= 3600 };

@id("prod-read-only")
forbid (principal, action, resource)
when { resource.touches.contains("env:prod") }
unless { action in [Stint::Action::"list", Stint::Action::"read"] };

${others.join('\n\n')}
`
}

import { describe, expect, inject, test } from 'vitest'
import {
  ADMIN_OUTSIDE,
  AGENT,
  BUNDLE_ENDPOINT,
  DATABASE,
  FEDERATION,
  good,
  ISSUER,
  lay,
  METRICS,
  OPERATOR,
  POLICY,
  ROLE,
  WORKLOAD_API,
} from './good-values.ts'
import { refusal, type Values } from './render.ts'

const withIdentity = (identity: Values): Values => ({ config: { identity } })
const federated = (trustDomain: string, federation: object): Values =>
  withIdentity({ domains: { [trustDomain]: { federation } } })
const IN_CI = {
  profile: 'https_spiffe',
  url: 'https://spire.ci.example',
  endpointSpiffeId: 'spiffe://ci.example/spire/server',
}

const BUNDLE = { trustDomain: 'example.org', configMap: 'bundle', key: 'bundle.json' }

/** What cannot work, and a piece of the sentence that says so. */
const IMPOSSIBLE: readonly { name: string; values: Values; says: string }[] = [
  ...(['LoadBalancer', 'NodePort'] as const).map((type) => ({
    name: `agents outside of the cluster by ${type}, whom the network policy lets in by nobody`,
    values: { agents: { service: { type } } },
    says: `agents.service.type is ${type}, yet networkPolicy.agentsFrom names only pods`,
  })),
  {
    name: 'operators outside of the cluster whom nobody lets in',
    values: lay(ADMIN_OUTSIDE, { admin: { service: { type: 'LoadBalancer' } } }),
    says: 'admin.service.type is LoadBalancer, yet networkPolicy.adminFrom names only pods',
  },
  {
    name: 'a proxy to AWS at a port that the network policy keeps shut',
    values: { config: { aws: { proxy: { url: 'http://proxy.example:3128' } } } },
    says: 'networkPolicy.awsPorts lacks 3128',
  },
  {
    name: 'a proxy to AWS at the port of its scheme, which the network policy keeps shut',
    values: { config: { aws: { proxy: { url: 'http://proxy.example' } } } },
    says: 'networkPolicy.awsPorts lacks 80',
  },
  {
    name: 'a password for no proxy',
    values: { config: { aws: { proxy: { credentialsSecret: { name: 'proxy', key: 'user' } } } } },
    says: 'config.aws.proxy.credentialsSecret needs config.aws.proxy.url',
  },
  {
    name: 'metrics that the network policy hides from everybody',
    values: { metrics: { enabled: true } },
    says: 'metrics.enabled needs networkPolicy.metricsFrom',
  },
  {
    name: 'peers for metrics that are not served',
    values: lay(METRICS, { metrics: { enabled: false } }),
    says: 'networkPolicy.metricsFrom is set, yet metrics.enabled is false',
  },
  {
    name: 'a monitor of metrics that are not served',
    values: { metrics: { serviceMonitor: { enabled: true } } },
    says: 'metrics.serviceMonitor.enabled needs metrics.enabled',
  },
  {
    name: 'a load balancer class without a load balancer',
    values: { agents: { service: { loadBalancerClass: 'service.k8s.aws/nlb' } } },
    says: 'agents.service.loadBalancerClass needs agents.service.type LoadBalancer; it is ClusterIP',
  },
  {
    name: 'a traffic policy for callers that a Service inside does not have',
    values: { agents: { service: { externalTrafficPolicy: 'Local' } } },
    says: 'agents.service.externalTrafficPolicy needs agents.service.type LoadBalancer or NodePort',
  },
  {
    name: 'a variable that overrides stint.yaml behind the chart',
    values: { extraEnv: [{ name: 'STINT_CONFIG_LISTEN__ADMIN', value: '0.0.0.0:8445' }] },
    says: 'extraEnv has STINT_CONFIG_LISTEN__ADMIN',
  },
  {
    name: "a volume with the name of one of the chart's",
    values: { extraVolumes: [{ name: 'config', emptyDir: {} }] },
    says: 'extraVolumes has config',
  },
  {
    name: 'a mount of no volume',
    values: { extraVolumeMounts: [{ name: 'profile', mountPath: '/etc/aws' }] },
    says: 'extraVolumeMounts mounts profile, which is not in extraVolumes',
  },
  {
    name: "a mount over the chart's own files",
    values: {
      extraVolumes: [{ name: 'profile', emptyDir: {} }],
      extraVolumeMounts: [{ name: 'profile', mountPath: '/etc/stint/policies' }],
    },
    says: "extraVolumeMounts mounts profile at /etc/stint/policies, which is the chart's own",
  },
  { name: 'two replicas', values: { replicaCount: 2 }, says: 'replicaCount must be 1: the ledger is one SQLite file' },
  {
    name: 'no replica on a database',
    values: lay(DATABASE, { replicaCount: 0 }),
    says: 'replicaCount must be at least 1',
  },
  {
    name: 'a database without a user',
    values: { config: { ledger: { postgres: { host: 'db', database: 'stint' } } } },
    says: 'config.ledger.postgres.user is missing',
  },
  {
    name: 'a database that the network policy blocks',
    values: lay(DATABASE, { networkPolicy: { databaseTo: [] } }),
    says: 'config.ledger.postgres needs networkPolicy.databaseTo',
  },
  {
    name: 'a rule for a database that is not used',
    values: { networkPolicy: { databaseTo: [{ ipBlock: { cidr: '192.0.2.7/32' } }] } },
    says: 'networkPolicy.databaseTo is set, yet config.ledger.postgres is not',
  },
  {
    name: 'authorities for a server without TLS',
    values: lay(DATABASE, { config: { ledger: { postgres: { plaintext: true } } } }),
    says: 'config.ledger.postgres has both plaintext and caConfigMap',
  },
  {
    name: 'a password of no user for the migration',
    values: lay(DATABASE, { migration: { passwordSecret: { name: 'owner', key: 'pw' } } }),
    says: 'migration.passwordSecret needs migration.user',
  },
  {
    name: 'a user for no migration',
    values: lay(DATABASE, { migration: { enabled: false, user: 'owner' } }),
    says: 'migration.user is set, yet migration.enabled is false',
  },
  {
    name: 'a ledger that nobody moves',
    values: lay(DATABASE, { migration: { enabled: false, moveFromClaim: 'ledger-stint-0' } }),
    says: 'migration.moveFromClaim is set, yet migration.enabled is false',
  },
  {
    name: 'a move as another user than the one that will own the schema',
    values: lay(DATABASE, { migration: { user: 'owner', moveFromClaim: 'ledger-stint-0' } }),
    says: 'migration.moveFromClaim and migration.user are set',
  },
  {
    name: 'a user for the migration of a file',
    values: { migration: { user: 'owner' } },
    says: 'migration.user, passwordSecret and moveFromClaim need config.ledger.postgres',
  },
  { name: 'no replica', values: { replicaCount: 0 }, says: 'replicaCount must be 1' },
  { name: 'no image', values: { image: { repository: '' } }, says: 'image.repository is missing' },
  {
    name: 'no certificate',
    values: { serverIdentity: { existingSecret: '' } },
    says: 'serverIdentity.existingSecret is missing',
  },
  {
    name: 'a certificate from two places',
    values: lay(WORKLOAD_API, { serverIdentity: { existingSecret: 'stint-svid' } }),
    says: 'serverIdentity must have either existingSecret or workloadApi',
  },
  {
    name: 'a certificate from a Workload API that is not there',
    values: { serverIdentity: { existingSecret: '', workloadApi: true } },
    says: 'serverIdentity.workloadApi needs workloadApi.enabled',
  },
  {
    name: 'a bundle from a Workload API that is not there',
    values: lay(WORKLOAD_API, {
      serverIdentity: { existingSecret: 'stint-svid', workloadApi: false },
      workloadApi: { enabled: false },
    }),
    says: 'config.identity.domains.example.org.workloadApi needs workloadApi.enabled',
  },
  {
    name: 'a Workload API that nobody uses',
    values: { workloadApi: { enabled: true } },
    says: 'nothing comes from the Workload API',
  },
  {
    name: 'a wait for the first SVID that the startup probe cuts',
    values: lay(WORKLOAD_API, withIdentity({ workloadApi: { startWithin: '5m' } })),
    says: 'startWithin (5m) must be shorter than startupFailureThreshold (60) times 5 s',
  },
  {
    name: 'a trust domain from a file and from the Workload API',
    values: lay(WORKLOAD_API, { trustBundles: [BUNDLE] }),
    says: 'example.org is in trustBundles and in config.identity.domains',
  },
  {
    name: 'a trust domain from nowhere',
    values: withIdentity({ domains: { 'ci.example': {} } }),
    says: 'ci.example must have either workloadApi: true or federation',
  },
  {
    name: 'a trust domain from the Workload API and by federation',
    values: lay(federated('ci.example', IN_CI), withIdentity({ domains: { 'ci.example': { workloadApi: true } } })),
    says: 'ci.example must have either workloadApi: true or federation',
  },
  {
    name: 'a federation that vouches for itself',
    values: federated('ci.example', IN_CI),
    says: 'config.identity.domains.ci.example.federation needs bundleConfigMap',
  },
  {
    name: 'a federation whose server nobody vouches for',
    values: federated('other.example', IN_CI),
    says: 'endpointSpiffeId is in ci.example, whose bundle the broker does not have',
  },
  {
    name: 'a federation behind a closed port',
    values: federated('partner.example', { profile: 'https_web', url: 'https://bundles.partner.example:8443/x:1' }),
    says: 'networkPolicy.identityPorts lacks 8443',
  },
  {
    name: 'a federation at an IPv6 address behind a closed port',
    values: federated('partner.example', { profile: 'https_web', url: 'https://[2001:db8::1]:8444' }),
    says: 'networkPolicy.identityPorts lacks 8444',
  },
  {
    name: 'a federation without a way to it',
    values: lay(FEDERATION, { networkPolicy: { identityTo: [] } }),
    says: 'networkPolicy.identityTo is empty: the broker could not reach https://spire.ci.example/',
  },
  {
    name: 'an issuer whose keys are behind a closed port',
    values: withIdentity({ oidc: [{ ...ISSUER, jwksHost: 'keys.example:6443' }] }),
    says: 'identityPorts lacks 6443: the broker could not reach https://keys.example:6443 (config.identity.oidc[0].jwksHost)',
  },
  {
    name: 'a bundle endpoint that serves nothing',
    values: { bundleEndpoint: { enabled: true } },
    says: 'bundleEndpoint.enabled needs config.identity.bundleEndpoint.trustDomain',
  },
  {
    name: 'a bundle endpoint for a trust domain of somebody else',
    values: lay(lay(FEDERATION, BUNDLE_ENDPOINT), withIdentity({ bundleEndpoint: { trustDomain: 'ci.example' } })),
    says: 'config.identity.bundleEndpoint.trustDomain (ci.example) must be one of trustBundles',
  },
  {
    name: 'a bundle endpoint with nobody let through',
    values: lay(BUNDLE_ENDPOINT, { networkPolicy: { bundlesFrom: [] } }),
    says: 'bundleEndpoint.enabled needs networkPolicy.bundlesFrom',
  },
  {
    name: 'a bundle to serve and no port for it',
    values: lay(BUNDLE_ENDPOINT, { bundleEndpoint: { enabled: false } }),
    says: 'bundleEndpoint.enabled is false',
  },
  {
    name: 'a certificate of a bundle endpoint that is off',
    values: { bundleEndpoint: { tls: { existingSecret: 'bundle-tls' } } },
    says: 'bundleEndpoint.enabled is false',
  },
  { name: 'no trust bundle', values: { trustBundles: [] }, says: 'trustBundles is empty' },
  {
    name: 'a trust domain twice',
    values: { trustBundles: [BUNDLE, BUNDLE] },
    says: 'trustBundles has example.org twice',
  },
  {
    name: 'a bundle in two places',
    values: { trustBundles: [{ ...BUNDLE, secret: 'roots' }] },
    says: 'example.org must have either configMap or secret',
  },
  {
    name: 'a bundle in no place',
    values: { trustBundles: [{ trustDomain: 'example.org', key: 'a' }] },
    says: 'example.org must have either configMap or secret',
  },
  {
    name: 'no policy',
    values: { policies: { files: null } },
    says: 'policies must have either files or existingConfigMap',
  },
  {
    name: 'policies in two places',
    values: { policies: { existingConfigMap: 'team' } },
    says: 'policies must have either files or existingConfigMap',
  },
  {
    name: 'no registration',
    values: { registry: { agents: [] } },
    says: 'registry must have either agents or existingConfigMap',
  },
  {
    name: 'registrations in two places',
    values: { registry: { existingConfigMap: 'team' } },
    says: 'registry must have either agents or existingConfigMap',
  },
  {
    name: 'action overrides in two places',
    values: {
      actionOverrides: {
        rows: [{ action: 'ec2:StopInstances', class: 'write', reason: 'every night' }],
        existingConfigMap: 'team',
      },
    },
    says: 'actionOverrides must have either rows or existingConfigMap',
  },
  {
    name: 'labels in two places',
    values: { labels: { rules: [{ label: 'a', resources: ['*'] }], existingConfigMap: 'team' } },
    says: 'labels must have either rules or existingConfigMap',
  },
  { name: 'no role', values: { config: { roles: [] } }, says: 'config.roles is empty' },
  { name: 'no region', values: { config: { aws: { region: '' } } }, says: 'config.aws.region is missing' },
  {
    name: 'the namespace’s default service account',
    values: { serviceAccount: { create: false } },
    says: 'serviceAccount.name is empty',
  },
  {
    name: 'a bearer port that takes no token',
    values: { bearer: { enabled: true } },
    says: 'bearer.enabled needs config.identity.tokens.audience',
  },
  {
    name: 'the admin API outside the pod without HTTPS',
    values: lay(ADMIN_OUTSIDE, { admin: { tls: { existingSecret: '' } } }),
    says: 'admin.service.enabled needs admin.tls.existingSecret',
  },
  {
    name: 'the admin API outside the pod without operators',
    values: lay(ADMIN_OUTSIDE, { config: { admin: { operators: [] } } }),
    says: 'admin.service.enabled needs config.admin.operators',
  },
  {
    name: 'the admin API outside the pod with nobody let through',
    values: lay(ADMIN_OUTSIDE, { networkPolicy: { adminFrom: [] } }),
    says: 'admin.service.enabled needs networkPolicy.adminFrom',
  },
  {
    name: 'somebody let through to an admin API on loopback',
    values: { networkPolicy: { adminFrom: [{ podSelector: {} }] } },
    says: "the admin API listens on the pod's loopback",
  },
  {
    name: 'no agent let through',
    values: { networkPolicy: { agentsFrom: [] } },
    says: 'networkPolicy.agentsFrom is empty',
  },
  { name: 'no way to STS', values: { networkPolicy: { awsTo: [] } }, says: 'could not reach STS' },
  { name: 'no port of STS', values: { networkPolicy: { awsPorts: [] } }, says: 'could not reach STS' },
  { name: 'no names', values: { networkPolicy: { dnsTo: [] } }, says: 'could not reach STS' },
  {
    name: 'a grace that cuts the drain',
    values: { terminationGracePeriodSeconds: 29 },
    says: 'terminationGracePeriodSeconds (29) must be at least 15 s longer than config.server.drainTime (15s)',
  },
  {
    name: 'a drain of minutes with the usual grace',
    values: { config: { server: { drainTime: '10m' } } },
    says: 'longer than config.server.drainTime (10m)',
  },
]

/** What the schema does not know or take, and where it says so. */
const UNKNOWN: readonly { name: string; values: Values; at: string }[] = [
  { name: 'a value of no meaning', values: { replicas: 2 }, at: "'replicas'" },
  {
    name: 'a setting that is the chart’s own',
    values: { config: { listen: { agents: '0.0.0.0:1' } } },
    at: "'listen'",
  },
  { name: 'a ledger elsewhere', values: { config: { ledger: { file: '/tmp/x' } } }, at: "'file'" },
  { name: 'a misspelt limit', values: { config: { grants: { leasetime: '5m' } } }, at: "'leasetime'" },
  {
    name: 'a duration without a unit',
    values: { config: { grants: { leaseTime: 300 } } },
    at: '/config/grants/leaseTime',
  },
  {
    name: 'a duration of no form',
    values: { config: { server: { drainTime: '1m30s' } } },
    at: '/config/server/drainTime',
  },
  {
    name: 'plain HTTP to STS',
    values: { config: { aws: { stsEndpoint: 'http://sts.example' } } },
    at: '/config/aws/stsEndpoint',
  },
  { name: 'a secret by content', values: { serverIdentity: { privateKey: 'x' } }, at: "'privateKey'" },
  {
    name: 'an operator’s token itself',
    values: { config: { admin: { operators: [{ ...OPERATOR, token: 'x' }] } } },
    at: "'token'",
  },
  {
    name: 'an empty list of audiences',
    values: { config: { identity: { tokens: { audience: [] } } } },
    at: '/config/identity/tokens/audience',
  },
  {
    name: 'a trust domain’s file by its path',
    values: withIdentity({ domains: { 'other.example': { file: '/x' } } }),
    at: "'file'",
  },
  {
    name: 'a federated trust domain that leaves its folder',
    values: federated('..', IN_CI),
    at: '/config/identity/domains',
  },
  {
    name: 'a federation over plain HTTP',
    values: federated('ci.example', { ...IN_CI, url: 'http://spire.ci.example' }),
    at: '/config/identity/domains/ci.example/federation',
  },
  {
    name: 'a federation by SPIFFE ID without one',
    values: federated('ci.example', { ...IN_CI, endpointSpiffeId: undefined }),
    at: '/config/identity/domains/ci.example/federation',
  },
  {
    name: 'an issuer without an audience',
    values: withIdentity({ oidc: [{ ...ISSUER, audience: undefined }] }),
    at: "'audience'",
  },
  {
    name: 'an issuer’s roots by their path',
    values: withIdentity({ oidc: [{ ...ISSUER, caFile: '/x' }] }),
    at: "'caFile'",
  },
  {
    name: 'an issuer with a secret algorithm',
    values: withIdentity({ oidc: [{ ...ISSUER, algorithms: ['HS256'] }] }),
    at: '/config/identity/oidc/0/algorithms/0',
  },
  {
    name: 'a socket that leaves its volume',
    values: lay(WORKLOAD_API, { workloadApi: { socket: '../agent.sock' } }),
    at: '/workloadApi/socket',
  },
  {
    name: 'a socket that is the chart’s own',
    values: withIdentity({ workloadApi: { socket: 'unix:///x' } }),
    at: "'socket'",
  },
  {
    name: 'a bundle endpoint at a port of its own choice',
    values: lay(BUNDLE_ENDPOINT, withIdentity({ bundleEndpoint: { listen: '0.0.0.0:1' } })),
    at: "'listen'",
  },
  {
    name: 'a role that is none',
    values: { config: { roles: [{ ...ROLE, arn: 'role/x' }] } },
    at: '/config/roles/0/arn',
  },
  {
    name: 'a boundary without its policy',
    values: { config: { roles: [{ ...ROLE, revocation: { kind: 'boundary' } }] } },
    at: '/config/roles/0/revocation',
  },
  {
    name: 'a trust domain that leaves its folder',
    values: { trustBundles: [{ ...BUNDLE, trustDomain: '..' }] },
    at: '/trustBundles/0/trustDomain',
  },
  {
    name: 'a policy file that is none',
    values: { policies: { files: { 'notes.txt': POLICY } } },
    at: '/policies/files',
  },
  {
    name: 'a policy file in another folder',
    values: { policies: { files: { '../a.cedar': POLICY } } },
    at: '/policies/files',
  },
  {
    name: 'a registration without an owner',
    values: { registry: { agents: [{ ...AGENT, owner: undefined }] } },
    at: "'owner'",
  },
  {
    name: 'a ledger shared between nodes',
    values: { persistence: { accessMode: 'ReadWriteMany' } },
    at: '/persistence/accessMode',
  },
  { name: 'a ledger that is not kept', values: { persistence: { enabled: false } }, at: "'enabled'" },
  { name: 'a pod with more rights', values: { securityContext: { runAsUser: 0 } }, at: "'securityContext'" },
  {
    name: 'a peer that is everybody',
    values: { networkPolicy: { adminFrom: [{}] } },
    at: '/networkPolicy/adminFrom/0',
  },
  { name: 'an image tag that is two words', values: { image: { tag: 'a b' } }, at: '/image/tag' },
  { name: 'a digest cut short', values: { image: { digest: 'sha256:abc' } }, at: '/image/digest' },
]

describe.skipIf(!inject('tools'))('the chart refuses', () => {
  for (const { name, values, says } of IMPOSSIBLE)
    test(name, async () => {
      expect(await refusal(good(values))).toContain(says)
    })

  for (const { name, values, at } of UNKNOWN)
    test(`${name}, by its schema`, async () => {
      const said = await refusal(good(values))
      expect(said).toContain("values don't meet the specifications of the schema")
      expect(said).toContain(at)
    })

  test('its own defaults, since somebody has to say what to run and whom to trust', async () => {
    expect(await refusal({})).toContain('is missing')
  })
})

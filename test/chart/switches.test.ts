import { beforeAll, describe, expect, inject, test } from 'vitest'
import { parse } from 'yaml'
import { parseLabels } from '../../src/plan/labels/labels.ts'
import { parseRegistry } from '../../src/registry/parse-registry.ts'
import {
  ADMIN_OUTSIDE,
  AGENT,
  BUNDLE_ENDPOINT,
  DATABASE,
  FEDERATION,
  good,
  ISSUER,
  KUBERNETES,
  lay,
  METRICS,
  OPERATOR,
  POLICY,
  ROLE,
  WORKLOAD_API,
} from './good-values.ts'
import {
  brokerConfig,
  findWorkload,
  migrationConfig,
  notMounted,
  notMountedInJob,
  pathsOf,
  podOf,
} from './pod-files.ts'
import { find, type KubeObject, kubernetesProblems, RELEASE, render, type Values } from './render.ts'

interface Row {
  readonly name: string
  readonly values: Values
  /** What must be in the objects of that `kind name`; `undefined`: there is no such object. */
  readonly shows: Readonly<Record<string, object | undefined>>
  /** What must be in the broker's own reading of stint.yaml. */
  readonly config?: object
}

const pod = (spec: object) => ({ spec: { template: { spec } } })
const container = (part: object) => pod({ containers: [expect.objectContaining(part)] })
const holds = (part: object) => expect.arrayContaining([expect.objectContaining(part)])
const secretVolume = (name: string, secretName: string, items?: object[]) =>
  pod({ volumes: holds({ name, secret: expect.objectContaining({ secretName, ...(items && { items }) }) }) })
const port = (number: number) => ({ host: '0.0.0.0', port: number })

const ROWS: readonly Row[] = [
  {
    name: 'the least',
    values: {},
    shows: {
      'Service stint': {
        spec: { type: 'ClusterIP', ports: [expect.objectContaining({ name: 'agents', port: 8443 })] },
      },
      'Service stint-admin': undefined,
      'ConfigMap stint-labels': undefined,
      'ConfigMap stint-actions': undefined,
      'StatefulSet stint': {
        spec: {
          persistentVolumeClaimRetentionPolicy: { whenDeleted: 'Retain', whenScaled: 'Retain' },
          volumeClaimTemplates: [
            {
              metadata: { name: 'ledger' },
              spec: { accessModes: ['ReadWriteOnce'], resources: { requests: { storage: '10Gi' } } },
            },
          ],
        },
      },
      'ServiceAccount stint': { automountServiceAccountToken: false },
    },
    config: {
      listen: { agents: port(8443), health: port(8446), admin: { host: '127.0.0.1', port: 8445 } },
      identity: { domains: { 'example.org': { file: '/etc/stint/bundles/example.org/bundle', format: 'spiffe' } } },
      ledger: { file: '/var/lib/stint/ledger.db' },
      server: { drainTime: 15_000 },
    },
  },
  {
    name: 'metrics for the Prometheus operator',
    values: lay(METRICS, {
      metrics: { serviceMonitor: { enabled: true, interval: '15s', labels: { release: 'prom' } } },
    }),
    shows: {
      'Service stint-metrics': {
        metadata: { labels: expect.objectContaining({ 'app.kubernetes.io/component': 'metrics' }) },
        spec: { type: 'ClusterIP', ports: [expect.objectContaining({ port: 8448, targetPort: 'metrics' })] },
      },
      'ServiceMonitor stint': {
        metadata: { labels: expect.objectContaining({ release: 'prom' }) },
        spec: {
          selector: { matchLabels: expect.objectContaining({ 'app.kubernetes.io/component': 'metrics' }) },
          endpoints: [{ port: 'metrics', path: '/metrics', interval: '15s' }],
        },
      },
      'StatefulSet stint': container({ ports: holds({ name: 'metrics', containerPort: 8448 }) }),
      'NetworkPolicy stint': {
        spec: { ingress: holds({ ports: [{ protocol: 'TCP', port: 'metrics' }] }) },
      },
    },
    config: { listen: { metrics: port(8448) } },
  },
  {
    name: 'a ledger in a database, with one replica',
    values: DATABASE,
    shows: {
      'StatefulSet stint': undefined,
      'Deployment stint': { spec: { replicas: 1, strategy: { rollingUpdate: { maxUnavailable: 0 } } } },
      'PodDisruptionBudget stint': undefined,
      'NetworkPolicy stint': {
        spec: {
          egress: holds({
            to: [{ ipBlock: { cidr: '192.0.2.7/32' } }],
            ports: [{ protocol: 'TCP', port: 5432 }],
          }),
        },
      },
      'Job stint-migration': {
        metadata: { annotations: expect.objectContaining({ 'helm.sh/hook': 'pre-install,pre-upgrade' }) },
        spec: {
          template: {
            spec: {
              automountServiceAccountToken: false,
              securityContext: { runAsNonRoot: true, runAsUser: 65_532, seccompProfile: { type: 'RuntimeDefault' } },
              containers: [
                expect.objectContaining({
                  args: ['migrate', 'up', '--config', '/etc/stint/config/stint.yaml'],
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                }),
              ],
            },
          },
        },
      },
      'ConfigMap stint-migration': {},
      'NetworkPolicy stint-migration': {
        spec: { policyTypes: ['Ingress', 'Egress'], egress: holds({ to: [{ ipBlock: { cidr: '192.0.2.7/32' } }] }) },
      },
    },
    config: {
      ledger: {
        postgres: {
          host: 'db.example.org',
          database: 'stint',
          user: 'stint',
          passwordFile: '/etc/stint/database/password',
          caFile: '/etc/stint/database-ca/roots',
        },
      },
    },
  },
  {
    name: 'several replicas',
    values: lay(DATABASE, {
      replicaCount: 3,
      podDisruptionBudget: { maxUnavailable: '50%' },
      config: { ledger: { postgres: { port: 6432, pooler: true, listen: { host: 'db-1.example.org' } } } },
    }),
    shows: {
      'Deployment stint': {
        spec: {
          replicas: 3,
          template: {
            spec: {
              topologySpreadConstraints: [
                expect.objectContaining({ topologyKey: 'kubernetes.io/hostname', whenUnsatisfiable: 'ScheduleAnyway' }),
                expect.objectContaining({ topologyKey: 'topology.kubernetes.io/zone' }),
              ],
            },
          },
        },
      },
      'PodDisruptionBudget stint': {
        spec: { maxUnavailable: '50%', unhealthyPodEvictionPolicy: 'AlwaysAllow' },
      },
      'NetworkPolicy stint': {
        spec: { egress: holds({ ports: [6432, 5432].map((number) => ({ protocol: 'TCP', port: number })) }) },
      },
    },
    config: {
      ledger: { postgres: { port: 6432, pooler: true, listen: { host: 'db-1.example.org', port: 5432 } } },
    },
  },
  {
    name: 'a ledger that is moved from a volume into the database',
    values: lay(DATABASE, { migration: { moveFromClaim: 'ledger-stint-0' } }),
    shows: {
      'Job stint-migration': {
        spec: {
          template: {
            spec: {
              volumes: holds({ name: 'ledger', persistentVolumeClaim: { claimName: 'ledger-stint-0' } }),
              containers: [
                expect.objectContaining({
                  args: expect.arrayContaining(['migrate', 'to-postgres', '--from', '/var/lib/stint/ledger.db']),
                  volumeMounts: holds({ name: 'ledger', mountPath: '/var/lib/stint' }),
                }),
              ],
            },
          },
        },
      },
      'Deployment stint': pod({ volumes: expect.not.arrayContaining([expect.objectContaining({ name: 'ledger' })]) }),
    },
  },
  {
    name: 'several replicas, spread as the operator says, without a budget and a job',
    values: lay(DATABASE, {
      replicaCount: 2,
      podDisruptionBudget: { enabled: false },
      migration: { enabled: false },
      topologySpreadConstraints: [{ maxSkew: 1, topologyKey: 'rack', whenUnsatisfiable: 'DoNotSchedule' }],
    }),
    shows: {
      'Deployment stint': pod({ topologySpreadConstraints: [expect.objectContaining({ topologyKey: 'rack' })] }),
      'PodDisruptionBudget stint': undefined,
      'Job stint-migration': undefined,
      'ConfigMap stint-migration': undefined,
      'NetworkPolicy stint-migration': undefined,
    },
  },
  {
    name: 'metrics without the operator',
    values: METRICS,
    shows: { 'Service stint-metrics': {}, 'ServiceMonitor stint': undefined },
  },
  {
    name: 'ids that the cluster assigns, and additions to the pod',
    values: {
      fixedIds: false,
      extraEnv: [{ name: 'AWS_PROFILE', value: 'stint' }],
      extraVolumes: [{ name: 'profile', configMap: { name: 'aws-profile' } }],
      extraVolumeMounts: [{ name: 'profile', mountPath: '/etc/aws', readOnly: true }],
    },
    shows: {
      'StatefulSet stint': pod({
        volumes: holds({ name: 'profile' }),
        containers: [
          expect.objectContaining({
            env: holds({ name: 'AWS_PROFILE' }),
            volumeMounts: holds({ name: 'profile', mountPath: '/etc/aws' }),
          }),
        ],
      }),
    },
  },
  {
    name: 'a load balancer for agents outside',
    values: {
      agents: {
        service: {
          type: 'LoadBalancer',
          loadBalancerClass: 'service.k8s.aws/nlb',
          loadBalancerSourceRanges: ['192.0.2.0/24'],
          externalTrafficPolicy: 'Local',
          ipFamilyPolicy: 'PreferDualStack',
        },
      },
      networkPolicy: { agentsFrom: [{ ipBlock: { cidr: '192.0.2.0/24' } }] },
    },
    shows: {
      'Service stint': {
        spec: {
          type: 'LoadBalancer',
          loadBalancerClass: 'service.k8s.aws/nlb',
          loadBalancerSourceRanges: ['192.0.2.0/24'],
          externalTrafficPolicy: 'Local',
          ipFamilyPolicy: 'PreferDualStack',
        },
      },
    },
  },
  {
    name: 'notices to a receiver with certificates of its own',
    values: {
      config: {
        admin: { publicUrl: 'https://stint.example.org/' },
        notices: {
          webhooks: [
            {
              ...{ name: 'on-call', url: 'https://hooks.example.org/stint', events: ['kill.*'] },
              ...{ signingSecret: { name: 'webhook', key: 'secrets' }, caConfigMap: { name: 'roots', key: 'ca.crt' } },
            },
          ],
          slack: [{ name: 'team', channel: 'C0TEAM', tokenSecret: { name: 'slack', key: 'token' } }],
          escalations: [{ after: '10m', to: ['on-call', 'team'] }],
        },
      },
    },
    shows: {
      'StatefulSet stint': secretVolume('webhook-0', 'webhook', [{ key: 'secrets', path: 'secrets' }]),
    },
    config: {
      admin: { publicUrl: 'https://stint.example.org' },
      notices: {
        webhooks: [
          expect.objectContaining({
            secretFile: '/etc/stint/webhooks/0/secrets',
            caFile: '/etc/stint/webhook-ca/0/roots',
            retryFor: 259_200_000,
          }),
        ],
        slack: [expect.objectContaining({ tokenFile: '/etc/stint/slack/0/token' })],
        escalations: [expect.objectContaining({ after: 600_000, to: ['on-call', 'team'] })],
      },
    },
  },
  {
    name: 'a proxy with a password on the way to AWS, and certificates of its own',
    values: {
      config: {
        aws: {
          caConfigMap: { name: 'corporate-roots', key: 'ca.crt' },
          proxy: {
            url: 'http://proxy.example:3128',
            credentialsSecret: { name: 'proxy', key: 'user' },
            noProxy: ['.vpce.amazonaws.com'],
          },
        },
      },
      networkPolicy: { awsPorts: [443, 3128] },
    },
    shows: {
      'StatefulSet stint': secretVolume('aws-proxy', 'proxy', [{ key: 'user', path: 'credentials' }]),
      'NetworkPolicy stint': {
        spec: {
          egress: holds({
            ports: [
              { protocol: 'TCP', port: 443 },
              { protocol: 'TCP', port: 3128 },
            ],
          }),
        },
      },
    },
    config: {
      aws: {
        caFile: '/etc/stint/aws/ca/roots',
        proxy: {
          url: { host: 'proxy.example', port: 3128, tls: false },
          credentialsFile: '/etc/stint/aws/proxy/credentials',
          noProxy: ['.vpce.amazonaws.com'],
        },
      },
    },
  },
  {
    name: "AWS's FIPS endpoints with IPv6 addresses",
    values: { config: { aws: { fips: true, dualStack: true } } },
    shows: {},
    config: { aws: { fips: true, dualStack: true } },
  },
  {
    name: 'the admin API outside the pod',
    values: ADMIN_OUTSIDE,
    shows: {
      'Service stint-admin': { spec: { ports: [expect.objectContaining({ port: 8445, targetPort: 'admin' })] } },
      'Service stint': { spec: { ports: [expect.objectContaining({ name: 'agents' })] } },
      'StatefulSet stint': secretVolume('admin', 'admin-tls', [
        { key: 'tls.crt', path: 'tls.crt' },
        { key: 'tls.key', path: 'tls.key' },
      ]),
      'NetworkPolicy stint': {
        spec: {
          ingress: holds({
            from: [{ podSelector: { matchLabels: { app: 'console' } } }],
            ports: [{ protocol: 'TCP', port: 'admin' }],
          }),
        },
      },
    },
    config: { listen: { admin: port(8445) }, admin: { tls: {}, operators: [{ name: 'olga', role: 'approver' }] } },
  },
  {
    name: 'HTTPS on the loopback admin API',
    values: { admin: { tls: { existingSecret: 'admin-tls' } } },
    shows: { 'Service stint-admin': undefined },
    config: { listen: { admin: { host: '127.0.0.1', port: 8445 } }, admin: { tls: {} } },
  },
  {
    name: 'the port for bearer tokens',
    values: { bearer: { enabled: true, port: 9444 }, config: { identity: { tokens: { audience: 'stint' } } } },
    shows: {
      'Service stint': { spec: { ports: holds({ name: 'bearer', port: 9444, targetPort: 'bearer' }) } },
      'NetworkPolicy stint': {
        spec: { ingress: [expect.objectContaining({ ports: holds({ port: 'bearer' }) })] },
      },
    },
    config: { listen: { bearer: port(8444) }, identity: { tokens: { audience: ['stint'] } } },
  },
  {
    name: 'several audiences of tokens, and those of a trust domain in the place of them',
    values: {
      bearer: { enabled: true },
      trustBundles: [
        { trustDomain: 'example.org', configMap: 'trust', key: 'bundle.json', audience: ['stint', 'old'] },
      ],
    },
    shows: { 'Service stint': { spec: { ports: holds({ name: 'bearer' }) } } },
    config: { identity: { domains: { 'example.org': { audience: ['stint', 'old'] } } } },
  },
  {
    name: 'tokens beside certificates, without a port of their own',
    values: { config: { identity: { tokens: { audience: 'stint', leeway: '0s' } } } },
    shows: { 'Service stint': { spec: { ports: [expect.objectContaining({ name: 'agents' })] } } },
    config: { identity: { tokens: { audience: ['stint'], leeway: 0 } } },
  },
  {
    name: 'bundles of two trust domains',
    values: {
      trustBundles: [
        { trustDomain: 'example.org', configMap: 'bundle', key: 'bundle.json' },
        { trustDomain: 'other.example', secret: 'roots', key: 'roots.pem', format: 'pem' },
      ],
    },
    shows: { 'StatefulSet stint': secretVolume('bundle-1', 'roots', [{ key: 'roots.pem', path: 'bundle' }]) },
    config: { identity: { domains: { 'other.example': { format: 'pem' } } } },
  },
  {
    // https://github.com/spiffe/spiffe-csi: an ephemeral inline volume, read-only.
    name: 'certificate and bundle from the Workload API',
    values: WORKLOAD_API,
    shows: {
      'StatefulSet stint': pod({
        volumes: holds({ name: 'workload-api', csi: { driver: 'csi.spiffe.io', readOnly: true } }),
        containers: [
          expect.objectContaining({
            volumeMounts: holds({ name: 'workload-api', mountPath: '/spiffe-workload-api', readOnly: true }),
          }),
        ],
      }),
    },
    config: {
      identity: {
        server: 'workload-api',
        domains: { 'example.org': { workloadApi: true } },
        workloadApi: { socket: 'unix:///spiffe-workload-api/spire-agent.sock', startWithin: 60_000 },
      },
    },
  },
  {
    name: 'a bundle from the Workload API beside a certificate from a Secret',
    values: lay(WORKLOAD_API, {
      serverIdentity: { existingSecret: 'stint-svid', workloadApi: false },
      workloadApi: { driver: 'csi.other.example', socket: 'agent.sock' },
      config: { identity: { workloadApi: { startWithin: '2m', hint: 'broker' } } },
    }),
    shows: {
      'StatefulSet stint': pod({
        volumes: expect.arrayContaining([
          expect.objectContaining({ csi: { driver: 'csi.other.example', readOnly: true } }),
          expect.objectContaining({ secret: expect.objectContaining({ secretName: 'stint-svid' }) }),
        ]),
      }),
    },
    config: {
      identity: {
        server: { certificateFile: '/etc/stint/server/tls.crt' },
        workloadApi: { socket: 'unix:///spiffe-workload-api/agent.sock', startWithin: 120_000, hint: 'broker' },
      },
    },
  },
  {
    name: 'bundles of other trust domains by federation',
    values: FEDERATION,
    shows: {
      'StatefulSet stint': pod({
        volumes: expect.arrayContaining([
          expect.objectContaining({ configMap: expect.objectContaining({ name: 'partner-ca' }) }),
          expect.objectContaining({ configMap: expect.objectContaining({ name: 'ci-bundle' }) }),
        ]),
      }),
      'NetworkPolicy stint': { spec: { egress: [{}, {}, { ports: [{ protocol: 'TCP', port: 443 }] }] } },
    },
    config: {
      identity: {
        domains: {
          'example.org': { file: '/etc/stint/bundles/example.org/bundle' },
          'partner.example': {
            federation: { profile: 'https_web', caFile: '/etc/stint/federation/partner.example/roots' },
          },
          'ci.example': {
            federation: {
              profile: 'https_spiffe',
              bundleFile: '/etc/stint/federation/ci.example/roots',
              maxStaleness: 43_200_000,
            },
          },
        },
      },
    },
  },
  {
    name: 'OIDC issuers, one of them the cluster itself',
    values: {
      bearer: { enabled: true },
      registry: { agents: [{ ...AGENT, match: 'oidc:github:repository_owner_id=4711;*' }] },
      config: {
        admin: { operators: [{ ...OPERATOR, subjects: ['oidc:github:repository_owner_id=4711;repository_id=815'] }] },
        identity: {
          tokens: { reuse: 'never' },
          oidc: [
            ISSUER,
            {
              alias: 'cluster',
              preset: 'kubernetes',
              issuer: 'https://kubernetes.default.svc.cluster.local',
              audience: 'https://stint.example.org',
              jwksHost: '10.0.0.1:6443',
              caConfigMap: { name: 'kube-root-ca.crt', key: 'ca.crt' },
              allowPrivate: ['10.0.0.1', 'kubernetes.default.svc.cluster.local'],
            },
            {
              alias: 'other',
              issuer: 'https://issuer.example',
              audience: 'https://stint.example.org',
              subject: ['sub'],
              conditions: { number: [70_403_103_916], level: [true] },
              maxTokenAge: '10m',
            },
          ],
        },
      },
      networkPolicy: { identityTo: [{ ipBlock: { cidr: '0.0.0.0/0' } }], identityPorts: [443, 6443] },
    },
    shows: {
      'NetworkPolicy stint': {
        spec: {
          egress: [
            {},
            { ports: [{ port: 443 }] },
            { to: [{ ipBlock: { cidr: '0.0.0.0/0' } }], ports: [{ port: 443 }, { port: 6443 }] },
          ],
        },
      },
      'Service stint': { spec: { ports: holds({ name: 'bearer' }) } },
    },
    config: {
      listen: { bearer: port(8444) },
      identity: {
        oidc: [
          { alias: 'github', conditions: { repository_owner_id: ['4711'] } },
          { jwksHost: '10.0.0.1:6443', caFile: '/etc/stint/issuers/1/roots' },
          { conditions: { number: [70_403_103_916], level: [true] }, maxTokenAge: 600_000 },
        ],
      },
    },
  },
  {
    name: 'clusters whose keys are not where their name leads',
    values: {
      bearer: { enabled: true },
      config: {
        identity: {
          oidc: [
            {
              ...KUBERNETES,
              alias: 'own',
              jwksUrl: 'https://kubernetes.default.svc/openid/v1/jwks',
              tokenReviewUrl: 'https://kubernetes.default.svc',
              serviceAccountToken: {},
              caConfigMap: { name: 'kube-root-ca.crt', key: 'ca.crt' },
              allowPrivate: ['kubernetes.default.svc:443'],
            },
            {
              ...KUBERNETES,
              alias: 'partner',
              discoveryUrl: ['https://[fd00::1]:6443/.well-known/openid-configuration'],
              jwksHost: ['[fd00::1]:6443', '[fd00::2]:6443'],
              tokenSecret: { name: 'partner-token', key: 'token' },
              allowPrivate: ['fd00::1', 'fd00::2'],
            },
            { ...KUBERNETES, alias: 'far', keysConfigMap: { name: 'far-keys', key: 'jwks.json' } },
          ],
        },
      },
      networkPolicy: { identityTo: [{ ipBlock: { cidr: '0.0.0.0/0' } }], identityPorts: [443, 6443] },
    },
    shows: {
      'StatefulSet stint': pod({
        automountServiceAccountToken: false,
        volumes: holds({
          name: 'issuer-token-0',
          projected: {
            defaultMode: 0o440,
            sources: [{ serviceAccountToken: { path: 'token', expirationSeconds: 3_600 } }],
          },
        }),
      }),
    },
    config: {
      identity: {
        oidc: [
          { alias: 'own', tokenFile: '/etc/stint/issuer-tokens/0/token', caFile: '/etc/stint/issuers/0/roots' },
          { alias: 'partner', tokenFile: '/etc/stint/issuer-tokens/1/token' },
          { alias: 'far', keysFile: '/etc/stint/issuer-keys/2/keys' },
        ],
      },
    },
  },
  {
    name: 'a bundle endpoint with the broker’s own SVID',
    values: BUNDLE_ENDPOINT,
    shows: {
      'Service stint-bundle': {
        spec: { type: 'ClusterIP', ports: [{ name: 'bundles', port: 443, targetPort: 'bundles', protocol: 'TCP' }] },
      },
      'Service stint': { spec: { ports: [expect.objectContaining({ name: 'agents' })] } },
      'StatefulSet stint': container({ ports: holds({ name: 'bundles', containerPort: 8447 }) }),
      'NetworkPolicy stint': {
        spec: {
          ingress: holds({
            from: [{ ipBlock: { cidr: '203.0.113.0/24' } }],
            ports: [{ protocol: 'TCP', port: 'bundles' }],
          }),
        },
      },
    },
    config: { identity: { bundleEndpoint: { listen: port(8447), trustDomain: 'example.org', path: '/' } } },
  },
  {
    name: 'a bundle endpoint with a certificate of its own, outside the cluster',
    values: lay(lay(WORKLOAD_API, BUNDLE_ENDPOINT), {
      listenHost: '[::]',
      bundleEndpoint: {
        tls: { existingSecret: 'bundle-tls' },
        service: { type: 'LoadBalancer', port: 8443, annotations: { internal: 'false' } },
      },
      config: { identity: { bundleEndpoint: { path: '/spiffe', refreshHint: '10m', sequence: 'time' } } },
    }),
    shows: {
      'Service stint-bundle': {
        metadata: { annotations: { internal: 'false' } },
        spec: { type: 'LoadBalancer', ports: [expect.objectContaining({ port: 8443 })] },
      },
      'StatefulSet stint': secretVolume('bundle-endpoint', 'bundle-tls', [
        { key: 'tls.crt', path: 'tls.crt' },
        { key: 'tls.key', path: 'tls.key' },
      ]),
    },
    config: {
      identity: {
        bundleEndpoint: {
          listen: { host: '::', port: 8447 },
          path: '/spiffe',
          refreshHint: 600_000,
          sequence: 'time',
          certificate: { privateKeyFile: '/etc/stint/bundle-endpoint/tls.key' },
        },
      },
    },
  },
  {
    name: 'rules in ConfigMaps of the operator',
    values: {
      registry: { agents: [], existingConfigMap: 'team-agents' },
      policies: { files: null, existingConfigMap: 'team-policies' },
      labels: { existingConfigMap: 'team-labels' },
      actionOverrides: { existingConfigMap: 'team-actions' },
    },
    shows: {
      'ConfigMap stint-registry': undefined,
      'ConfigMap stint-policies': undefined,
      'ConfigMap stint-labels': undefined,
      'StatefulSet stint': pod({
        volumes: expect.arrayContaining(
          ['registry', 'policies', 'labels', 'actions'].map((name) =>
            expect.objectContaining({ name, configMap: expect.anything() }),
          ),
        ),
      }),
    },
    config: {
      labels: { file: '/etc/stint/labels/labels.yaml' },
      actions: { overridesFile: '/etc/stint/actions/actions.yaml' },
    },
  },
  {
    name: 'action overrides',
    values: { actionOverrides: { rows: [{ action: 'ec2:StopInstances', class: 'write', reason: 'every night' }] } },
    shows: { 'ConfigMap stint-actions': { data: { 'actions.yaml': expect.stringContaining('ec2:StopInstances') } } },
    config: { actions: { overridesFile: '/etc/stint/actions/actions.yaml' } },
  },
  {
    name: 'labels',
    values: { labels: { rules: [{ label: 'env:prod', resources: ['arn:aws:s3:::prod-*'] }] } },
    shows: { 'ConfigMap stint-labels': { data: { 'labels.yaml': expect.stringContaining('env:prod') } } },
    config: { labels: { file: '/etc/stint/labels/labels.yaml' } },
  },
  {
    name: 'an external id and a boundary',
    values: {
      config: {
        roles: [
          ROLE,
          {
            arn: 'arn:aws:iam::111122223333:role/stint/other',
            externalIdSecret: { name: 'external', key: 'id' },
            allowWildcard: ['cloudwatch:Put*'],
            revocation: { kind: 'boundary', policyArn: 'arn:aws:iam::111122223333:policy/stint-boundary' },
          },
        ],
      },
    },
    shows: { 'StatefulSet stint': secretVolume('external-id-1', 'external', [{ key: 'id', path: 'id' }]) },
    config: { roles: [{}, { externalIdFile: '/etc/stint/external-ids/1/id', allowWildcard: ['cloudwatch:Put*'] }] },
  },
  {
    name: 'roles of many accounts',
    values: {
      config: {
        roles: [
          {
            arn: 'arn:aws:iam::*:role/stint/*',
            accounts: ['111122223333', '011122223333'],
            externalIdSecret: { name: 'external-ids' },
            revocation: {
              kind: 'boundary',
              policyArn: 'arn:aws:iam::{account}:policy/stint-boundary',
              revoker: {
                roleArn: 'arn:aws:iam::{account}:role/stint/revoker',
                externalIdSecret: { name: 'revoker-ids' },
              },
              canary: {
                roleArn: 'arn:aws:iam::{account}:role/stint/canary',
                externalIdSecret: { name: 'canary-ids' },
              },
            },
          },
        ],
      },
    },
    shows: { 'StatefulSet stint': secretVolume('revoker-id-0', 'revoker-ids') },
    config: {
      roles: [
        {
          accounts: ['111122223333', '011122223333'],
          externalIdFile: '/etc/stint/external-ids/0/{account}',
          revocation: {
            revoker: { externalIdFile: '/etc/stint/revoker-ids/0/{account}' },
            canary: { externalIdFile: '/etc/stint/canary-ids/0/{account}' },
          },
        },
      ],
    },
  },
  {
    name: 'static keys for broker and revoker',
    values: {
      awsKeys: { broker: { existingSecret: 'keys' }, revoker: { existingSecret: 'more', accessKeyIdKey: '1' } },
    },
    shows: {
      'StatefulSet stint': secretVolume('aws-revoker', 'more', [
        { key: '1', path: 'id' },
        { key: 'secretAccessKey', path: 'secret' },
      ]),
    },
    config: {
      aws: {
        credentials: { accessKeyIdFile: '/etc/stint/aws/broker/id' },
        revokerCredentials: { secretAccessKeyFile: '/etc/stint/aws/revoker/secret' },
      },
    },
  },
  {
    name: 'temporary keys for the broker',
    values: { awsKeys: { broker: { existingSecret: 'keys', sessionTokenKey: 'sessionToken' } } },
    shows: {
      'StatefulSet stint': secretVolume('aws-broker', 'keys', [
        { key: 'accessKeyId', path: 'id' },
        { key: 'secretAccessKey', path: 'secret' },
        { key: 'sessionToken', path: 'token' },
      ]),
    },
    config: { aws: { credentials: { sessionTokenFile: '/etc/stint/aws/broker/token' } } },
  },
  {
    name: 'a MinIO in the place of AWS',
    values: {
      config: {
        aws: { profile: 'minio', stsEndpoint: 'https://minio.example' },
        roles: [{ arn: 'arn:aws:iam:::role/minio', revocation: { kind: 'none' } }],
      },
    },
    shows: {},
    config: { aws: { profile: 'minio', stsEndpoint: 'https://minio.example' } },
  },
  {
    name: 'no check of the own credentials',
    values: { config: { aws: { credentialCheckEvery: '0s' } } },
    shows: {},
    config: { aws: { credentialCheckEvery: 0 } },
  },
  {
    name: 'endpoints of its own',
    values: {
      config: {
        aws: { stsEndpoint: 'https://sts.example', iamEndpoint: 'https://iam.example', strictness: 'stand-in' },
      },
    },
    shows: {},
    config: { aws: { stsEndpoint: 'https://sts.example', iamEndpoint: 'https://iam.example', strictness: 'stand-in' } },
  },
  {
    name: 'limits of grants, the largest number included',
    values: { config: { grants: { leaseTime: '2m', openGrantsPerAgent: 10_000_000 } } },
    shows: {},
    config: { grants: { leaseTime: 120_000, openGrantsPerAgent: 10_000_000 } },
  },
  {
    name: 'a longer drain with a longer grace',
    values: { config: { server: { drainTime: '2m' } }, terminationGracePeriodSeconds: 135 },
    shows: { 'StatefulSet stint': pod({ terminationGracePeriodSeconds: 135 }) },
    config: { server: { drainTime: 120_000 } },
  },
  {
    name: 'IRSA',
    values: {
      serviceAccount: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/broker' } },
    },
    shows: {
      'ServiceAccount stint': {
        metadata: { annotations: { 'eks.amazonaws.com/role-arn': 'arn:aws:iam::111122223333:role/broker' } },
      },
    },
  },
  {
    name: 'Pod Identity',
    values: { networkPolicy: { podIdentityAgent: true } },
    shows: {
      'NetworkPolicy stint': {
        spec: {
          egress: holds({
            to: holds({ ipBlock: { cidr: '169.254.170.23/32' } }),
            ports: [{ protocol: 'TCP', port: 80 }],
          }),
        },
      },
    },
  },
  {
    name: 'a service account that exists',
    values: { serviceAccount: { create: false, name: 'broker' } },
    shows: { 'ServiceAccount stint': undefined, 'StatefulSet stint': pod({ serviceAccountName: 'broker' }) },
  },
  {
    name: 'a claim that exists',
    values: { persistence: { existingClaim: 'ledger' } },
    shows: {
      'StatefulSet stint': pod({ volumes: holds({ name: 'ledger', persistentVolumeClaim: { claimName: 'ledger' } }) }),
    },
  },
  {
    name: 'a claim of another kind',
    values: {
      persistence: { storageClass: 'fast', accessMode: 'ReadWriteOncePod', size: '5Gi', annotations: { a: 'b' } },
    },
    shows: {
      'StatefulSet stint': {
        spec: {
          volumeClaimTemplates: [
            {
              metadata: { annotations: { a: 'b' } },
              spec: {
                storageClassName: 'fast',
                accessModes: ['ReadWriteOncePod'],
                resources: { requests: { storage: '5Gi' } },
              },
            },
          ],
        },
      },
    },
  },
  {
    name: 'no network policy',
    values: { networkPolicy: { enabled: false } },
    shows: { 'NetworkPolicy stint': undefined },
  },
  {
    name: 'health for those who are named',
    values: { networkPolicy: { healthFrom: [{ ipBlock: { cidr: '10.0.0.0/8' } }] } },
    shows: {
      'NetworkPolicy stint': {
        spec: {
          ingress: holds({ from: [{ ipBlock: { cidr: '10.0.0.0/8' } }], ports: [{ protocol: 'TCP', port: 'health' }] }),
        },
      },
    },
  },
  {
    name: 'a load balancer before the agents',
    values: {
      agents: { service: { type: 'LoadBalancer', port: 443, annotations: { internal: 'true' } } },
      networkPolicy: { agentsFrom: [{ ipBlock: { cidr: '10.0.0.0/8' } }] },
    },
    shows: {
      'Service stint': {
        metadata: { annotations: { internal: 'true' } },
        spec: { type: 'LoadBalancer', ports: [expect.objectContaining({ port: 443, targetPort: 'agents' })] },
      },
    },
  },
  {
    name: 'an image by digest',
    values: {
      image: { digest: `sha256:${'b'.repeat(64)}`, tag: 'left-out', pullPolicy: 'Always' },
      imagePullSecrets: [{ name: 'pull' }],
    },
    shows: {
      'StatefulSet stint': pod({
        imagePullSecrets: [{ name: 'pull' }],
        containers: [
          expect.objectContaining({
            image: `images.example/stint@sha256:${'b'.repeat(64)}`,
            imagePullPolicy: 'Always',
          }),
        ],
      }),
    },
  },
  {
    name: 'an image by tag',
    values: { image: { tag: '7' } },
    shows: { 'StatefulSet stint': container({ image: 'images.example/stint:7' }) },
  },
  {
    name: 'registrations by the admin API, people for a class, and a scoped operator',
    values: {
      registry: { writableByApi: ['spiffe://example.org/ci/*'], reviewPeriod: '30d', ownersMustBeOperators: true },
      config: {
        approvals: {
          byClass: { permissions: { anyOf: ['security'], count: 2 } },
          minimumAssurance: { escalation: 'step_up' },
        },
        admin: {
          operators: [
            {
              name: 'omar',
              role: 'approver',
              tokenSha256: 'a'.repeat(64),
              expiresAt: '2099-01-01T00:00:00Z',
              scope: { teams: ['data'], accounts: ['111122223333'] },
            },
          ],
        },
      },
    },
    shows: {},
    config: {
      registry: { writableByApi: ['spiffe://example.org/ci/*'], ownersMustBeOperators: true },
      approvals: {
        byClass: { permissions: { anyOf: ['security'], count: 2 } },
        minimumAssurance: { escalation: 'step_up' },
      },
      admin: { operators: [{ scope: { teams: ['data'], accounts: ['111122223333'] } }] },
    },
  },
  {
    name: 'a cluster with IPv6',
    values: { listenHost: '[::]' },
    shows: {},
    config: { listen: { agents: { host: '::', port: 8443 }, health: { host: '::', port: 8446 } } },
  },
  {
    name: 'a place to run',
    values: {
      nodeSelector: { disk: 'ssd' },
      tolerations: [{ key: 'only', operator: 'Exists', effect: 'NoSchedule' }],
      affinity: {
        nodeAffinity: {
          requiredDuringSchedulingIgnoredDuringExecution: {
            nodeSelectorTerms: [{ matchExpressions: [{ key: 'zone', operator: 'Exists' }] }],
          },
        },
      },
      priorityClassName: 'high',
      resources: { limits: { memory: '2Gi' } },
      startupFailureThreshold: 120,
      podAnnotations: { note: 'x', 'checksum/config': 'mine' },
      podLabels: { cost: 'y', 'app.kubernetes.io/name': 'mine' },
      commonLabels: { team: 'security', 'app.kubernetes.io/instance': 'mine' },
    },
    shows: {
      'StatefulSet stint': {
        metadata: { labels: { team: 'security', 'app.kubernetes.io/instance': 'stint' } },
        spec: {
          template: {
            metadata: {
              annotations: { note: 'x', 'checksum/config': expect.stringMatching(/^[0-9a-f]{64}$/) },
              labels: { cost: 'y', team: 'security', 'app.kubernetes.io/name': 'stint' },
            },
            spec: {
              nodeSelector: { disk: 'ssd' },
              priorityClassName: 'high',
              tolerations: [{ key: 'only' }],
              affinity: { nodeAffinity: {} },
              containers: [{ startupProbe: { failureThreshold: 120 }, resources: { limits: { memory: '2Gi' } } }],
            },
          },
        },
      },
    },
  },
]

describe.skipIf(!inject('tools'))('the chart', () => {
  const rendered = new Map<string, KubeObject[]>()
  let problems: (readonly [string, string])[]

  beforeAll(async () => {
    for (const { name, values } of ROWS) rendered.set(name, await render(good(values)))
    problems = kubernetesProblems(
      [...rendered].flatMap(([name, objects]) => objects.map((object) => [name, object] as const)),
    )
  })

  const of = (name: string) => rendered.get(name) ?? []

  for (const { name, values, shows, config } of ROWS) {
    test(`${name}: renders what it says`, () => {
      for (const [what, part] of Object.entries(shows)) {
        const [kind = '', object] = what.split(' ')
        const found = find(of(name), kind, object)
        if (part === undefined) expect(found).toBeUndefined()
        else expect(found).toMatchObject(part)
      }
    })

    test(`${name}: Kubernetes takes every object`, () => {
      expect(of(name).length).toBeGreaterThan(4)
      expect(problems.filter(([row]) => row === name)).toEqual([])
    })

    test(`${name}: the broker takes stint.yaml, and finds each of its files mounted`, async () => {
      const read = await brokerConfig(of(name))
      if (config) expect(read).toMatchObject(config)
      const paths = pathsOf(read)
      // The bundle, and the two files of the certificate, may come from the Workload API.
      expect(paths.length).toBeGreaterThanOrEqual(JSON.stringify(values).includes('workloadApi') ? 3 : 6)
      expect(notMounted(of(name), paths)).toEqual([])
    })

    // https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
    test(`${name}: the pod keeps to the restricted standard`, () => {
      expect(findWorkload(of(name))).toMatchObject({
        spec: {
          replicas: values.replicaCount ?? 1,
          template: {
            spec: {
              automountServiceAccountToken: false,
              enableServiceLinks: false,
              securityContext: { runAsNonRoot: true, seccompProfile: { type: 'RuntimeDefault' } },
              containers: [
                {
                  args: ['serve', '--config', '/etc/stint/config/stint.yaml'],
                  securityContext: {
                    allowPrivilegeEscalation: false,
                    readOnlyRootFilesystem: true,
                    capabilities: { drop: ['ALL'] },
                  },
                },
              ],
            },
          },
        },
      })
      expect(podOf(of(name)).containers).toHaveLength(1)
    })
  }

  test('the migration job has the owner of the schema where there is one, and finds each file that it needs', async () => {
    const owner = { user: 'stint_owner', passwordSecret: { name: 'db-owner', key: 'pw' } }
    const objects = await render(good(lay(DATABASE, { migration: owner })))
    const job = await migrationConfig(objects)
    expect(job).toEqual(await brokerConfig(objects))
    expect(job.ledger.migrate).toBe('never')
    const ownerFile = '/etc/stint/database-owner/password'
    const args = ['migrate', 'up', '--config', '/etc/stint/config/stint.yaml', '--user', 'stint_owner']
    expect(find(objects, 'Job', 'stint-migration')).toMatchObject(
      container({ args: [...args, '--password-file', ownerFile] }),
    )
    const files = [...pathsOf(job.ledger), ownerFile]
    expect(files).toHaveLength(3)
    expect(notMountedInJob(objects, files)).toEqual([])
    expect(JSON.stringify(find(objects, 'Deployment'))).not.toContain('db-owner')
  })

  test('the pod has ids of its own, unless the cluster assigns them', () => {
    const ids = (name: string) => {
      const { runAsUser, runAsGroup, fsGroup } = podOf(of(name)).securityContext
      return [runAsUser, runAsGroup, fsGroup]
    }
    expect(ids('the least')).toEqual([65_532, 65_532, 65_532])
    expect(ids('ids that the cluster assigns, and additions to the pod')).toEqual([undefined, undefined, undefined])
  })

  test('a certificate from the Workload API takes no Secret, and the network policy no rule for it', () => {
    const row = of('certificate and bundle from the Workload API')
    expect(podOf(row).volumes.filter(({ secret }) => secret)).toEqual([])
    expect(find(row, 'NetworkPolicy')).toEqual(find(of('the least'), 'NetworkPolicy'))
  })

  test('there is a rule for issuers and federation only where there are any', () => {
    const egress = (name: string) => (find(of(name), 'NetworkPolicy') as unknown as NetworkPolicy).spec.egress.length
    expect(egress('the least')).toBe(2)
    expect(egress('bundles of other trust domains by federation')).toBe(3)
  })

  test('probes ask the plain health port over gRPC', () => {
    const health = { grpc: { port: 8446 } }
    expect(find(of('the least'), 'StatefulSet')).toMatchObject(
      container({
        startupProbe: expect.objectContaining(health),
        livenessProbe: expect.objectContaining(health),
        readinessProbe: expect.objectContaining({ grpc: { port: 8446, service: 'stint.v1.BrokerService' } }),
        ports: holds({ name: 'health', containerPort: 8446 }),
      }),
    )
  })

  test('a pod that never gets ready does not stand in the way of its successor', () => {
    // https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#forced-rollback
    expect(find(of('the least'), 'StatefulSet')).toMatchObject({
      spec: { podManagementPolicy: 'Parallel', updateStrategy: { type: 'RollingUpdate' } },
    })
  })

  test('no Service has the health port, and the agents’ has not the admin’s', () => {
    const ports = of('the admin API outside the pod')
      .filter(({ kind }) => kind === 'Service')
      .map(({ metadata, spec }) => [
        metadata.name,
        (spec as { ports: { targetPort: string }[] }).ports.map((each) => each.targetPort),
      ])
    expect(ports.sort()).toEqual([
      ['stint', ['agents']],
      ['stint-admin', ['admin']],
    ])
  })

  test('the network policy denies both ways, and no rule is without peers', () => {
    for (const objects of rendered.values()) {
      const policy = find(objects, 'NetworkPolicy') as unknown as NetworkPolicy | undefined
      if (!policy) continue
      expect(policy.spec.policyTypes).toEqual(['Ingress', 'Egress'])
      // https://kubernetes.io/docs/concepts/services-networking/network-policies/: an empty list of peers lets all through.
      for (const { from } of policy.spec.ingress) expect(from?.length).toBeGreaterThan(0)
      for (const { to, ports } of policy.spec.egress) expect([to?.length, ports?.length]).not.toContain(0)
    }
  })

  test('the network policy keeps the node’s metadata service out of reach', () => {
    const openTo = (name: string) => {
      const policy = find(of(name), 'NetworkPolicy') as unknown as NetworkPolicy
      return policy.spec.egress.flatMap(({ to }) => to ?? []).filter(({ ipBlock }) => ipBlock)
    }
    const everywhereElse = [
      { ipBlock: { cidr: '0.0.0.0/0', except: ['169.254.0.0/16'] } },
      { ipBlock: { cidr: '::/0', except: ['fd00:ec2::/32'] } },
    ]
    expect(openTo('the least')).toEqual(everywhereElse)
    expect(openTo('bundles of other trust domains by federation')).toEqual([...everywhereElse, ...everywhereElse])
  })

  test('no secret’s content is in any object', () => {
    for (const objects of rendered.values()) expect(objects.filter(({ kind }) => kind === 'Secret')).toEqual([])
  })

  test('a change of stint.yaml restarts the pod, a change of policies does not', async () => {
    const checksum = (objects: KubeObject[]) =>
      (find(objects, 'StatefulSet') as unknown as { spec: { template: { metadata: KubeObject['metadata'] } } }).spec
        .template.metadata.annotations?.['checksum/config']
    const before = checksum(of('the least'))
    expect(checksum(of('limits of grants, the largest number included'))).not.toBe(before)
    const changed = await render(good({ policies: { files: { 'data.cedar': `${POLICY}// more\n` } } }))
    expect(checksum(changed)).toBe(before)
  })

  test('registrations, labels and policies arrive as they were written', async () => {
    const policy = '// {{ not a template }}\n@id("x")\npermit (principal, action, resource);\n\n'
    const agents = [
      AGENT,
      { ...AGENT, name: 'null', match: 'spiffe://example.org/ci/*', owner: '007', review: '2098-01-01' },
    ]
    const rules = [{ label: 'env:prod', resources: ['arn:aws:s3:::prod-*', '*'] }]
    const objects = await render(
      good({
        registry: { agents },
        labels: { rules },
        policies: { files: { 'a.cedar': policy, 'a.test.yaml': 'cases: []\n' } },
      }),
    )
    const data = (name: string, key: string) => find(objects, 'ConfigMap', name)?.data?.[key] ?? ''
    expect(data('stint-policies', 'a.cedar')).toBe(policy)
    const registry = parseRegistry(data('stint-registry', 'agents.yaml'))
    expect(registry.registrations.map(({ name, owner }) => [name, owner])).toEqual([
      ['invoice-bot', 'ann@example.org'],
      ['null', '007'],
    ])
    expect(parseLabels(parse(data('stint-labels', 'labels.yaml'))).labels[0]?.patterns).toHaveLength(2)
  })

  test('two releases in one namespace share no object', async () => {
    const [one, other] = await Promise.all([render(good(), 'one'), render(good(), 'other')])
    const names = (objects: KubeObject[]) => objects.map(({ kind, metadata }) => `${kind} ${metadata.name}`)
    expect(names(one).filter((name) => names(other).includes(name))).toEqual([])
  })

  test('names that look like numbers stay names', async () => {
    const objects = await render(
      lay(good(), { nameOverride: '1', serviceAccount: { create: false, name: '12' } }),
      '12',
    )
    expect(kubernetesProblems(objects.map((object) => [object.kind, object]))).toEqual([])
  })

  test('every object has the recommended labels and the release’s namespace', () => {
    // https://kubernetes.io/docs/concepts/overview/working-with-objects/common-labels/
    for (const { metadata } of of('the least')) {
      expect(metadata).toMatchObject({ namespace: 'security' })
      expect(metadata.labels).toMatchObject({
        'app.kubernetes.io/name': 'stint',
        'app.kubernetes.io/instance': RELEASE,
        'app.kubernetes.io/managed-by': 'Helm',
        'app.kubernetes.io/part-of': 'stint',
      })
    }
  })
})

interface NetworkPolicy {
  readonly spec: {
    readonly policyTypes: string[]
    readonly ingress: { readonly from?: object[] }[]
    readonly egress: { readonly to?: { ipBlock?: object }[]; readonly ports?: object[] }[]
  }
}

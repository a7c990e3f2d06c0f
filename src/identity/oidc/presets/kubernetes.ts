import { readClaim } from '../claim-path.ts'
import { HOUR_MS, type IssuerPreset } from './preset.ts'

const FIELDS = {
  namespace: '/kubernetes.io/namespace',
  serviceaccount: '/kubernetes.io/serviceaccount/name',
  serviceaccount_uid: '/kubernetes.io/serviceaccount/uid',
  pod: '/kubernetes.io/pod/name',
  pod_uid: '/kubernetes.io/pod/uid',
  node: '/kubernetes.io/node/name',
  node_uid: '/kubernetes.io/node/uid',
}
const API_SERVER = /^(https:\/\/)?(kubernetes(\.default(\.svc(\.[a-z0-9.-]+)?)?)?|api)(:\d+)?\/?$/i

/**
 * Projected service account tokens of a Kubernetes cluster: EKS, GKE, AKS or one's own.
 *
 * @see https://kubernetes.io/docs/reference/access-authn-authz/service-accounts-admin/
 */
export const KUBERNETES_PRESET: IssuerPreset = {
  // By the kind of the cluster's signing key; a key verifies under the algorithm of its kind alone.
  algorithms: ['RS256', 'ES256', 'ES384', 'ES512'],
  maxTokenAgeMs: HOUR_MS,
  maxLifetimeMs: HOUR_MS,
  fields: FIELDS,
  subject: ['namespace', 'serviceaccount', 'serviceaccount_uid'],
  pins: [FIELDS.namespace, FIELDS.serviceaccount_uid],
  required: [FIELDS.serviceaccount_uid],
  unfit: {
    '/sub': "a service account's sub is made of names that can be reused; use serviceaccount_uid",
  },
  presetChecks: [
    {
      name: 'legacy token',
      problem: (claims) =>
        Object.keys(claims).some((name) => name.startsWith('kubernetes.io/serviceaccount/'))
          ? 'Service account tokens from a Secret never expire; use a projected token.'
          : undefined,
    },
    {
      name: 'service account',
      problem(claims) {
        const [namespace, name, uid] = [FIELDS.namespace, FIELDS.serviceaccount, FIELDS.serviceaccount_uid].map(
          (pointer) => readClaim(claims, pointer),
        )
        if (![namespace, name, uid].every((value) => typeof value === 'string' && value !== '')) {
          return 'A projected token names its namespace and its service account with name and uid under kubernetes.io.'
        }
        if (claims.sub === `system:serviceaccount:${namespace}:${name}`) return undefined
        return 'The sub of the token and its service account under kubernetes.io differ.'
      },
    },
    {
      name: 'warnafter',
      problem: (claims) =>
        readClaim(claims, '/kubernetes.io/warnafter') === undefined
          ? undefined
          : 'The cluster extended this token to a year for old clients; project a token with its own audience and expirationSeconds.',
    },
  ],
  audienceProblem: (audience) =>
    API_SERVER.test(audience)
      ? "is the API server's audience, which any token of the cluster may have; use an identifier that only this service has"
      : undefined,
}

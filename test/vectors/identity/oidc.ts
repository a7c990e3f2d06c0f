import type { IssuerSettings } from '../../../src/identity/oidc/issuer-problems.ts'
import type { PresetName } from '../../../src/identity/oidc/presets/presets.ts'

/** Seconds of NOW in test/support/pki.ts. */
export const IAT = Date.parse('2026-11-21T12:00:00.000Z') / 1000
export const AUDIENCE = 'https://stint.example.org'

const TENANT = '11111111-2222-4333-8444-555555555555'
const OBJECT = '66666666-7777-4888-9999-aaaaaaaaaaaa'
const CLIENT = 'bbbbbbbb-cccc-4ddd-8eee-ffffffffffff'
const STS = 'https://sts.amazonaws.com/'
const ROLE = 'arn:aws:iam::111122223333:role/report-writer'

type Kind = PresetName | 'plain'

/** A good issuer and a good token of each kind; claims in our own words, shaped as the issuers document them. */
export const KINDS: Readonly<
  Record<Kind, { settings: IssuerSettings; claims: Readonly<Record<string, unknown>>; subject: string }>
> = {
  plain: {
    settings: { alias: 'corp', issuer: 'https://login.corp.example/', audience: AUDIENCE, subject: ['tenant', 'sub'] },
    claims: { iss: 'https://login.corp.example/', tenant: 't1', sub: 'job 7' },
    subject: 'oidc:corp:tenant=t1;sub=job%207',
  },
  github: {
    settings: {
      alias: 'github',
      preset: 'github',
      issuer: 'https://token.actions.githubusercontent.com',
      audience: AUDIENCE,
      conditions: { repository_owner_id: ['4711'] },
    },
    claims: {
      iss: 'https://token.actions.githubusercontent.com',
      sub: 'repo:example-org@4711/invoices@815:ref:refs/heads/main',
      repository: 'example-org/invoices',
      repository_id: '815',
      repository_owner: 'example-org',
      repository_owner_id: '4711',
      ref: 'refs/heads/main',
      ref_type: 'branch',
      event_name: 'push',
      job_workflow_ref: 'example-org/invoices/.github/workflows/nightly.yml@refs/heads/main',
      runner_environment: 'github-hosted',
      actor: 'mara',
      actor_id: '99',
    },
    subject: 'oidc:github:repository_owner_id=4711;repository_id=815;ref=refs/heads/main',
  },
  gitlab: {
    settings: { alias: 'gitlab', preset: 'gitlab', issuer: 'https://gitlab.example.com', audience: AUDIENCE },
    claims: {
      iss: 'https://gitlab.example.com',
      sub: 'project_path:data/invoices:ref_type:branch:ref:main',
      project_id: '22',
      project_path: 'data/invoices',
      namespace_id: '7',
      namespace_path: 'data',
      ref: 'main',
      ref_type: 'branch',
      ref_path: 'refs/heads/main',
      ref_protected: 'true',
      pipeline_source: 'schedule',
      runner_environment: 'self-hosted',
    },
    subject: 'oidc:gitlab:namespace_id=7;project_id=22;ref_path=refs/heads/main',
  },
  kubernetes: {
    settings: {
      alias: 'cluster',
      preset: 'kubernetes',
      issuer: 'https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF',
      audience: AUDIENCE,
    },
    claims: {
      iss: 'https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF',
      sub: 'system:serviceaccount:data:reporter',
      'kubernetes.io': {
        namespace: 'data',
        serviceaccount: { name: 'reporter', uid: 'c0ffee00-1111-4222-8333-444455556666' },
        pod: { name: 'reporter-5d', uid: 'deadbeef-1111-4222-8333-444455556666' },
        node: { name: 'node-1', uid: 'feedface-1111-4222-8333-444455556666' },
      },
    },
    subject:
      'oidc:cluster:namespace=data;serviceaccount=reporter;serviceaccount_uid=c0ffee00-1111-4222-8333-444455556666',
  },
  entra: {
    settings: {
      alias: 'entra',
      preset: 'entra',
      issuer: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      audience: 'api://stint.example.org',
      authorizedParties: [CLIENT],
    },
    claims: {
      iss: `https://login.microsoftonline.com/${TENANT}/v2.0`,
      aud: 'api://stint.example.org',
      sub: OBJECT,
      tid: TENANT,
      oid: OBJECT,
      azp: CLIENT,
      azpacr: '2',
      idtyp: 'app',
      ver: '2.0',
      xms_act_fct: '3 11',
      xms_par_app_azp: 'cccccccc-dddd-4eee-8fff-000000000000',
    },
    subject: `oidc:entra:tid=${TENANT};oid=${OBJECT}`,
  },
  aws: {
    settings: {
      alias: 'aws-data',
      preset: 'aws',
      issuer: 'https://99999999-8888-4777-8666-555555555555.tokens.sts.global.api.aws',
      audience: AUDIENCE,
    },
    claims: {
      iss: 'https://99999999-8888-4777-8666-555555555555.tokens.sts.global.api.aws',
      sub: ROLE,
      [STS]: { aws_account: '111122223333', org_id: 'o-exampleorg', request_tags: { team: 'data' } },
    },
    subject: `oidc:aws-data:aws_account=111122223333;sub=${ROLE}`,
  },
}

export interface OidcVector {
  readonly id: string
  readonly name: string
  readonly source: string
  /** Default `plain`. */
  readonly kind?: Kind
  readonly settings?: Partial<IssuerSettings>
  /** Laid over the good claims; undefined takes one away. */
  readonly claims?: Readonly<Record<string, unknown>>
  readonly header?: Readonly<Record<string, unknown>>
  /** The payload as text, where JSON.stringify cannot write it. */
  readonly payload?: string
  /** Which key signs; default the issuer's. */
  readonly signedBy?: 'other'
  /** The check that must refuse it; without it the token is accepted. */
  readonly check?: string
  readonly code?: 'TOKEN_EXPIRED'
  /** What the agent must be called; the good one's name unless given. */
  readonly subject?: string
}

const text = (value: unknown): string => JSON.stringify(value)
/** A WIT-SVID has no audience and is bound to a key; it proves nothing without the proof of that key. */
const WIT = { aud: undefined, cnf: { jwk: { kty: 'EC', crv: 'P-256', alg: 'ES256' } } }
const payload = (members: string): string =>
  `{"iss":"https://login.corp.example/","tenant":"t1","sub":"job 7","aud":${text(AUDIENCE)},"iat":${IAT},"exp":${IAT + 300}${members}}`
const refuse = (check: string, source: string, rows: readonly Omit<OidcVector, 'source' | 'check'>[]): OidcVector[] =>
  rows.map((row) => ({ ...row, check, source }))

export const OIDC_VECTORS: readonly OidcVector[] = [
  { id: 'O1', name: 'a plain token', source: 'OIDC Core 3.1.3.7' },
  { id: 'O2', name: 'no typ', source: 'RFC 7519 5.1', header: { typ: undefined } },
  { id: 'O3', name: 'an unknown header', source: 'RFC 7515 4', header: { x5t: 'abc', jku: 'https://evil.example/' } },
  { id: 'O4', name: 'the audience as a list of one', source: 'RFC 7519 4.1.3', claims: { aud: [AUDIENCE] } },
  ...refuse('type', 'RFC 8725 3.11', [
    ...[
      'wit+jwt',
      'dpop+jwt',
      'txntoken+jwt',
      'logout+jwt',
      'secevent+jwt',
      'at+jwt',
      'wpt+jwt',
      'jwt',
      'JOSE',
      '',
      null,
      1,
    ].map((typ) => ({ id: 'O5', name: `the typ ${text(typ)}`, header: { typ } })),
  ]),
  ...refuse('header', 'RFC 7515 4.1.11', [
    { id: 'O6', name: 'crit', header: { crit: ['exp'] } },
    { id: 'O6', name: 'an empty crit', header: { crit: [] } },
    { id: 'O6', name: 'b64', header: { b64: false } },
  ]),
  ...refuse('algorithm', 'RFC 8725 3.1', [
    ...['none', 'HS256', 'RS384', 'PS256', 'EdDSA', 'es256', null, undefined].map((alg) => ({
      id: 'O7',
      name: `alg ${alg}, which is not the issuer's`,
      header: { alg },
    })),
  ]),
  ...refuse('kid', 'RFC 7515 4.1.4', [
    { id: 'O8', name: 'no kid', header: { kid: undefined } },
    { id: 'O8', name: 'a blank kid', header: { kid: ' ' } },
    { id: 'O8', name: 'a kid that is a property of every object', header: { kid: 'constructor' } },
    { id: 'O8', name: 'an unknown kid', header: { kid: 'k9' } },
  ]),
  ...refuse('signature', 'RFC 7515 5.2', [{ id: 'O9', name: 'the right kid and another key', signedBy: 'other' }]),
  ...refuse('issuer', 'OIDC Core 3.1.3.7', [
    ...[
      'https://login.corp.example',
      'https://LOGIN.corp.example/',
      'https://evil.example/',
      '',
      null,
      ['https://login.corp.example/'],
    ].map((iss) => ({ id: 'O10', name: `iss ${text(iss)}`, claims: { iss } })),
    { id: 'O10', name: 'no iss', claims: { iss: undefined } },
    { id: 'O10', name: 'the iss of a legacy service account token', claims: { iss: 'kubernetes/serviceaccount' } },
  ]),
  ...refuse('audience', 'RFC 7519 4.1.3', [
    ...[undefined, null, '', [], 1, [1], `${AUDIENCE}/`, AUDIENCE.toUpperCase(), 'https://stint.example', ['x']].map(
      (aud) => ({
        id: 'O11',
        name: `aud ${text(aud)}`,
        claims: { aud },
      }),
    ),
    { id: 'O12', name: 'ours beside another', claims: { aud: [AUDIENCE, 'https://other.example'] } },
    { id: 'O12', name: 'ours twice', claims: { aud: [AUDIENCE, AUDIENCE] } },
    { id: 'O12', name: 'ours last', claims: { aud: ['https://other.example', AUDIENCE] } },
  ]),
  ...refuse('authorized-party', 'OIDC Core 3.1.3.7', [
    { id: 'O13', name: 'an azp where none is allowed', claims: { azp: 'client-1' } },
    { id: 'O13', name: 'another azp', claims: { azp: 'client-2' }, settings: { authorizedParties: ['client-1'] } },
    { id: 'O13', name: 'no azp where one is required', settings: { authorizedParties: ['client-1'] } },
    {
      id: 'O13',
      name: 'an azp that is a list',
      claims: { azp: ['client-1'] },
      settings: { authorizedParties: ['client-1'] },
    },
  ]),
  {
    id: 'O14',
    name: 'the allowed azp',
    source: 'OIDC Core 3.1.3.7',
    claims: { azp: 'c' },
    settings: { authorizedParties: ['c'] },
  },
  {
    id: 'O14',
    name: 'an azp that is part of the subject, so that the registration decides',
    source: 'OIDC Core 3.1.3.7',
    claims: { azp: 'c' },
    settings: { subject: ['sub', 'azp'] },
    subject: 'oidc:corp:sub=job%207;azp=c',
  },
  ...refuse('expiry', 'RFC 7519 4.1.4', [
    { id: 'O15', name: 'no exp', claims: { exp: undefined } },
    { id: 'O15', name: 'exp null', claims: { exp: null } },
    { id: 'O15', name: 'exp as text', claims: { exp: String(IAT + 300) } },
    { id: 'O15', name: 'a negative exp', claims: { exp: -1 } },
    {
      id: 'O15',
      name: 'an exp that reads as infinity',
      payload: payload('').replace(`"exp":${IAT + 300}`, '"exp":1e400'),
    },
    { id: 'O15', name: 'an exp beyond every date', claims: { exp: 1e300 } },
    { id: 'O16', name: 'exp passed by the leeway', claims: { iat: IAT - 300, exp: IAT - 10 }, code: 'TOKEN_EXPIRED' },
  ]),
  {
    id: 'O16',
    name: 'exp passed within the leeway',
    source: 'RFC 7519 4.1.4',
    claims: { iat: IAT - 300, exp: IAT - 9 },
  },
  {
    id: 'O16',
    name: 'times with fractions',
    source: 'RFC 7519 2',
    claims: { iat: IAT - 0.25, nbf: IAT - 0.25, exp: IAT + 299.75 },
  },
  ...refuse('expiry', 'RFC 7519 2', [
    {
      id: 'O16',
      name: 'a fractional exp passed by the leeway',
      claims: { iat: IAT - 300.5, exp: IAT - 10.25 },
      code: 'TOKEN_EXPIRED',
    },
  ]),
  ...refuse('not-before', 'RFC 7519 4.1.5', [
    { id: 'O17', name: 'nbf beyond the leeway by a fraction', claims: { nbf: IAT + 10.25 }, code: 'TOKEN_EXPIRED' },
    { id: 'O17', name: 'nbf in the future', claims: { nbf: IAT + 11 }, code: 'TOKEN_EXPIRED' },
    { id: 'O17', name: 'nbf null', claims: { nbf: null } },
  ]),
  { id: 'O17', name: 'nbf within the leeway', source: 'RFC 7519 4.1.5', claims: { nbf: IAT + 10 } },
  ...refuse('issued-at', 'RFC 7519 4.1.6', [
    { id: 'O18', name: 'no iat', claims: { iat: undefined } },
    { id: 'O18', name: 'iat in the future', claims: { iat: IAT + 11 }, code: 'TOKEN_EXPIRED' },
    { id: 'O18', name: 'iat beyond the leeway by a fraction', claims: { iat: IAT + 10.25 }, code: 'TOKEN_EXPIRED' },
    { id: 'O18', name: 'iat true', claims: { iat: true } },
  ]),
  ...refuse('lifetime', 'RFC 8725 3.10', [
    { id: 'O19', name: 'a life over the maximum by a fraction', claims: { exp: IAT + 3600.25 } },
    { id: 'O19', name: 'a life over the maximum', claims: { exp: IAT + 3601 } },
    { id: 'O19', name: 'exp before iat', claims: { iat: IAT + 5, exp: IAT + 5 } },
  ]),
  ...refuse('age', 'OIDC Core 3.1.3.7', [
    {
      id: 'O20',
      name: 'a token older than allowed',
      claims: { iat: IAT - 610, exp: IAT + 300 },
      code: 'TOKEN_EXPIRED',
    },
  ]),
  {
    id: 'O20',
    name: 'a token just young enough',
    source: 'OIDC Core 3.1.3.7',
    claims: { iat: IAT - 609, exp: IAT + 300 },
  },
  ...refuse('token-id', 'RFC 7519 4.1.7', [
    { id: 'O21', name: 'an empty jti', claims: { jti: '' } },
    { id: 'O21', name: 'a jti that is a number', claims: { jti: 7 } },
    { id: 'O21', name: 'a jti of 257 bytes', claims: { jti: 'x'.repeat(257) } },
    { id: 'O21', name: 'a jti with half a character', claims: { jti: 'x\ud800' } },
  ]),
  ...refuse('confirmation', 'RFC 7800 3.1', [
    ...[
      { jkt: 'abc' },
      { jwk: { kty: 'EC' } },
      { kid: 'k' },
      {},
      null,
      'x5t#S256',
      { 'x5t#S256': 'short' },
      { 'x5t#S256': `${'A'.repeat(42)}B` },
      { 'x5t#S256': 'A'.repeat(43), jkt: 'abc' },
    ].map((cnf) => ({ id: 'O22', name: `cnf ${text(cnf)}`, claims: { cnf } })),
  ]),
  ...refuse('json', 'RFC 7519 4', [
    { id: 'O23', name: 'two aud', payload: payload(',"aud":"https://evil.example"') },
    { id: 'O23', name: 'two sub, one spelled by escapes', payload: payload(',"\\u0073ub":"admin"') },
    { id: 'O23', name: 'what is no object', payload: '[]' },
  ]),
  ...refuse('size', 'RFC 8725 3.2', [{ id: 'O24', name: 'a token over 8 KiB', claims: { pad: 'x'.repeat(8_192) } }]),
  ...refuse('subject', 'project', [
    { id: 'O25', name: 'a claim of the subject missing', claims: { tenant: undefined } },
    { id: 'O25', name: 'an empty one', claims: { tenant: '' } },
    { id: 'O25', name: 'one that is a number', claims: { tenant: 1 } },
    { id: 'O25', name: 'one that is a list', claims: { tenant: ['t1'] } },
    { id: 'O25', name: 'one of 513 bytes', claims: { tenant: 'x'.repeat(513) } },
    { id: 'O25', name: 'half a character', payload: payload('').replace('"t1"', '"\\ud800"') },
    { id: 'O25', name: 'one that every object inherits', settings: { subject: ['toString'] } },
  ]),
  {
    id: 'O26',
    name: 'separators in a claim',
    source: 'project',
    claims: { tenant: 't1;sub=admin' },
    subject: 'oidc:corp:tenant=t1%3Bsub%3Dadmin;sub=job%207',
  },
  {
    id: 'O26',
    name: 'a percent sign and a star',
    source: 'project',
    claims: { tenant: '%3B*' },
    subject: 'oidc:corp:tenant=%253B%2A;sub=job%207',
  },
  {
    id: 'O26',
    name: 'a SPIFFE ID as sub',
    source: 'project',
    claims: { sub: 'spiffe://a.test/x' },
    subject: 'oidc:corp:tenant=t1;sub=spiffe://a.test/x',
  },
  {
    id: 'O26',
    name: 'a claim out of an object',
    source: 'RFC 6901',
    settings: { subject: ['/a~1b/c'] },
    claims: { 'a/b': { c: 'd' } },
    subject: 'oidc:corp:/a~1b/c=d',
  },
  ...refuse('condition', 'project', [
    { id: 'O27', name: 'a claim that is not as demanded', settings: { conditions: { tenant: ['t2', 't3'] } } },
    { id: 'O27', name: 'a prefix of what is demanded', settings: { conditions: { tenant: ['t11'] } } },
    { id: 'O27', name: 'a missing claim', settings: { conditions: { region: ['eu'] } } },
    {
      id: 'O27',
      name: 'true where "true" is demanded',
      settings: { conditions: { ok: ['true'] } },
      claims: { ok: true },
    },
    {
      id: 'O27',
      name: 'a list that holds what is demanded',
      settings: { conditions: { groups: ['a'] } },
      claims: { groups: ['a'] },
    },
    {
      id: 'O27',
      name: 'one of two conditions',
      settings: { conditions: { tenant: ['t1'], region: ['eu'] } },
      claims: { region: 'us' },
    },
  ]),
  {
    id: 'O28',
    name: 'all conditions',
    source: 'project',
    settings: { conditions: { tenant: ['t1'], ok: [true], n: [3] } },
    claims: { ok: true, n: 3 },
  },

  ...(['github', 'gitlab', 'kubernetes', 'entra', 'aws'] as const).map(
    (kind): OidcVector => ({ id: 'P1', name: `a good token of ${kind}`, source: `${kind} documentation`, kind }),
  ),
  ...['pull_request', 'pull_request_target', 'pull_request_review'].map(
    (event): OidcVector => ({
      id: 'P2',
      name: `the GitHub event ${event}`,
      source: 'GitHub security hardening with OIDC',
      kind: 'github',
      claims: { event_name: event },
      check: 'event_name',
    }),
  ),
  {
    id: 'P2',
    name: 'a GitHub event that a condition allows',
    source: 'project',
    kind: 'github',
    settings: { conditions: { event_name: ['pull_request'] } },
    claims: { event_name: 'pull_request' },
  },
  {
    id: 'P2',
    name: 'a GitHub token without event_name',
    source: 'GitHub OIDC reference',
    kind: 'github',
    claims: { event_name: undefined },
    check: 'event_name',
  },
  {
    id: 'P3',
    name: 'a GitHub token without repository_id',
    source: 'GitHub OIDC reference',
    kind: 'github',
    claims: { repository_id: undefined },
    check: 'repository_id',
  },
  {
    id: 'P3',
    name: 'a GitHub repository_id with more in it',
    source: 'GitHub OIDC reference',
    kind: 'github',
    claims: { repository_id: '815 ' },
    check: 'repository_id',
  },
  {
    id: 'P4',
    name: 'a GitHub repository that took over a name, with an id of its own',
    source: 'GitHub immutable subjects',
    kind: 'github',
    claims: { repository_id: '816' },
    subject: 'oidc:github:repository_owner_id=4711;repository_id=816;ref=refs/heads/main',
  },
  {
    id: 'P4',
    name: 'a GitHub owner that took over a name',
    source: 'GitHub immutable subjects',
    kind: 'github',
    claims: { repository_owner_id: '4712' },
    check: 'condition',
  },
  {
    id: 'P5',
    name: 'a GitLab ref that is not protected',
    source: 'GitLab ID token claims',
    kind: 'gitlab',
    claims: { ref_protected: 'false' },
    check: 'ref_protected',
  },
  {
    id: 'P5',
    name: 'a GitLab ref_protected that is no text',
    source: 'GitLab ID token claims',
    kind: 'gitlab',
    claims: { ref_protected: true },
    check: 'ref_protected',
  },
  {
    id: 'P5',
    name: 'an unprotected GitLab ref that a condition allows',
    source: 'project',
    kind: 'gitlab',
    claims: { ref_protected: 'false' },
    settings: { conditions: { ref_protected: ['true', 'false'] } },
  },
  ...['merge_request_event', 'external_pull_request_event'].map(
    (source): OidcVector => ({
      id: 'P6',
      name: `the GitLab pipeline of ${source}`,
      source: 'GitLab ID token claims',
      kind: 'gitlab',
      claims: { pipeline_source: source },
      check: 'pipeline_source',
    }),
  ),
  {
    id: 'P6',
    name: 'a GitLab child pipeline of an unprotected ref, whose parent may be that of a merge request',
    source: 'GitLab parent-child pipelines',
    kind: 'gitlab',
    claims: { pipeline_source: 'parent_pipeline', ref_protected: 'false' },
    settings: { conditions: { ref_protected: ['true', 'false'] } },
    check: 'pipeline_source',
  },
  {
    id: 'P6',
    name: 'a GitLab child pipeline of a protected ref',
    source: 'GitLab parent-child pipelines',
    kind: 'gitlab',
    claims: { pipeline_source: 'parent_pipeline' },
  },
  {
    id: 'P6',
    name: 'a GitLab token without pipeline_source',
    source: 'GitLab ID token claims',
    kind: 'gitlab',
    claims: { pipeline_source: undefined },
    check: 'pipeline_source',
  },
  {
    id: 'P7',
    name: 'a Kubernetes token whose sub is another account',
    source: 'Kubernetes service accounts',
    kind: 'kubernetes',
    claims: { sub: 'system:serviceaccount:kube-system:admin' },
    check: 'service-account',
  },
  {
    id: 'P7',
    name: 'a Kubernetes token without uid',
    source: 'Kubernetes service accounts',
    kind: 'kubernetes',
    claims: { 'kubernetes.io': { namespace: 'data', serviceaccount: { name: 'reporter' } } },
    check: 'service-account',
  },
  {
    id: 'P8',
    name: 'a Kubernetes token out of a Secret',
    source: 'Kubernetes legacy tokens',
    kind: 'kubernetes',
    claims: { 'kubernetes.io/serviceaccount/namespace': 'data' },
    check: 'legacy-token',
  },
  {
    id: 'P8',
    name: 'a Kubernetes token extended to a year',
    source: 'KEP-1205',
    kind: 'kubernetes',
    claims: { 'kubernetes.io': { ...(KINDS.kubernetes.claims['kubernetes.io'] as object), warnafter: IAT + 3607 } },
    check: 'warnafter',
  },
  {
    id: 'P8',
    name: 'a Kubernetes token that lives a year',
    source: 'KEP-1205',
    kind: 'kubernetes',
    claims: { exp: IAT + 31_536_000 },
    check: 'lifetime',
  },
  {
    id: 'P9',
    name: 'a Kubernetes pod as subject',
    source: 'Kubernetes service accounts',
    kind: 'kubernetes',
    settings: { subject: ['serviceaccount_uid', 'pod_uid'] },
    subject:
      'oidc:cluster:serviceaccount_uid=c0ffee00-1111-4222-8333-444455556666;pod_uid=deadbeef-1111-4222-8333-444455556666',
  },
  {
    id: 'P9',
    name: 'a Kubernetes token without pod where the pod is the subject',
    source: 'Kubernetes service accounts',
    kind: 'kubernetes',
    settings: { subject: ['serviceaccount_uid', 'pod_uid'] },
    claims: {
      'kubernetes.io': {
        namespace: 'data',
        serviceaccount: { name: 'reporter', uid: 'c0ffee00-1111-4222-8333-444455556666' },
      },
    },
    check: 'subject',
  },
  {
    id: 'P10',
    name: 'an Entra token of another tenant',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { tid: OBJECT },
    check: 'tid',
  },
  {
    id: 'P10',
    name: 'an Entra token of the other version',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { ver: '1.0' },
    check: 'tid',
  },
  {
    id: 'P11',
    name: 'an Entra token of a user',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { idtyp: 'user' },
    check: 'idtyp',
  },
  {
    id: 'P11',
    name: 'an Entra token without idtyp',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { idtyp: undefined },
    check: 'idtyp',
  },
  {
    id: 'P11',
    name: 'an Entra token with scopes',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { scp: 'x' },
    check: 'idtyp',
  },
  {
    id: 'P12',
    name: 'an Entra client that used a secret',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { azpacr: '1' },
    check: 'azpacr',
  },
  {
    id: 'P12',
    name: 'another Entra client',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { azp: OBJECT },
    check: 'authorized-party',
  },
  {
    id: 'P12',
    name: 'a second Entra client in appid',
    source: 'Entra access token claims',
    kind: 'entra',
    claims: { appid: OBJECT },
    check: 'authorized-party',
  },
  {
    id: 'P13',
    name: 'an Entra v1 token',
    source: 'Entra access token claims',
    kind: 'entra',
    settings: { issuer: `https://sts.windows.net/${TENANT}/` },
    claims: {
      iss: `https://sts.windows.net/${TENANT}/`,
      ver: '1.0',
      azp: undefined,
      azpacr: undefined,
      appid: CLIENT,
      appidacr: '2',
    },
  },
  {
    id: 'P14',
    name: 'an AWS token whose account is not that of its sub',
    source: 'AWS outbound federation claims',
    kind: 'aws',
    claims: { [STS]: { aws_account: '444455556666' } },
    check: 'aws_account',
  },
  {
    id: 'P14',
    name: 'an AWS token whose sub is no ARN',
    source: 'AWS outbound federation claims',
    kind: 'aws',
    claims: { sub: 'report-writer' },
    check: 'aws_account',
  },
  {
    id: 'P14',
    name: 'an AWS token without account',
    source: 'AWS outbound federation claims',
    kind: 'aws',
    claims: { [STS]: undefined },
    check: 'aws_account',
  },
  {
    id: 'P15',
    name: 'AWS request tags that look like claims',
    source: 'AWS outbound federation claims',
    kind: 'aws',
    claims: { aws_account: '444455556666' },
  },
  {
    id: 'P16',
    name: 'an ES384 token of AWS',
    source: 'AWS outbound federation',
    kind: 'aws',
    header: { alg: 'ES384', kid: 'ec' },
  },
  {
    id: 'P16',
    name: 'a key of another kind than alg',
    source: 'RFC 8725 3.1',
    kind: 'aws',
    header: { alg: 'ES384', kid: 'rsa' },
    check: 'algorithm-key',
  },
  ...refuse('type', 'WIT-SVID 7.1', [
    { id: 'T1', name: 'a WIT-SVID', header: { typ: 'wit+jwt' }, claims: WIT },
    { id: 'T2', name: 'a WIT-SVID without cnf', header: { typ: 'wit+jwt' }, claims: { ...WIT, cnf: undefined } },
    { id: 'T2', name: 'a WIT-SVID without kid', header: { typ: 'wit+jwt', kid: undefined }, claims: WIT },
    { id: 'T2', name: 'a WIT-SVID without exp', header: { typ: 'wit+jwt' }, claims: { ...WIT, exp: undefined } },
    { id: 'T2', name: 'a WIT-SVID without sub', header: { typ: 'wit+jwt' }, claims: { ...WIT, sub: undefined } },
  ]),
  ...refuse('audience', 'WIT-SVID 3', [
    { id: 'T1', name: 'a WIT-SVID without its typ', header: { typ: undefined }, claims: WIT },
  ]),
  ...refuse('confirmation', 'WIT-SVID 3; RFC 7800 3.1', [
    {
      id: 'T1',
      name: 'a WIT-SVID without its typ and for our audience',
      header: { typ: undefined },
      claims: { ...WIT, aud: AUDIENCE },
    },
  ]),
]

/** Settings that must not be taken; `path` is where the problem shows. */
export const BAD_SETTINGS: readonly {
  name: string
  source: string
  kind?: Kind
  settings: Partial<IssuerSettings>
  path: string
}[] = [
  ...[
    'http://login.corp.example/',
    'https://u:p@login.corp.example/',
    'https://login.corp.example/?a=1',
    'https://10.0.0.1/',
    'https://169.254.169.254/',
    'https://0x7f000001/',
    'login.corp.example',
  ].map((issuer) => ({
    name: `the issuer ${issuer}`,
    source: 'OIDC Discovery 3',
    settings: { issuer },
    path: 'issuer',
  })),
  ...['', 'Upper', 'a:b', 'a;b', '-a', 'a'.repeat(33)].map((alias) => ({
    name: `the alias ${text(alias)}`,
    source: 'project',
    settings: { alias },
    path: 'alias',
  })),
  ...[
    '',
    ' ',
    'a b',
    'https://login.corp.example',
    'login.corp.example',
    'https://login.corp.example/x',
    'sts.amazonaws.com',
    'api://AzureADTokenExchange',
    'sigstore',
    '//iam.googleapis.com/projects/1',
  ].map((audience) => ({
    name: `the audience ${text(audience)}`,
    source: 'RFC 8725 3.9',
    settings: { audience },
    path: 'audience',
  })),
  ...['https://github.com/example-org', 'github.com/example-org'].map((audience) => ({
    name: `GitHub's default audience ${audience}`,
    source: 'GitHub OIDC reference',
    kind: 'github' as const,
    settings: { audience },
    path: 'audience',
  })),
  ...['https://gitlab.example.com', 'gitlab.example.com'].map((audience) => ({
    name: `GitLab's default audience ${audience}`,
    source: 'GitLab ID tokens',
    kind: 'gitlab' as const,
    settings: { audience },
    path: 'audience',
  })),
  ...[
    'https://kubernetes.default.svc',
    'https://kubernetes.default.svc.cluster.local',
    'kubernetes',
    'api',
    'https://oidc.eks.eu-central-1.amazonaws.com/id/0123456789ABCDEF',
  ].map((audience) => ({
    name: `the API server's audience ${audience}`,
    source: 'Kubernetes service accounts',
    kind: 'kubernetes' as const,
    settings: { audience },
    path: 'audience',
  })),
  ...[['HS256'], ['none'], ['RS256', 'EdDSA'], []].map((algorithms) => ({
    name: `the algorithms ${text(algorithms)}`,
    source: 'RFC 8725 3.1',
    settings: { algorithms },
    path: 'algorithms',
  })),
  { name: 'a leeway over 30 s', source: 'project', settings: { leeway: 30_001 }, path: 'leeway' },
  { name: 'no subject where no preset has one', source: 'project', settings: { subject: undefined }, path: 'subject' },
  { name: 'an empty subject', source: 'project', settings: { subject: [] }, path: 'subject' },
  { name: 'a claim twice', source: 'project', settings: { subject: ['sub', '/sub'] }, path: 'subject' },
  { name: 'a broken pointer', source: 'RFC 6901', settings: { subject: ['/a~2b'] }, path: 'subject' },
  {
    name: 'a host of keys that is a URL',
    source: 'project',
    settings: { jwksHost: 'https://keys.example' },
    path: 'jwksHost',
  },
  {
    name: 'a condition without values',
    source: 'project',
    settings: { conditions: { tenant: [] } },
    path: 'conditions.tenant',
  },
  ...['sub', 'repository', 'repository_owner', 'actor', '/sub'].map((name) => ({
    name: `the recyclable ${name} of GitHub as subject`,
    source: 'GitHub immutable subjects',
    kind: 'github' as const,
    settings: { subject: ['repository_id', name] },
    path: 'subject',
  })),
  {
    name: 'the recyclable sub of GitHub as condition',
    source: 'GitHub immutable subjects',
    kind: 'github',
    settings: { conditions: { sub: ['repo:a/b:ref:refs/heads/main'] } },
    path: 'conditions.sub',
  },
  {
    name: 'a GitHub subject that begins with what anybody can choose',
    source: 'project',
    kind: 'github',
    settings: { subject: ['ref', 'repository_id'] },
    path: 'subject',
  },
  {
    name: 'a boolean for the texts of GitLab',
    source: 'GitLab ID token claims',
    kind: 'gitlab',
    settings: { conditions: { ref_protected: [true] } },
    path: 'conditions.ref_protected',
  },
  {
    name: 'a Kubernetes subject of names alone',
    source: 'Kubernetes service accounts',
    kind: 'kubernetes',
    settings: { subject: ['namespace', 'serviceaccount'] },
    path: 'subject',
  },
  ...['common', 'organizations', 'consumers', 'contoso.example'].map((tenant) => ({
    name: `the Entra issuer of ${tenant}`,
    source: 'Entra token validation',
    kind: 'entra' as const,
    settings: { issuer: `https://login.microsoftonline.com/${tenant}/v2.0` },
    path: 'issuer',
  })),
  ...['xms_act_fct', 'xms_sub_fct', 'xms_par_app_azp', 'sub'].map((name) => ({
    name: `the ${name} of Entra as condition`,
    source: 'Entra Agent ID claims',
    kind: 'entra' as const,
    settings: { conditions: { [name]: ['11'] } },
    path: `conditions.${name}`,
  })),
  {
    name: 'AWS request tags as condition',
    source: 'AWS outbound federation claims',
    kind: 'aws',
    settings: { conditions: { '/https:~1~1sts.amazonaws.com~1/request_tags/team': ['data'] } },
    path: 'conditions./https:~1~1sts.amazonaws.com~1/request_tags/team',
  },
  {
    name: 'an AWS issuer that is not of one account',
    source: 'AWS outbound federation',
    kind: 'aws',
    settings: { issuer: 'https://sts.amazonaws.com' },
    path: 'issuer',
  },
]

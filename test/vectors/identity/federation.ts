/** Federation settings of a trust domain, as the config file has them. SPIFFE Federation, sections 5.1 and 5.2. */
export const SETTINGS: readonly {
  readonly id: string
  readonly name: string
  readonly settings: object
  readonly refused: boolean
}[] = [
  { id: 'F1', name: 'https_web', settings: { profile: 'https_web', url: 'https://b.test/bundle' }, refused: false },
  { id: 'F1', name: 'http', settings: { profile: 'https_web', url: 'http://b.test/bundle' }, refused: true },
  { id: 'F1', name: 'userinfo', settings: { profile: 'https_web', url: 'https://u:p@b.test/' }, refused: true },
  { id: 'F1', name: 'no URL', settings: { profile: 'https_web' }, refused: true },
  { id: 'F1', name: 'an unknown profile', settings: { profile: 'https_any', url: 'https://b.test/' }, refused: true },
  { id: 'F1', name: 'no profile', settings: { url: 'https://b.test/' }, refused: true },
  { id: 'F1', name: 'a loopback URL', settings: { profile: 'https_web', url: 'https://127.0.0.1/' }, refused: true },
  {
    id: 'F1',
    name: 'a loopback URL that is allow-listed',
    settings: { profile: 'https_web', url: 'https://127.0.0.1/', allowPrivate: ['127.0.0.1'] },
    refused: false,
  },
  {
    id: 'F2',
    name: 'https_spiffe',
    settings: {
      profile: 'https_spiffe',
      url: 'https://b.test/',
      endpointSpiffeId: 'spiffe://b.test/spire/server',
      bundleFile: 'b.json',
    },
    refused: false,
  },
  {
    id: 'F2',
    name: 'https_spiffe without endpoint ID',
    settings: { profile: 'https_spiffe', url: 'https://b.test/', bundleFile: 'b.json' },
    refused: true,
  },
  {
    id: 'F2',
    name: 'https_spiffe with a malformed endpoint ID',
    settings: { profile: 'https_spiffe', url: 'https://b.test/', endpointSpiffeId: 'b.test/x', bundleFile: 'b.json' },
    refused: true,
  },
  {
    id: 'F2',
    name: 'https_spiffe with the trust domain for endpoint ID',
    settings: { profile: 'https_spiffe', url: 'https://b.test/', endpointSpiffeId: 'spiffe://b.test', bundleFile: 'b' },
    refused: true,
  },
  {
    id: 'F2',
    name: 'https_spiffe that serves itself, without a first bundle',
    settings: { profile: 'https_spiffe', url: 'https://b.test/', endpointSpiffeId: 'spiffe://b.test/spire/server' },
    refused: true,
  },
]

/** Answers of an endpoint that leave the last bundle in use until it is too old. SPIFFE Federation, section 6.2. */
export const FAILURES: readonly {
  readonly id: string
  readonly name: string
  readonly path: string
  readonly check: string
}[] = [
  { id: 'F6', name: 'status 500', path: '/500', check: 'status' },
  { id: 'F6', name: 'status 204', path: '/204', check: 'status' },
  { id: 'F6', name: 'a body of 2 MiB', path: '/large', check: 'size' },
  { id: 'F6', name: 'a redirect', path: '/away', check: 'redirect' },
  { id: 'F6', name: 'a body that is cut off', path: '/cut', check: 'connection' },
  { id: 'F6', name: 'text that is no bundle', path: '/text', check: 'json' },
  { id: 'F6', name: 'a bundle without keys', path: '/keyless', check: 'keys' },
  { id: 'B16', name: 'an older bundle', path: '/older', check: 'rollback' },
  { id: 'B16', name: 'a bundle whose sequence is gone', path: '/unnumbered', check: 'rollback' },
]

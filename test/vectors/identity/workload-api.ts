/** Addresses of a Workload API. `target`: as grpc-js wants it; absent: refused. */
export const ENDPOINTS: readonly { readonly id: string; readonly address: string; readonly target?: string }[] = [
  // SPIFFE Workload Endpoint, section 4
  { id: 'W1', address: 'unix:///a.sock', target: 'unix:///a.sock' },
  { id: 'W1', address: 'unix:/a.sock', target: 'unix:///a.sock' },
  { id: 'W1', address: 'unix:///run/spire/agent.sock', target: 'unix:///run/spire/agent.sock' },
  { id: 'W1', address: 'tcp://127.0.0.1:8000', target: 'ipv4:127.0.0.1:8000' },
  { id: 'W1', address: 'tcp://[::1]:8000', target: 'ipv6:[::1]:8000' },
  { id: 'W2', address: 'unix://foo/a' },
  { id: 'W2', address: 'unix://foo' },
  { id: 'W2', address: 'unix:opaque' },
  { id: 'W2', address: 'unix:' },
  { id: 'W2', address: 'unix:///' },
  { id: 'W2', address: 'unix:////a' },
  { id: 'W2', address: 'unix:///a/' },
  { id: 'W2', address: 'unix:///a.sock?q' },
  { id: 'W2', address: 'unix:///a.sock#f' },
  { id: 'W2', address: 'unix:///a%2fb' },
  { id: 'W2', address: 'unix:///a\nb' },
  { id: 'W2', address: `unix:///${'a'.repeat(107)}` },
  { id: 'W3', address: 'tcp://localhost:1' },
  { id: 'W3', address: 'tcp://1.2.3.4' },
  { id: 'W3', address: 'tcp://1.2.3.4:5/p' },
  { id: 'W3', address: 'tcp://1.2.3.4:5/' },
  { id: 'W3', address: 'tcp://u:p@1.2.3.4:5' },
  { id: 'W3', address: 'tcp://1.2.3.4:5?q' },
  { id: 'W3', address: 'tcp://1.2.3.4:0' },
  { id: 'W3', address: 'tcp://1.2.3.4:65536' },
  { id: 'W3', address: 'tcp://0x7f.1:5' },
  { id: 'W3', address: 'tcp://::1:5' },
  { id: 'W3', address: 'http://127.0.0.1:8000' },
  { id: 'W3', address: '127.0.0.1:8000' },
  { id: 'W3', address: '/a.sock' },
  { id: 'W3', address: '' },
]

/** What the metadata `workload.spiffe.io` of a call may be. SPIFFE Workload Endpoint, section 3. */
export const SECURITY_HEADERS: readonly { readonly id: string; readonly value?: string; readonly refused: boolean }[] =
  [
    { id: 'W4', value: 'true', refused: false },
    { id: 'W4', value: 'True', refused: true },
    { id: 'W4', value: '1', refused: true },
    { id: 'W4', refused: true },
  ]

/** What the client does when a stream ends. SPIFFE Workload API, section 4.2; Workload Endpoint, appendix A. */
export const STREAM_ENDS: readonly {
  readonly id: string
  /** The gRPC code by name. */
  readonly end: 'OK' | 'UNAVAILABLE' | 'PERMISSION_DENIED' | 'INVALID_ARGUMENT' | 'UNIMPLEMENTED' | 'INTERNAL'
  readonly reaction: 'reconnects at once' | 'reconnects after a wait' | 'stops'
  /** Whether the SVID and the bundles of before are used on. */
  readonly keeps: boolean
}[] = [
  { id: 'W9', end: 'OK', reaction: 'reconnects at once', keeps: true },
  { id: 'W9', end: 'UNAVAILABLE', reaction: 'reconnects after a wait', keeps: true },
  { id: 'W9', end: 'INTERNAL', reaction: 'reconnects after a wait', keeps: true },
  { id: 'W9', end: 'PERMISSION_DENIED', reaction: 'reconnects after a wait', keeps: false },
  { id: 'W9', end: 'INVALID_ARGUMENT', reaction: 'stops', keeps: true },
  { id: 'W9', end: 'UNIMPLEMENTED', reaction: 'stops', keeps: true },
]

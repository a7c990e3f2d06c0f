import { setTimeout as sleep } from 'node:timers/promises'
import { type BenchRun, grantLoad, startBenchBroker } from '../bench-run.ts'
import type { Mark } from '../load.ts'
import { CLIENT_CORE, PinnedProcess, SERVER_CORE, type Usage } from '../pinned-process.ts'
import type { AttackDone, AttackOrder } from '../roles/attacker.ts'
import type { IdentityRound } from '../roles/identity.ts'
import { median } from '../statistics.ts'

const WORK = {
  full: { rounds: 9, handshakes: 400, pieces: 1_000, calls: 200_000 },
  quick: { rounds: 5, handshakes: 300, pieces: 500, calls: 100_000 },
  smoke: { rounds: 1, handshakes: 20, pieces: 20, calls: 1_000 },
} as const
const WARM_WINDOWS = 3
const SILENT = 1_000
const GOOD_PER_SECOND = 200

/** CPU time of one of each on the broker's side, medians of several rounds, and the shares that have targets. */
export interface Identity extends IdentityRound {
  readonly handshakeUs: number
  /** The dearer of a leaf under the root and a leaf under an intermediate, beside a handshake of the same round. */
  readonly x509OverHandshake: number
  readonly jwtOverCrypto: number
  readonly joseOverCrypto: number
  readonly webCryptoOverCrypto: number
  /** Absent in the smoke run, which is too short for it. */
  readonly attack?: Attacked
}

/** A good client beside an attack and without one: the median of the windows of the one, the best of the other. */
export interface Attacked extends AttackDone {
  readonly quietP99Ms: number
  readonly attackP99Ms: number
  readonly ratio: number
  readonly windows: readonly AttackWindow[]
}

type AttackWindow = AttackDone & { readonly quietP99Ms: number; readonly attackP99Ms: number }

type Round = IdentityRound & { readonly handshakeUs: number }

/** What it costs to know who calls, and what an attack on the port costs a good client. */
export async function measureIdentity(run: BenchRun): Promise<Identity> {
  const rounds = await measureRounds(run)
  const middle = (of: (round: Round) => number) => median(rounds.map(of))
  return {
    handshakeUs: middle((round) => round.handshakeUs),
    leafUs: middle((round) => round.leafUs),
    chainUs: middle((round) => round.chainUs),
    callUs: middle((round) => round.callUs),
    jwtUs: middle((round) => round.jwtUs),
    joseUs: middle((round) => round.joseUs),
    webCryptoUs: middle((round) => round.webCryptoUs),
    cryptoUs: middle((round) => round.cryptoUs),
    x509OverHandshake: middle(({ leafUs, chainUs, handshakeUs }) => Math.max(leafUs, chainUs) / handshakeUs),
    jwtOverCrypto: middle(({ jwtUs, cryptoUs }) => jwtUs / cryptoUs),
    joseOverCrypto: middle(({ joseUs, cryptoUs }) => joseUs / cryptoUs),
    webCryptoOverCrypto: middle(({ webCryptoUs, cryptoUs }) => webCryptoUs / cryptoUs),
    ...(run.scale.name === 'smoke' ? {} : { attack: await measureAttack(run) }),
  }
}

async function measureRounds({ scale, say }: BenchRun): Promise<Round[]> {
  const { rounds, handshakes, pieces, calls } = WORK[scale.name]
  say(`identity: ${rounds} rounds of ${handshakes} handshakes and ${pieces} certificates and tokens`)
  const server = new PinnedProcess({ role: 'identity', core: SERVER_CORE })
  const peers = new PinnedProcess({ role: 'handshakes', core: CLIENT_CORE })
  const peer = await server.call<object>('listen')
  const found: Round[] = []
  // The first round is to warm up.
  for (let n = 0; n <= rounds; n += 1) {
    const before = await server.call<Usage>('usage')
    await peers.call('shake', { ...peer, count: handshakes })
    const after = await server.call<Usage>('usage')
    const handshakeUs = ((after.cpuMs - before.cpuMs) * 1_000) / handshakes
    const round = await server.call<IdentityRound>('round', { pieces, calls })
    if (n > 0) found.push({ ...round, handshakeUs })
  }
  await Promise.all([server.end(), peers.end()])
  return found
}

/** Quiet and attacked by turns, so that a neighbour on the machine meets both. */
async function measureAttack(run: BenchRun): Promise<Attacked> {
  const { scale, stage, client, say } = run
  say(`a good client beside ${SILENT} silent connections, half requests, rapid reset and PING floods`)
  await run.sts.call('setLatency', { ms: 0 })
  const broker = await startBenchBroker(run, 'attack')
  const attacker = new PinnedProcess({ role: 'attacker', core: CLIENT_CORE })
  const [agent, ...good] = stage.agents
  if (!agent) throw new Error('the stage has no agent')
  const order: AttackOrder = { address: broker.address, agent, silent: SILENT }
  const load = { ...grantLoad(run, broker.address), agents: good, arrival: { perSecond: GOOD_PER_SECOND } }
  await client.call('begin', load)
  // Cold code would make the first quiet window the slowest.
  for (let n = 0; n < WARM_WINDOWS; n += 1) await nextMark(run)
  const pairs: AttackWindow[] = []
  for (let n = 0; n < scale.windows; n += 1) {
    await client.call('mark')
    const quiet = await nextMark(run)
    await attacker.call('attack', order)
    const attacked = await nextMark(run)
    const done = await attacker.call<AttackDone>('end')
    await nextMark(run)
    pairs.push({ ...done, quietP99Ms: quiet.p99Ms, attackP99Ms: attacked.p99Ms })
  }
  await client.call('end')
  await Promise.all([attacker.end(), broker.process.end()])
  // The best of the quiet windows: one that a neighbour has spoilt must not make the attack look harmless.
  const quietP99Ms = Math.min(...pairs.map((pair) => pair.quietP99Ms))
  const attackP99Ms = median(pairs.map((pair) => pair.attackP99Ms))
  return {
    connections: median(pairs.map((pair) => pair.connections)),
    bursts: median(pairs.map((pair) => pair.bursts)),
    quietP99Ms,
    attackP99Ms,
    ratio: attackP99Ms / quietP99Ms,
    windows: pairs,
  }
}

/** @throws {Error} when a call of the good client failed: that is worse than late. */
async function nextMark({ client, scale }: BenchRun): Promise<Mark> {
  await sleep(scale.windowMs)
  const mark = await client.call<Mark>('mark')
  if (mark.failed > 0) throw new Error(`${mark.failed} calls failed, e.g. ${mark.problem}`)
  return mark
}

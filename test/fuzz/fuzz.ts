import fc from 'fast-check'
import { StintError } from '../../src/core/errors.ts'

/** Seconds that each property runs; `STINT_FUZZ_SECONDS=600` for a long search. */
const SECONDS = Number(process.env.STINT_FUZZ_SECONDS ?? 2)
/** The same inputs in every CI run; `STINT_FUZZ_SEED=random` for others. A failure prints the seed it needs. */
const SEED =
  process.env.STINT_FUZZ_SEED === 'random' ? Date.now() % 2 ** 31 : Number(process.env.STINT_FUZZ_SEED ?? 20261121)

/** Runs a property until its time is over; at least once. @throws what fast-check throws, with seed and smallest input */
export async function fuzz<T>(
  name: string,
  input: fc.Arbitrary<T>,
  holds: (value: T) => Promise<void> | void,
): Promise<void> {
  let runs = 0
  const property = fc.asyncProperty(input, async (value) => {
    runs += 1
    await holds(value)
  })
  await fc.assert(property, {
    seed: SEED,
    numRuns: Number.MAX_SAFE_INTEGER,
    interruptAfterTimeLimit: SECONDS * 1_000,
    markInterruptAsFailure: false,
  })
  console.info(`${name}: ${runs} inputs, seed ${SEED}`)
}

/** How long a test of one property may take. */
export const FUZZ_TIMEOUT_MS = SECONDS * 1_000 + 60_000

/** Good bytes, damaged: bytes changed, taken out, put in, doubled, or the end cut off. */
export function mutated(good: Uint8Array): fc.Arbitrary<Uint8Array> {
  const at = fc.nat(Math.max(0, good.length - 1))
  const mutation = fc.oneof(
    fc.tuple(at, fc.integer({ min: 1, max: 255 })).map(
      ([n, x]) =>
        (b: number[]) =>
          b.with(n % b.length, (b[n % b.length] ?? 0) ^ x),
    ),
    fc.tuple(at, fc.nat(40)).map(
      ([n, count]) =>
        (b: number[]) =>
          b.toSpliced(n, count),
    ),
    fc.tuple(at, fc.uint8Array({ maxLength: 40 })).map(
      ([n, more]) =>
        (b: number[]) =>
          b.toSpliced(n, 0, ...more),
    ),
    fc.tuple(at, fc.nat(200)).map(
      ([n, count]) =>
        (b: number[]) =>
          b.toSpliced(n, 0, ...b.slice(n, n + count)),
    ),
    at.map((n) => (b: number[]) => b.slice(0, n)),
  )
  return fc
    .array(mutation, { minLength: 1, maxLength: 4 })
    .map((all) => Uint8Array.from(all.reduce((bytes, mutate) => (bytes.length > 0 ? mutate(bytes) : bytes), [...good])))
}

/** Good text, damaged as `mutated` and by pieces that mean something in its language. */
export function mutatedText(good: string, pieces: readonly string[]): fc.Arbitrary<string> {
  const spliced = fc
    .array(fc.tuple(fc.nat(good.length), fc.nat(12), fc.constantFrom(...pieces)), { minLength: 1, maxLength: 5 })
    .map((all) => all.reduce((text, [at, cut, piece]) => text.slice(0, at) + piece + text.slice(at + cut), good))
  return fc.oneof(
    { weight: 3, arbitrary: spliced },
    { weight: 1, arbitrary: mutated(Buffer.from(good)).map((bytes) => Buffer.from(bytes).toString('utf8')) },
  )
}

/** Whatever comes in: an answer, or a StintError that is not INTERNAL. */
export async function answersOrRefuses<T>(work: () => Promise<T> | T): Promise<T | undefined> {
  try {
    return await work()
  } catch (error) {
    if (!(error instanceof StintError) || error.code === 'INTERNAL') throw error
    return undefined
  }
}

import type { Clock } from '../../core/clock.ts'
import { StintError } from '../../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../../core/files/read-small-file.ts'
import { Reloading } from '../../core/files/reloading.ts'
import { BundleLooks } from './bundle-looks.ts'
import type { BundleReports } from './bundle-problems.ts'
import { bundleInvalid } from './bundle-problems.ts'
import type { BundleSource, BundleStore } from './bundle-store.ts'
import { type ParsedBundle, parsePemBundle, parseSpiffeBundle } from './trust-bundle.ts'

/** Where the bundle of one trust domain lies. */
export interface BundleFile {
  readonly file: string
  /** `spiffe`: a JWKS with X.509 and JWT keys; `pem`: X.509 roots only. */
  readonly format: 'spiffe' | 'pem'
}

/** The files to follow, and the store that they fill. Reports carry the component `bundle:<trust domain>`. */
export interface BundleFilesOptions extends BundleReports {
  readonly store: BundleStore
  /** By trust domain name. */
  readonly domains: { readonly [trustDomain: string]: BundleFile }
  readonly clock: Clock
  /** How often the files are looked at. Default 5000. */
  readonly intervalMs?: number
}

const DEFAULT_INTERVAL_MS = 5_000
const PARSERS = { spiffe: parseSpiffeBundle, pem: parsePemBundle } as const

/**
 * Keeps the store's bundles as files have them. The content decides what has changed, so that Kubernetes' swap of a
 * symbolic link is seen. A file that cannot be used leaves the last good bundle in place; it is reported, and taken as
 * soon as it can be used again.
 */
export class BundleFiles implements BundleSource {
  readonly #bundles: readonly Reloading<ParsedBundle>[]

  constructor({ domains, ...options }: BundleFilesOptions) {
    this.#bundles = Object.entries(domains).map(([trustDomain, file]) => followBundle(trustDomain, file, options))
  }

  /** @throws {StintError} BUNDLE_INVALID when some bundle cannot be used: there is no last good one yet. */
  async start(): Promise<void> {
    try {
      for (const bundle of this.#bundles) await bundle.startWithValue()
    } catch (error) {
      await this.stop()
      throw error
    }
  }

  async stop(): Promise<void> {
    await Promise.all(this.#bundles.map((bundle) => bundle.stop()))
  }

  /** Looks at every file now. Never throws. */
  async check(): Promise<void> {
    for (const bundle of this.#bundles) await bundle.check()
  }
}

function followBundle(
  trustDomain: string,
  { file, format }: BundleFile,
  { store, clock, intervalMs = DEFAULT_INTERVAL_MS, onState, onNotes }: Omit<BundleFilesOptions, 'domains'>,
): Reloading<ParsedBundle> {
  const component = `bundle:${trustDomain}`
  // PEM files never have a JWT key that could come with the next look.
  const looks = format === 'pem' ? undefined : new BundleLooks({ clock })
  if (looks) store.followLooks(trustDomain, (sinceMs) => looks.untilLookedMs(sinceMs))
  return new Reloading({
    load: async () => PARSERS[format](trustDomain, (await read(file)).text),
    fingerprint: async () => (await read(file)).hash,
    clock,
    pollMs: intervalMs,
    ...(looks && {
      onLook: () => {
        looks.nextIn(intervalMs)
        return looks.begin()
      },
    }),
    onLoaded: ({ bundle, notes }) => {
      store.replace(trustDomain, bundle)
      onNotes(component, notes)
    },
    onState: (problem) => onState(component, problem && stillInUse(problem)),
  })
}

function stillInUse(problem: StintError): StintError {
  const { code, details, message } = problem
  const explanation = `${details.explanation ?? message} The previous bundle stays in use.`
  return new StintError(code, { ...details, explanation }, problem)
}

async function read(file: string): Promise<{ text: string; hash: string }> {
  try {
    return await readSmallFile(file)
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw bundleInvalid('file', `The bundle file ${file} ${error.message}.`, error)
  }
}

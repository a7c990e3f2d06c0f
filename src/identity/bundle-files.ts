import type { Clock } from '../core/clock.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { readSmallFile, UnusableFileError } from '../core/files/read-small-file.ts'
import { BundleLooks } from './bundle-looks.ts'
import type { BundleReports } from './bundle-problems.ts'
import { bundleInvalid } from './bundle-problems.ts'
import type { BundleSource, BundleStore } from './bundle-store.ts'
import { Poll } from './polled-files.ts'
import { parsePemBundle, parseSpiffeBundle } from './trust-bundle.ts'

/** Where the bundle of one trust domain lies. */
export interface BundleFile {
  readonly file: string
  /** `spiffe`: a JWKS with X.509 and JWT keys; `pem`: X.509 roots only. */
  readonly format: 'spiffe' | 'pem'
}

/** Which files are followed into which store. Reports carry the component `bundle:<trust domain>`. */
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
  readonly #options: BundleFilesOptions
  /** By trust domain: the hash of the content in use. */
  readonly #loaded = new Map<string, string>()
  /** By trust domain: the text of the problem of now. */
  readonly #problems = new Map<string, string>()
  /** By trust domain; not of PEM files, which never have a JWT key. */
  readonly #looks = new Map<string, BundleLooks>()
  #poll: Poll | undefined

  constructor(options: BundleFilesOptions) {
    this.#options = options
    const { store, domains, clock } = options
    for (const [trustDomain, { format }] of Object.entries(domains)) {
      if (format === 'pem') continue
      const looks = new BundleLooks({ clock })
      this.#looks.set(trustDomain, looks)
      store.followLooks(trustDomain, (sinceMs) => looks.untilLookedMs(sinceMs))
    }
  }

  /** @throws {StintError} BUNDLE_INVALID when some bundle cannot be used: there is no last good one yet. */
  async start(): Promise<void> {
    const { domains, clock, intervalMs = DEFAULT_INTERVAL_MS } = this.#options
    for (const [trustDomain, file] of Object.entries(domains)) await this.#load(trustDomain, file)
    this.#poll ??= new Poll({ clock, intervalMs, check: () => this.check() })
  }

  async stop(): Promise<void> {
    await this.#poll?.stop()
    this.#poll = undefined
  }

  /** Looks at every file now. Never throws. */
  async check(): Promise<void> {
    for (const [trustDomain, file] of Object.entries(this.#options.domains)) {
      try {
        await this.#load(trustDomain, file)
      } catch (error) {
        this.#report(trustDomain, error)
      }
    }
  }

  async #load(trustDomain: string, { file, format }: BundleFile): Promise<void> {
    const { store, onNotes, intervalMs = DEFAULT_INTERVAL_MS } = this.#options
    const looks = this.#looks.get(trustDomain)
    looks?.nextIn(intervalMs)
    const worked = looks?.begin()
    const { text, hash } = await read(file)
    if (this.#loaded.get(trustDomain) !== hash) {
      const { bundle, notes } = PARSERS[format](trustDomain, text)
      store.replace(trustDomain, bundle)
      this.#loaded.set(trustDomain, hash)
      onNotes(componentOf(trustDomain), notes)
    }
    worked?.()
    if (this.#problems.delete(trustDomain)) this.#options.onState(componentOf(trustDomain), undefined)
  }

  #report(trustDomain: string, thrown: unknown): void {
    const { code, details, message } = asStintError(thrown)
    if (this.#problems.get(trustDomain) === message) return
    this.#problems.set(trustDomain, message)
    const explanation = `${details.explanation ?? message} The bundle of before stays in use.`
    this.#options.onState(componentOf(trustDomain), new StintError(code, { ...details, explanation }, thrown))
  }
}

function componentOf(trustDomain: string): string {
  return `bundle:${trustDomain}`
}

async function read(file: string): Promise<{ text: string; hash: string }> {
  try {
    return await readSmallFile(file)
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw bundleInvalid('file', `The bundle file ${file} ${error.message}.`, error)
  }
}

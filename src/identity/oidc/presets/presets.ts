import { AWS_PRESET } from './aws.ts'
import { ENTRA_PRESET } from './entra.ts'
import { GITHUB_PRESET } from './github.ts'
import { GITLAB_PRESET } from './gitlab.ts'
import { KUBERNETES_PRESET } from './kubernetes.ts'
import { HOUR_MS, type IssuerPreset, TEN_MINUTES_MS } from './preset.ts'

/** The kinds of issuers that are known by name. */
export const PRESET_NAMES = ['github', 'gitlab', 'kubernetes', 'entra', 'aws'] as const
/** One of `PRESET_NAMES`. */
export type PresetName = (typeof PRESET_NAMES)[number]

const PRESETS: Readonly<Record<PresetName, IssuerPreset>> = {
  github: GITHUB_PRESET,
  gitlab: GITLAB_PRESET,
  kubernetes: KUBERNETES_PRESET,
  entra: ENTRA_PRESET,
  aws: AWS_PRESET,
}

/** An issuer of which nothing is known: the configuration has to say what names an agent. */
const PLAIN: IssuerPreset = {
  algorithms: ['RS256'],
  maxTokenAgeMs: TEN_MINUTES_MS,
  maxLifetimeMs: HOUR_MS,
  fields: {},
  subject: [],
  pins: [],
  unfit: {},
  presetChecks: [],
}

/** The preset of an issuer of this kind. */
export function findPreset(name: PresetName | undefined): IssuerPreset {
  return name === undefined ? PLAIN : PRESETS[name]
}

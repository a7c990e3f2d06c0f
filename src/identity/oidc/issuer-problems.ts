import { quoted } from '../../core/text/quoted.ts'
import { audienceProblem } from './audience.ts'
import { claimReference } from './claim-path.ts'
import { type KeyPlaceSettings, keyPlaceProblems } from './keys/key-places.ts'
import type { IssuerPreset } from './presets/preset.ts'
import { findPreset, type PresetName } from './presets/presets.ts'
import { isIssuerAlias } from './subject.ts'

/** An issuer as the configuration has it; durations in milliseconds. What is left out comes from the preset. */
export interface IssuerSettings extends KeyPlaceSettings {
  readonly alias: string
  /** https URL; compared with `iss` to the letter, a slash at the end included. */
  readonly issuer: string
  /** Our own identifiers for its tokens: one, or several. */
  readonly audience: string | readonly string[]
  readonly preset?: PresetName | undefined
  readonly algorithms?: readonly string[] | undefined
  readonly maxTokenAge?: number | undefined
  readonly maxLifetime?: number | undefined
  readonly leeway?: number | undefined
  /** How long keys are used without the issuer having answered. */
  readonly maxKeyAge?: number | undefined
  readonly subject?: readonly string[] | undefined
  readonly conditions?: Readonly<Record<string, readonly (string | number | boolean)[]>> | undefined
  readonly authorizedParties?: readonly string[] | undefined
}

/** Something wrong with the settings of an issuer; the message goes on after the path. */
export interface IssuerProblem {
  readonly path: readonly string[]
  readonly message: string
}

/** The JWS algorithms that an issuer may sign by: asymmetric, and none that a key of another kind could be mistaken for. */
export const OIDC_ALGORITHMS = [
  'RS256',
  'RS384',
  'RS512',
  'ES256',
  'ES384',
  'ES512',
  'PS256',
  'PS384',
  'PS512',
] as const

const MAX_LEEWAY_MS = 30_000
const MAX_NAMES = 10

/** The setting `audience` as a list. */
export function listAudiences({ audience }: Pick<IssuerSettings, 'audience'>): readonly string[] {
  return typeof audience === 'string' ? [audience] : audience
}

/** Everything that is wrong with the settings of one issuer; empty when they can be used. */
export function issuerProblems(settings: IssuerSettings): IssuerProblem[] {
  const preset = findPreset(settings.preset)
  return [
    ...namingProblems(settings, preset),
    ...tokenProblems(settings, preset),
    ...subjectProblems(settings, preset),
    ...conditionProblems(settings, preset),
  ]
}

function namingProblems(settings: IssuerSettings, preset: IssuerPreset) {
  const { alias, issuer } = settings
  const problems: IssuerProblem[] = []
  if (!isIssuerAlias(alias)) problems.push(problem('alias', 'must be 1 to 32 of a-z, 0-9 and inner dashes'))
  problems.push(...keyPlaceProblems(settings))
  if (settings.tokenReviewUrl !== undefined && settings.preset !== 'kubernetes') {
    problems.push(problem('tokenReviewUrl', 'is only for the preset kubernetes'))
  }
  const wrong = preset.issuerProblem?.(issuer)
  if (wrong !== undefined) problems.push(problem('issuer', wrong))
  return problems
}

function tokenProblems(settings: IssuerSettings, preset: IssuerPreset): IssuerProblem[] {
  const { algorithms = preset.algorithms, leeway = 0 } = settings
  const problems = audienceProblems(settings, preset)
  if (algorithms.length === 0 || !algorithms.every((name) => (OIDC_ALGORITHMS as readonly string[]).includes(name))) {
    problems.push(problem('algorithms', `must be one or more of ${OIDC_ALGORITHMS.join(', ')}`))
  }
  if (!(leeway >= 0 && leeway <= MAX_LEEWAY_MS)) problems.push(problem('leeway', 'must be from 0s to 30s'))
  return problems
}

function audienceProblems(settings: IssuerSettings, preset: IssuerPreset): IssuerProblem[] {
  const audiences = listAudiences(settings)
  if (audiences.length === 0) return [problem('audience', 'must name at least one identifier of this service')]
  return audiences.flatMap((audience) => {
    const wrong = audienceProblem(audience, settings.issuer) ?? preset.audienceProblem?.(audience)
    if (wrong === undefined) return []
    return [problem('audience', audiences.length > 1 ? `${quoted(audience)} ${wrong}` : wrong)]
  })
}

function subjectProblems({ subject }: IssuerSettings, preset: IssuerPreset): IssuerProblem[] {
  const names = subject ?? preset.subject
  if (names.length === 0 || names.length > MAX_NAMES) {
    return [problem('subject', `must list 1 to ${MAX_NAMES} claims that together identify one agent permanently`)]
  }
  const found = names.map((name) => claimReference(name, preset.fields)?.pointer)
  const problems = names.flatMap((name, index) => referenceProblems(['subject'], name, found[index], preset))
  if (new Set(found).size < found.length) problems.push(problem('subject', 'names a claim twice'))
  const [first] = found
  if (preset.pins.length > 0 && (first === undefined || !preset.pins.includes(first))) {
    problems.push(problem('subject', `must begin with ${shortNames(preset.pins, preset)}, which nobody can take over`))
  }
  const missing = (preset.required ?? []).filter((pointer) => !found.includes(pointer))
  if (missing.length > 0) problems.push(problem('subject', `must contain ${shortNames(missing, preset)}`))
  return problems
}

function conditionProblems({ conditions = {} }: IssuerSettings, preset: IssuerPreset): IssuerProblem[] {
  return Object.entries(conditions).flatMap(([name, values]) => {
    const path = ['conditions', name]
    const problems = referenceProblems(path, name, claimReference(name, preset.fields)?.pointer, preset)
    if (values.length === 0) problems.push({ path, message: 'must list the allowed values of the claim' })
    if (preset.textsOnly && values.some((value) => typeof value !== 'string')) {
      problems.push({
        path,
        message: 'must be texts, since this issuer writes all its claims so: "true" or "42", in quotes',
      })
    }
    return problems
  })
}

function referenceProblems(
  path: readonly string[],
  name: string,
  pointer: string | undefined,
  { unfit }: IssuerPreset,
): IssuerProblem[] {
  if (pointer === undefined) return [{ path, message: `${name} is not the name of a claim or a JSON Pointer to one` }]
  const why = Object.entries(unfit).find(([claim]) => pointer === claim || pointer.startsWith(`${claim}/`))?.[1]
  return why === undefined ? [] : [{ path, message: `must not rest on ${name}: ${why}` }]
}

function shortNames(pointers: readonly string[], { fields }: IssuerPreset): string {
  const names = pointers.map(
    (pointer) => Object.entries(fields).find(([, claim]) => claim === pointer)?.[0] ?? pointer.slice(1),
  )
  return names.join(' or ')
}

function problem(field: string, message: string): IssuerProblem {
  return { path: [field], message }
}

import { dirname, isAbsolute, resolve } from 'node:path'
import { type ZodError, z } from '../core/documents/schema.ts'
import { type FileProblem, fileProblemTexts, listedProblems, YamlDocument } from '../core/documents/yaml-document.ts'
import { StintError } from '../core/errors.ts'
import { readSmallFileSync, UnusableFileError } from '../core/files/read-small-file.ts'
import { Secret } from '../core/secret.ts'
import { didYouMean } from '../core/text/nearest.ts'
import { withAwsEnvironment } from './aws-network.ts'
import { type Config, configSchema } from './schema.ts'

const ENV_PREFIX = 'STINT_CONFIG_'
/** An alias can lead to too much. */
const MAX_ALIASES = 20

/**
 * Reads the one config file. Environment variables `STINT_CONFIG_SECTION__KEY` win over it, e.g.
 * `STINT_CONFIG_LISTEN__AGENTS=0.0.0.0:8443`. `SPIFFE_ENDPOINT_SOCKET`, HTTPS_PROXY and some variables of AWS's SDKs set what
 * the file leaves out.
 *
 * @throws {StintError} CONFIG_INVALID; `details.problems` lists the first hundred by path, line and column.
 */
export function loadConfig({ file, env }: { file: string; env: NodeJS.ProcessEnv }): Config {
  const text = readText(file)
  const document = YamlDocument.parse({ file, text, maxAliases: MAX_ALIASES, isOverlaid: true, toError: invalid })
  const parsed = configSchema.safeParse(withVariables(withEnvironment(document.value, env), env))
  if (!parsed.success) throw document.error(listProblems(parsed.error))
  return withAbsolutePaths(parsed.data, dirname(resolve(file)))
}

function readText(file: string): string {
  try {
    return readSmallFileSync(file).text
  } catch (error) {
    if (!(error instanceof UnusableFileError)) throw error
    throw invalid([{ file, path: '', message: `${error.message}; name the file with --config` }], error)
  }
}

/** Lays `STINT_CONFIG_A__B_C=x` over `a.bC`; values are text, numbers, `true` or `false`. */
function withEnvironment(value: unknown, env: NodeJS.ProcessEnv): unknown {
  const root: Record<string, unknown> = isRecord(value) ? structuredClone(value) : {}
  if (!isRecord(value) && value !== null && value !== undefined) return value
  for (const [name, text] of Object.entries(env)) {
    if (!name.startsWith(ENV_PREFIX) || text === undefined) continue
    const keys = name.slice(ENV_PREFIX.length).split('__').map(camelCase)
    const last = keys.pop()
    if (!last) continue
    let at = root
    for (const key of keys) {
      const next = isRecord(at[key]) ? at[key] : {}
      at[key] = next
      at = next
    }
    at[last] = scalar(text)
  }
  return root
}

/** Fills settings that the configuration leaves out from variables of SPIFFE and of AWS's SDKs. */
function withVariables(value: unknown, env: NodeJS.ProcessEnv): unknown {
  const settings = withSpiffeSocket(value, env)
  if (!isRecord(settings) || !isRecord(settings.aws)) return settings
  return { ...settings, aws: withAwsEnvironment(settings.aws, env) }
}

/** SPIFFE Workload Endpoint, section 4: the variable counts where the configuration says nothing. */
function withSpiffeSocket(value: unknown, { SPIFFE_ENDPOINT_SOCKET: socket }: NodeJS.ProcessEnv): unknown {
  if (!socket || !isRecord(value) || !isRecord(value.identity)) return value
  const { identity } = value
  const domains = isRecord(identity.domains) ? Object.values(identity.domains) : []
  const needed = identity.server === 'workload-api' || domains.some((source) => isRecord(source) && source.workloadApi)
  if (!needed || (identity.workloadApi !== undefined && !isRecord(identity.workloadApi))) return value
  return { ...value, identity: { ...identity, workloadApi: { socket, ...identity.workloadApi } } }
}

function camelCase(name: string): string {
  return name.toLowerCase().replace(/_([a-z0-9])/g, (_, letter: string) => letter.toUpperCase())
}

function scalar(text: string): string | number | boolean {
  if (text === 'true' || text === 'false') return text === 'true'
  return /^\d{1,15}$/.test(text) ? Number(text) : text
}

/** Each unknown key is a problem of its own. */
function listProblems(error: ZodError): { path: PropertyKey[]; message: string }[] {
  return error.issues.flatMap((issue) => {
    if (issue.code !== 'unrecognized_keys') return [issue]
    return issue.keys.map((key) => ({
      path: [...issue.path, key],
      message: REPLACED.get(key) ?? `is not a setting${didYouMean(key, KNOWN_KEYS)}`,
    }))
  })
}

/** Settings of before, and what says it now. */
const REPLACED: ReadonlyMap<string, string> = new Map([
  [
    'reusable',
    'was replaced by identity.tokens.reuse (connection, never or lifetime), which applies to tokens of every kind',
  ],
])

const KNOWN_KEYS = propertyNames(z.toJSONSchema(configSchema, { io: 'input', unrepresentable: 'any' }))

/** Names of all settings at any depth of a JSON Schema. */
function propertyNames(schema: unknown): string[] {
  if (Array.isArray(schema)) return schema.flatMap(propertyNames)
  if (!isRecord(schema)) return []
  const own = isRecord(schema.properties) ? Object.keys(schema.properties) : []
  return [...own, ...Object.values(schema).flatMap(propertyNames)]
}

/** Each problem on a line of its own. */
function invalid(problems: readonly FileProblem[], cause?: unknown): StintError {
  const explanation = fileProblemTexts(problems).join('\n')
  return new StintError('CONFIG_INVALID', { explanation, problems: listedProblems(problems) }, cause)
}

/** Every setting that is a path, made absolute from the folder of the config file. */
function withAbsolutePaths(config: Config, folder: string): Config {
  const absolute = (path: string) => (isAbsolute(path) ? path : resolve(folder, path))
  const walk = (value: unknown, key: string): unknown => {
    if (typeof value === 'string') return isPathKey(key) ? absolute(value) : value
    if (Array.isArray(value)) return value.map((item) => walk(item, key))
    if (!isRecord(value)) return value
    return Object.fromEntries(Object.entries(value).map(([name, item]) => [name, walk(item, name)]))
  }
  return walk(config, '') as Config
}

/** True if the value of a setting of this name is a path. */
export function isPathKey(key: string): boolean {
  return key === 'file' || key === 'directory' || key.endsWith('File')
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    !Array.isArray(value) &&
    !(value instanceof Date || value instanceof Secret)
  )
}

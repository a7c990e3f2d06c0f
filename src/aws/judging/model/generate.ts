/**
 * Writes `model.generated.json` from AWS's own service models, as botocore (Apache-2.0) ships them: which calls answer with a
 * secret, and which take a role, reset an administrator's password or can make something public. Only names are kept, never documentation.
 *
 *     pip download --no-deps botocore==<version>, unpack the wheel, then
 *     npm run generate:action-model -- <folder>/botocore/data <version>
 *
 * Run it by hand when botocore moves; it is no npm package, so `npm run check:generated` cannot do it.
 */
import { existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { gunzipSync } from 'node:zlib'
import { actionsOfService, knownServices } from '../../action-table.ts'
import type { ModelFactKind } from '../action-model.ts'

interface Shape {
  readonly type: string
  readonly pattern?: string
  readonly sensitive?: boolean
  readonly members?: Readonly<Record<string, { readonly shape: string; readonly sensitive?: boolean }>>
  readonly member?: { readonly shape: string }
  readonly value?: { readonly shape: string }
}

interface ServiceModel {
  readonly metadata: { readonly signingName?: string; readonly endpointPrefix: string }
  readonly operations: Readonly<
    Record<string, { readonly input?: { shape: string }; readonly output?: { shape: string } }>
  >
  readonly shapes: Readonly<Record<string, Shape>>
}

/** A value at the end of a path of member names, e.g. `Credentials.SessionToken`; `*` stands for any key of a map. */
interface Leaf {
  readonly path: string
  readonly name: string
  readonly sensitive: boolean
  readonly type: string
  /** True if the value is an ARN by its pattern. */
  readonly arn: boolean
}

/** Services whose model has neither their IAM prefix as name nor as signing name. */
const IAM_PREFIXES: Readonly<Record<string, string>> = {
  cloudcontrol: 'cloudformation',
  mturk: 'mechanicalturk',
  iotsecuretunneling: 'iot',
  'iot-data': 'iot',
  resourcegroupstaggingapi: 'tag',
}

const TEXTS = new Set(['string', 'blob'])
const TOKEN =
  /^(access_?token|refresh_?token|id_?token|auth_?token|authorization_?token|bearer_?token|session_?token|web_?identity_?token|workload_?access_?token|source_?access_?token|destination_?access_?token|wallet_?auth_?token|payment_?token|join_?token|registration_?token|cli_?token|web_?token|token_?value|token|oauth_?token)$/i
const LINK = /(pre_?signed\w*url|embed_?url|streaming_?url|stream_?url|webhook_?url)$/i
const SECRET =
  /(passw(or)?d|passphrase|secret_?access_?key|private_?key\w*|client_?secret\w*|webhook_?secret|shared_?secret|pre_?shared_?key|secret_?key|secret_?value|secret_?string|secret_?binary|service_?credential_?secret|security_?token|api_?key|apikey|stream_?key|key_?material|plaintext|basic_?auth_?credentials|activation_?(key|code)|auth_?code|password_?data|secret_?to_?authenticate\w+|secret_?code|^secret)$/i
/** Names that need no mark of AWS's: nothing else is called so. */
const UNMARKED =
  /^(secret_?access_?key|session_?token|client_?secret|access_?token|refresh_?token|auth_?token|authorization_?token|\w*password|api_?key|secret_?key|private_?key_?plaintext|pre_?signed_?url|embed_?url)$/i
/** Not a secret after all: how long tokens live, the path of a key file, what AWS masks. */
const HARMLESS =
  /TokenValidityUnits|\.file\.privateKey$|PendingModifiedValues|FsxAdminPassword|AuthenticateOidcConfig|^Findings\.Resources\.Details|associateInProgressToken|Pagination|next_?token/i
/** Calls whose answer is random or stays encrypted. */
const HARMLESS_CALLS = /^(kms:GenerateRandom|secretsmanager:GetRandomPassword|.*WithoutPlaintext|states:.*)$/
const ENVIRONMENT = /(^|\.)(environment|environmentVariables|env_?vars?)(\.variables)?\.(\*|value)$/i
const PUBLIC =
  /^(publicly_?accessible|endpoint_?public_?access|public_?access_?cidrs|public_?connectivity|allow_?public_?overrides)$/i
const ADMIN_PASSWORD = /^(master_?user|admin_?user|admin|master|fsx_?admin|svm_?admin)_?password$/i
const CHANGES = /^(Update|Modify|Set|Put)/
const ROLE = /(role_?arns?$|iam_?roles?(arn|name)?s?$|^iamrole|execution_?role$|service_?role$|job_?role$)/i

/** Text of the file: one service a line, each fact as `<Action> <kind> <path>`, sorted. */
export function generateActionModel(directory: string, version: string): string {
  const facts = new Map<string, Set<string>>()
  for (const name of readdirSync(directory).sort()) {
    const model = readModel(`${directory}/${name}`)
    if (model) collectFacts(name, model, facts)
  }
  const lines = [...facts].sort(([a], [b]) => (a < b ? -1 : 1))
  const services = lines.map(([service, own]) => `${JSON.stringify(service)}:${JSON.stringify([...own].sort())}`)
  return `{"source":${JSON.stringify(`botocore ${version}`)},"services":{\n${services.join(',\n')}\n}}\n`
}

/** The newest version of a service's model; undefined for what is no service. */
function readModel(folder: string): ServiceModel | undefined {
  if (!existsSync(folder) || folder.endsWith('.json')) return undefined
  const versions = readdirSync(folder).filter((name) => /^\d{4}-\d{2}-\d{2}$/.test(name))
  const newest = versions.sort().at(-1)
  if (newest === undefined) return undefined
  const file = `${folder}/${newest}/service-2.json`
  return JSON.parse(existsSync(file) ? readFileSync(file, 'utf8') : gunzipSync(readFileSync(`${file}.gz`)).toString())
}

function collectFacts(name: string, model: ServiceModel, facts: Map<string, Set<string>>): void {
  const { signingName, endpointPrefix } = model.metadata
  const names = [IAM_PREFIXES[name], signingName, endpointPrefix, name, name.split('-')[0]]
  const services = names.filter((each): each is string => each !== undefined && knownServices().includes(each))
  for (const [operation, { input, output }] of Object.entries(model.operations)) {
    const service = services.find((each) => actionsOfService(each)?.has(operation.toLowerCase()))
    const known = service === undefined ? undefined : actionsOfService(service)?.get(operation.toLowerCase())
    if (service === undefined || !known) continue
    const found = [
      ...answerFacts(known.action, leaves(model, output?.shape), known.level),
      ...callFacts(operation, known.level, leaves(model, input?.shape)),
    ]
    if (found.length === 0) continue
    const own = facts.get(service) ?? new Set<string>()
    for (const [kind, path] of found) own.add(`${known.action.slice(service.length + 1)} ${kind} ${path}`)
    facts.set(service, own)
  }
}

/** The worst of what the answer holds: credentials, then a token, then another secret, then a link. */
function answerFacts(action: string, answer: readonly Leaf[], level: string): [ModelFactKind, string][] {
  const suspects = answer.filter(({ path, type }) => TEXTS.has(type) && !HARMLESS.test(path))
  const first = (kind: ModelFactKind, test: (leaf: Leaf) => boolean): [ModelFactKind, string][] => {
    const leaf = HARMLESS_CALLS.test(action) ? undefined : suspects.find(test)
    return leaf ? [[kind, leaf.path]] : []
  }
  const marked = ({ name, sensitive }: Leaf): boolean => sensitive || UNMARKED.test(name)
  const hasKey = suspects.some(({ name }) => /^secret_?(access_?)?key$/i.test(name))
  const credentials = hasKey ? first('credentials', ({ name }) => /^session_?token$/i.test(name)) : []
  const rest = [
    ...credentials,
    ...first('token', (leaf) => marked(leaf) && TOKEN.test(leaf.name)),
    ...first('secret', (leaf) => marked(leaf) && SECRET.test(leaf.name)),
    ...first('link', (leaf) => marked(leaf) && LINK.test(leaf.name)),
  ].slice(0, 1)
  const reads = level === 'list' || level === 'read'
  const environment = reads ? first('environment', ({ path }) => ENVIRONMENT.test(path) && !/override/i.test(path)) : []
  return rest.length > 0 ? rest : environment
}

/** Inputs of a write. Reads take such values as filters only. */
function callFacts(operation: string, level: string, call: readonly Leaf[]): [ModelFactKind, string][] {
  if (level === 'list' || level === 'read' || operation === 'BatchImportFindings') return []
  const first = (kind: ModelFactKind, test: (leaf: Leaf) => boolean): [ModelFactKind, string][] => {
    const leaf = call.find(test)
    return leaf ? [[kind, leaf.path]] : []
  }
  const password = CHANGES.test(operation) ? first('admin-password', ({ name }) => ADMIN_PASSWORD.test(name)) : []
  const role = first('role', ({ name, arn }) => ROLE.test(name) || (arn && /role$/i.test(name)))
  return [...role, ...first('public', ({ name }) => PUBLIC.test(name)), ...password]
}

/** All values of a shape. A shape inside itself is entered once. */
function leaves({ shapes }: ServiceModel, root: string | undefined): readonly Leaf[] {
  const found: Leaf[] = []
  const visit = (id: string, path: readonly string[], sensitive: boolean, above: readonly string[]): void => {
    const shape = shapes[id]
    if (!shape || above.includes(id) || path.length > 10) return
    const marked = sensitive || shape.sensitive === true
    const inside = [...above, id]
    for (const [name, member] of Object.entries(shape.members ?? {})) {
      visit(member.shape, [...path, name], marked || member.sensitive === true, inside)
    }
    if (shape.member) visit(shape.member.shape, path, marked, inside)
    if (shape.value) visit(shape.value.shape, [...path, '*'], marked, inside)
    const name = path.findLast((part) => part !== '*') ?? ''
    const holdsOthers = shape.type === 'structure' || shape.type === 'list' || shape.type === 'map'
    if (!holdsOthers)
      found.push({
        path: path.join('.'),
        name,
        sensitive: marked,
        type: shape.type,
        arn: shape.pattern?.includes('arn') === true,
      })
  }
  if (root !== undefined) visit(root, [], false, [])
  return found
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const [, , directory, version] = process.argv
  if (directory === undefined || version === undefined) {
    throw new TypeError('usage: npm run generate:action-model -- <folder>/botocore/data <version of botocore>')
  }
  writeFileSync(new URL('./model.generated.json', import.meta.url), generateActionModel(directory, version))
}

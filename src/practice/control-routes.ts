import { instantText, z } from '../core/documents/schema.ts'
import { asStintError, StintError } from '../core/errors.ts'
import { sameText } from '../core/same-text.ts'
import type { CloudControls } from './cloud-controls.ts'
import { FAULT_KINDS } from './faults.ts'
import type { ControlHandler } from './wire/http-server.ts'

/** The header that carries the control token. */
export const CONTROL_TOKEN_HEADER = 'x-practice-token'

/**
 * The control surface over HTTP: `POST /_practice/METHOD` with the arguments as one JSON object, e.g.
 * `POST /_practice/allows {"session": "…access key id…", "action": "s3:GetObject", "resource": "arn:…"}`. Answers
 * `{"result": …}` or `{"error": {"code", "explanation"}}`. Times are ISO 8601.
 *
 * @param token whoever sends it may do all of this; compared in constant time.
 */
export function controlRoutes(surface: CloudControls, token: string): ControlHandler {
  const methods = controlMethods(surface)
  return (request) => {
    try {
      if (!sameText(request.headers.get(CONTROL_TOKEN_HEADER) ?? '', token))
        throw new StintError('OPERATOR_UNKNOWN', {
          explanation: `Send the control token in the header ${CONTROL_TOKEN_HEADER}.`,
        })
      const name = request.path.slice('/_practice/'.length)
      const method = Object.hasOwn(methods, name) ? methods[name] : undefined
      if (method === undefined || request.method !== 'POST')
        throw new StintError('NOT_FOUND', { explanation: `POST one of: ${Object.keys(methods).join(', ')}.` })
      return json(200, { result: method(parseBody(request.body)) ?? null })
    } catch (error) {
      const { code, details } = asStintError(error)
      const status =
        code === 'OPERATOR_UNKNOWN' ? 401 : code === 'NOT_FOUND' ? 404 : code === 'REQUEST_INVALID' ? 400 : 500
      return json(status, { error: { code, explanation: details.explanation ?? '' } })
    }
  }
}

function controlMethods(surface: CloudControls): Readonly<Record<string, (input: unknown) => unknown>> {
  return {
    addPrincipal: (input) => surface.addPrincipal(defined(parse(PRINCIPAL, input))),
    createRole: (input) => surface.createRole(defined(parse(ROLE, input))),
    createPolicy: (input) => surface.createPolicy(parse(POLICY, input)),
    createBucket: (input) => {
      const { name, tags } = parse(BUCKET, input)
      surface.createBucket(name, tags)
    },
    putObject: (input) => {
      const { bucket, key, content } = parse(OBJECT, input)
      surface.putObject(bucket, key, content)
    },
    object: (input) => {
      const { bucket, key } = parse(z.strictObject({ bucket: z.string(), key: z.string() }), input)
      return surface.object(bucket, key)?.toString('utf8')
    },
    liveSessions: (input) => surface.liveSessions(parse(AT, input).at),
    sessions: () => surface.sessions(),
    countSessions: (input) => ({
      live: surface.liveSessions(parse(AT, input).at).length,
      remembered: surface.sessions().length,
    }),
    allows: (input) => {
      const { session, action, resource, at, keys } = parse(ALLOWS, input)
      return surface.allows(session, action, resource, at, keys)
    },
    calls: () => surface.calls(),
    callCounts: () => surface.callCounts(),
    clearCalls: () => surface.clearCalls(),
    setFault: (input) => void surface.setFault(defined(parse(FAULT, input))),
    clearFaults: () => surface.clearFaults(),
    setPropagationDelayMs: (input) =>
      surface.setPropagationDelayMs(parse(z.strictObject({ ms: z.number() }), input).ms),
  }
}

function parse<T>(schema: z.ZodType<T>, input: unknown): T {
  const parsed = schema.safeParse(input)
  if (parsed.success) return parsed.data
  throw new StintError('REQUEST_INVALID', { explanation: z.prettifyError(parsed.error) })
}

function parseBody(body: Buffer): unknown {
  if (body.length === 0) return {}
  try {
    return JSON.parse(body.toString('utf8'))
  } catch {
    throw new StintError('REQUEST_INVALID', { explanation: 'The body must be one JSON object.' })
  }
}

/** Without the keys whose value is undefined, as exact optional properties want it. */
function defined<T extends object>(value: T): { [K in keyof T]: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(value).filter(([, entry]) => entry !== undefined)) as {
    [K in keyof T]: Exclude<T[K], undefined>
  }
}

function json(status: number, value: unknown) {
  return { status, headers: { 'content-type': 'application/json' }, body: JSON.stringify(value) }
}

const DOCUMENT = z.union([z.string(), z.record(z.string(), z.unknown())])
const AT = z.strictObject({ at: instantText.optional() })
const PRINCIPAL = z.strictObject({ arn: z.string(), policies: z.array(DOCUMENT).optional() })
const ROLE = z.strictObject({
  arn: z.string(),
  trustPolicy: DOCUMENT,
  policies: z.record(z.string(), DOCUMENT).optional(),
  attachedPolicies: z.array(z.string()).optional(),
  permissionsBoundary: z.string().optional(),
  maxSessionSeconds: z.int().min(3_600).max(43_200).optional(),
})
const POLICY = z.strictObject({ arn: z.string(), document: DOCUMENT })
const BUCKET = z.strictObject({ name: z.string(), tags: z.record(z.string(), z.string()).optional() })
const OBJECT = z.strictObject({ bucket: z.string(), key: z.string(), content: z.string() })
const ALLOWS = z.strictObject({
  session: z.string(),
  action: z.string(),
  resource: z.string(),
  at: instantText.optional(),
  keys: z.record(z.string(), z.union([z.string(), z.array(z.string())])).optional(),
})
const FAULT = z.strictObject({
  service: z.enum(['sts', 'iam', 's3']),
  action: z.string().optional(),
  resource: z.string().optional(),
  kind: z.enum(FAULT_KINDS),
  ms: z.int().optional(),
  times: z.int().optional(),
})

import { parse } from 'node:querystring'
import { type AccessRequest, evaluate } from '../policies/evaluate.ts'
import { type Caller, createContext, identifyCaller, type PracticeState } from '../services/state.ts'
import { AwsFault, validationError, xmlText } from './aws-fault.ts'

/** One call of a service that speaks the AWS Query protocol (STS, IAM). */
export interface QueryCall {
  readonly state: PracticeState
  readonly caller: Caller
  readonly region: string
  /** The instant of the whole call. */
  readonly nowMs: number
  readonly params: FormParams
}

/** An answer before it is framed: XML of the `…Result` element; '' for an operation without one. */
export type QueryOperation = (call: QueryCall) => string

/** The fields of a form body; no field occurs twice. */
export class FormParams {
  readonly #fields: NodeJS.Dict<string | string[]>

  /** @throws {AwsFault} ValidationError for a repeated field. */
  constructor(body: string) {
    this.#fields = parse(body, '&', '=', { maxKeys: MAX_FIELDS })
    for (const value of Object.values(this.#fields))
      if (typeof value !== 'string') throw validationError('A field occurs twice in the request.')
  }

  optional(name: string): string | undefined {
    const value = this.#fields[name]
    return typeof value === 'string' ? value : undefined
  }

  /** @throws {AwsFault} ValidationError if absent. */
  required(name: string): string {
    const value = this.optional(name)
    if (value === undefined)
      throw validationError(
        `1 validation error detected: Value null at '${name}' failed to satisfy constraint: Member must not be null`,
      )
    return value
  }

  /** `NAME.member.1[.FIELD]`, `NAME.member.2…`, as far as they go without a gap. */
  list(name: string, field = ''): string[] {
    const values: string[] = []
    for (let index = 1; ; index++) {
      const value = this.optional(`${name}.member.${index}${field === '' ? '' : `.${field}`}`)
      if (value === undefined) return values
      values.push(value)
    }
  }
}

/** Refuses with AWS's sentence unless the caller's own policies allow the action. @throws {AwsFault} AccessDenied. */
export function authorize(
  call: Pick<QueryCall, 'state' | 'caller' | 'nowMs' | 'region'>,
  action: string,
  resource: string,
  extra: Iterable<readonly [string, string | readonly string[]]> = [],
): void {
  const context = createContext(call.caller, call.nowMs, [['aws:requestedregion', call.region], ...extra])
  const verdict = evaluate(call.state.policyLayers(call.caller, call.nowMs), { action, resource, context })
  if (!verdict.allowed) throw accessDenied(call.caller, { action, resource }, verdict.because)
}

/** AWS's sentence for a refusal. @param because tail such as `because no session policy allows the … action`; '' for none. */
export function accessDenied(
  caller: Caller,
  request: Pick<AccessRequest, 'action' | 'resource'>,
  because: string,
): AwsFault {
  const tail = because === '' ? '' : ` ${because}`
  return new AwsFault(
    'AccessDenied',
    403,
    `User: ${identifyCaller(caller).arn} is not authorized to perform: ${request.action} on resource: ${request.resource}${tail}`,
  )
}

/** Frames an answer as the Query protocol wants it. @param result XML, already escaped. */
export function queryAnswer(namespace: string, operation: string, result: string, requestId: string): string {
  const framed = result === '' ? '' : `<${operation}Result>${result}</${operation}Result>`
  return `<${operation}Response xmlns="${namespace}">${framed}<ResponseMetadata><RequestId>${requestId}</RequestId></ResponseMetadata></${operation}Response>`
}

/** Frames an error as the Query protocol wants it. */
export function queryError(namespace: string, fault: AwsFault, requestId: string): string {
  const type = fault.status < 500 ? 'Sender' : 'Receiver'
  return `<ErrorResponse xmlns="${namespace}"><Error><Type>${type}</Type><Code>${fault.code}</Code><Message>${xmlText(fault.message)}</Message></Error><RequestId>${requestId}</RequestId></ErrorResponse>`
}

/** An XML element with text. */
export function element(name: string, text: string): string {
  return `<${name}>${xmlText(text)}</${name}>`
}

const MAX_FIELDS = 500

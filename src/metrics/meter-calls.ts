import { asStintError, type StintError } from '../core/errors.ts'

/** A method that answers later. */
type Method = (...args: never[]) => Promise<unknown>

/** Told of one call that has ended. */
export type CallEnded = (call: {
  readonly operation: string
  readonly seconds: number
  readonly error?: StintError
  readonly answer?: unknown
}) => void

/** The same object, with `ended` told of every call of these methods. Only for objects whose methods do not use `this`. */
export function meterCalls<Target extends object>(
  target: Target,
  operations: readonly MethodName<Target>[],
  ended: CallEnded,
): Target {
  const metered = operations.map((operation) => {
    const call = target[operation] as Method
    return [operation, meterCall(operation, call, ended)] as const
  })
  return { ...target, ...Object.fromEntries(metered) }
}

type MethodName<Target> = {
  [Name in keyof Target]: Target[Name] extends (...args: never[]) => Promise<unknown> ? Name : never
}[keyof Target] &
  string

function meterCall(operation: string, call: Method, ended: CallEnded): Method {
  return async (...args) => {
    const startMs = performance.now()
    const seconds = () => (performance.now() - startMs) / 1_000
    try {
      const answer = await call(...args)
      ended({ operation, seconds: seconds(), answer })
      return answer
    } catch (error) {
      ended({ operation, seconds: seconds(), error: asStintError(error) })
      throw error
    }
  }
}

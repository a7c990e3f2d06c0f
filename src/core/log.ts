import pino, { type DestinationStream, type Logger } from 'pino'
import { currentCall } from './correlation.ts'
import { asStintError } from './errors.ts'

export type { Logger } from 'pino'

/** JSON lines on standard error, or on `destination`. An error goes in as `{ err }`; the ids of the running call go in by themselves. */
export function createLogger({ level, destination }: { level: string; destination?: DestinationStream }): Logger {
  const options = {
    level,
    base: null,
    timestamp: pino.stdTimeFunctions.isoTime,
    serializers: { err: errorForLog },
    // A copy: pino puts the fields of the line into it.
    mixin: () => ({ ...currentCall() }),
  }
  return pino(options, destination ?? pino.destination({ dest: 2, sync: true }))
}

interface LoggedError {
  readonly code: string
  readonly message: string
  /** The stack of the first error of the chain that is not ours: where to look. */
  readonly causes: readonly { name: string; message: string; stack?: string }[]
}

const MAX_CAUSES = 5
const MAX_TEXT = 500

/** The parts of an error that a log may hold: code, sentence, and names and cleaned messages of the causes. No fields of theirs. */
export function errorForLog(thrown: unknown): LoggedError {
  const error = asStintError(thrown)
  const causes: { name: string; message: string; stack?: string }[] = []
  for (let cause = error.cause; cause instanceof Error && causes.length < MAX_CAUSES; cause = cause.cause) {
    const stack = causes.length === 0 ? { stack: clean(stackLines(cause)) } : {}
    causes.push({ name: cause.name, message: clean(cause.message), ...stack })
  }
  return { code: error.code, message: clean(error.message), causes }
}

/** JWTs, and unbroken runs that are as long as a key or a token: nothing of ours that a log needs looks like that. */
function clean(text: string): string {
  return shortened(text)
    .replace(/eyJ[\w-]+\.[\w-]+(\.[\w-]*)?/g, '[redacted]')
    .replace(/[A-Za-z0-9+/=_-]{40,}/g, (run) => (/^[0-9a-f]+$/.test(run) ? run : '[redacted]'))
}

/** A word that the cut goes through is left out: the first half of a secret is too short to be known as one. */
function shortened(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT).replace(/[A-Za-z0-9+/=._-]+$/, '')}…`
}

function stackLines(error: Error): string {
  return (error.stack ?? '')
    .split('\n')
    .slice(1, 5)
    .map((line) => line.trim())
    .join(' | ')
}

import { z } from '../../core/documents/schema.ts'
import { parseDurationMs } from '../../core/duration.ts'

/** A duration such as `90s` or `15m` in the file, milliseconds in code; both bounds are included. */
export function duration(minimum: string, maximum: string) {
  const [minMs = 0, maxMs = 0] = [parseDurationMs(minimum), parseDurationMs(maximum)]
  const message = `must be a duration from ${minimum} to ${maximum}, e.g. 90s, 15m or 8h`
  return z.string({ error: ({ input }) => (input === undefined ? undefined : message) }).transform((text, context) => {
    const ms = parseDurationMs(text)
    if (ms !== undefined && ms >= minMs && ms <= maxMs) return ms
    context.addIssue({ code: 'custom', message })
    return z.NEVER
  })
}

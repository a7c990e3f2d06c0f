/**
 * Why something failed, as part of a sentence, e.g. `connect ECONNREFUSED 127.0.0.1:1`. It is never empty: Node gives no message
 * to the error that joins the failures for all addresses of a name, and others give none at all.
 */
export function describeReason(error: unknown): string {
  const { message, code, errors } = (typeof error === 'object' && error ? error : {}) as Record<string, unknown>
  if (isSaying(message)) return message
  if (Array.isArray(errors) && errors.length > 0) return [...new Set(errors.map(describeReason))].slice(0, 3).join('; ')
  if (isSaying(code)) return code
  return isSaying(error) ? error : 'no reason was given'
}

/** False too for what comes from writing a missing reason into a text. */
function isSaying(value: unknown): value is string {
  return typeof value === 'string' && !/^(?:Error: )?(?:undefined|null)?$/.test(value.trim())
}

const MAX_CHARACTERS = 300
/** A blob that only sts:DecodeAuthorizationMessage can read. */
const ENCODED = /\.?\s*Encoded authorization failure message:.*$/is
const ARN = /^arn:aws[a-z-]{0,20}:[a-z0-9-]{0,32}:[a-z0-9-]{0,32}:\d{0,12}:[\w+=,.@:/*-]{1,300}$/
const KEY_ID = /(?:AKIA|ASIA)[A-Z0-9]{12,}/g
const LONG_RUN = /[\w+/=.~-]{24,}/g
/** Lower-case words joined by marks, such as `arn-like-names` or `path/of/a/thing`; a key has capitals or digits in it. */
const WORDS = /^[a-z]+([-_/.=+~][a-z]+)*$/

/**
 * Cleans a message of AWS for logs and the trail: one line, bounded, without the secrets that the request carried and without
 * any unbroken text that could be a credential. ARNs stay.
 *
 * @param secrets texts that the request carried.
 */
export function quoteSafely(message: string, secrets: readonly string[]): string {
  const line = (
    message
      .replace(ENCODED, '')
      .trim()
      .split(/[\r\n]/)[0] ?? ''
  ).replace(/[^\x20-\x7e]/g, ' ')
  const without = secrets
    .filter((secret) => secret.length > 0)
    .sort((a, b) => b.length - a.length)
    .reduce((text, secret) => text.replaceAll(secret, '[redacted]'), line)
  const cleaned = without
    .split(/([\s'"(),;]+)/)
    .map((word) => (ARN.test(word) ? word : word.replace(KEY_ID, '[redacted]').replace(LONG_RUN, redacted)))
    .join('')
  return cleaned.length <= MAX_CHARACTERS ? cleaned : `${cleaned.slice(0, MAX_CHARACTERS)}…`
}

function redacted(run: string): string {
  return WORDS.test(run) ? run : '[redacted]'
}

import { createHmac } from 'node:crypto'
import { StintError } from '../../core/errors.ts'
import { readSmallFile } from '../../core/files/read-small-file.ts'
import { Secret } from '../../core/secret.ts'

const PREFIX = 'whsec_'
const MIN_BYTES = 24
const MAX_BYTES = 64
/** While a receiver goes over to a new secret there are two. */
const MAX_SECRETS = 4
const MAX_FILE_BYTES = 4_096

/**
 * The headers that sign a message.
 *
 * @param secrets each signs, so that the receiver can verify with any of them
 * @see Standard Webhooks, "Verifying webhook authenticity" and "Signature scheme"
 */
export function signatureHeaders(
  { id, at, body }: { readonly id: string; readonly at: Date; readonly body: string },
  secrets: readonly Secret[],
): Record<string, string> {
  const timestamp = String(Math.floor(at.getTime() / 1_000))
  const signatures = secrets.map((secret) => {
    const key = Buffer.from(secret.reveal().slice(PREFIX.length), 'base64')
    return `v1,${createHmac('sha256', key).update(`${id}.${timestamp}.${body}`).digest('base64')}`
  })
  return { 'webhook-id': id, 'webhook-timestamp': timestamp, 'webhook-signature': signatures.join(' ') }
}

/**
 * Reads the secrets of an endpoint, one a line.
 *
 * @throws {StintError} CONFIG_INVALID for a file that cannot be read, or a line that is no secret; the line is not shown.
 */
export async function readSigningSecrets(file: string): Promise<Secret[]> {
  const lines = (await readText(file)).split('\n').map((line) => line.trim())
  const secrets = lines.filter((line) => line !== '')
  if (secrets.length === 0 || secrets.length > MAX_SECRETS)
    throw unusable(file, `must contain 1 to ${MAX_SECRETS} secrets, one a line`)
  for (const [index, secret] of secrets.entries()) {
    if (!isSigningSecret(secret))
      throw unusable(
        file,
        `must contain ${PREFIX} and base64 of ${MIN_BYTES} to ${MAX_BYTES} bytes in line ${index + 1}`,
      )
  }
  return secrets.map((secret) => new Secret(secret))
}

function isSigningSecret(text: string): boolean {
  const base64 = text.slice(PREFIX.length)
  const key = Buffer.from(base64, 'base64')
  const isCanonical = key.toString('base64') === base64
  return text.startsWith(PREFIX) && isCanonical && key.length >= MIN_BYTES && key.length <= MAX_BYTES
}

async function readText(file: string): Promise<string> {
  try {
    return (await readSmallFile(file, { maxBytes: MAX_FILE_BYTES })).text
  } catch (error) {
    throw unusable(file, error instanceof Error ? error.message : 'cannot be read', error)
  }
}

function unusable(file: string, problem: string, cause?: unknown): StintError {
  return new StintError('CONFIG_INVALID', { explanation: `The secret file ${file} of a webhook ${problem}.` }, cause)
}

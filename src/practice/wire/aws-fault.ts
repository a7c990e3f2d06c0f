/**
 * An answer that AWS gives with an error code. It never leaves the practice cloud as a JavaScript error: the server
 * turns it into the XML of the service that was asked.
 */
export class AwsFault extends Error {
  override readonly name = 'AwsFault'
  /** AWS's code, e.g. `AccessDenied`. */
  readonly code: string
  readonly status: number

  /** @param message goes to the client; ARNs and sizes only, never a key or token. */
  constructor(code: string, status: number, message: string) {
    super(message)
    this.code = code
    this.status = status
  }
}

/** A field of an STS or IAM call that breaks a rule of its shape. */
export function validationError(message: string): AwsFault {
  return new AwsFault('ValidationError', 400, message)
}

/** Text made safe for an XML element; what XML 1.0, section 2.2, leaves out becomes `?`. */
export function xmlText(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replace(NOT_XML, '?').replace(/[&<>"\r]/g, (char) => ESCAPES[char] ?? '?')
}

const PLAIN = /^[\w +=,.:/@-]*$/
const NOT_XML = /[^\t\n\r\u{20}-\u{d7ff}\u{e000}-\u{fffd}\u{10000}-\u{10ffff}]/gu
const ESCAPES: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  '"': '&quot;',
  '\r': '&#13;',
}

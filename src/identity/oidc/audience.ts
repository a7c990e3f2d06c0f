/** Audiences that other services ask for: whoever holds a token for them must not get in here. */
const OTHERS = new Set(['sts.amazonaws.com', 'sts.amazonaws.com.cn', 'api://azureadtokenexchange', 'sigstore', 'pypi'])
/** Audiences of Google's workload identity federation, and of package registries that speak npm's protocol. */
const PREFIXES_OF_OTHERS = ['//iam.googleapis.com/', 'npm:']

/**
 * Why an audience cannot be ours: an issuer's own URL or host is what it uses by default, so that tokens that were made
 * for others, or for nobody in particular, would do here as well.
 *
 * @returns a sentence that goes on after the audience; undefined when it may be used.
 * @see RFC 8725, section 3.9
 */
export function audienceProblem(audience: string, issuer: string): string | undefined {
  if (audience.trim() !== audience || audience === '' || !/^[!-~]+$/.test(audience)) {
    return 'must be plain text without blanks'
  }
  const lowered = audience.toLowerCase()
  if (OTHERS.has(lowered) || PREFIXES_OF_OTHERS.some((prefix) => lowered.startsWith(prefix))) {
    return 'belongs to another service, so its tokens would be accepted here; use an identifier that only this service has'
  }
  if (parseHost(audience) === parseHost(issuer)) {
    return "is at the issuer's host, like its default audiences; use an identifier that only this service has"
  }
  return undefined
}

/** The host, with its port, of a URL or a bare host name; undefined for other texts. */
function parseHost(text: string): string | undefined {
  const host = URL.parse(text)?.host || URL.parse(`https://${text}`)?.host
  return host === '' ? undefined : host?.toLowerCase()
}

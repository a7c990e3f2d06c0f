/**
 * True if secrets may travel to this address: https, or http on loopback, and no user or password in the URL.
 *
 * @param text anything; what is no URL is not confidential.
 */
export function isConfidentialUrl(text: string): boolean {
  const url = URL.parse(text)
  if (!url || url.username || url.password) return false
  if (url.protocol === 'https:') return true
  return url.protocol === 'http:' && /^(localhost|127(\.\d{1,3}){3}|\[::1\])$/.test(url.hostname)
}

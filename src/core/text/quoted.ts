/**
 * A text that somebody else chose, fit for a sentence of ours: in quotes, cut short, and with everything but printable
 * ASCII as `\u202e`, so that it can neither fill a message nor hide or reorder what stands around it.
 *
 * @param max characters that are shown; default 100.
 */
export function quoted(text: string, max = 100): string {
  const shown = JSON.stringify(text.length > max ? `${text.slice(0, max)}...` : text)
  return shown.replace(/[^ -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

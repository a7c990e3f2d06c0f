/**
 * A text that somebody else chose, without quotes, fit for a message: cut short, and with `¿` for every character but the
 * printable ones of Latin-1.
 *
 * @param max characters that are shown; default 100. A longer text ends with `…`.
 */
export function printable(text: string, max = 100): string {
  const clean = text.slice(0, max).replace(/[^\u0020-\u007e\u00a0-\u00ff]/g, '\u00bf')
  return text.length > max ? `${clean}…` : clean
}

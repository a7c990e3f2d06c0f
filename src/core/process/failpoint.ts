/**
 * Kills this process at a named point when the environment variable `STINT_FAILPOINT` names it (optionally `name:n`,
 * the n-th time it is passed). For crash tests: a kill that no `finally` sees is what a power cut looks like.
 * Unset, it costs one comparison.
 */
export function failpoint(name: string): void {
  if (armed === undefined || armed.name !== name) return
  armed.passesLeft -= 1
  if (armed.passesLeft <= 0) process.kill(process.pid, 'SIGKILL')
}

const armed = parse(process.env.STINT_FAILPOINT)

function parse(text: string | undefined): { name: string; passesLeft: number } | undefined {
  if (!text) return undefined
  const [name = '', count = '1'] = text.split(':')
  return { name, passesLeft: Number(count) }
}

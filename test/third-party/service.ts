import { describe, test } from 'vitest'

/**
 * A suite that needs a running service, named by environment variables. Where one is missing it is skipped with a sentence,
 * but in CI (`CI=true`) it fails: a proof that nobody ran is no proof.
 */
export function describeWithService<Name extends string>(
  title: string,
  names: readonly Name[],
  script: string,
  suite: (settings: Record<Name, string>) => void,
): void {
  const missing = names.filter((name) => !process.env[name])
  const sentence = `${missing.join(', ')} not set: start the service with eval "$(${script})"`
  const settings = Object.fromEntries(names.map((name) => [name, process.env[name] ?? ''])) as Record<Name, string>
  if (missing.length === 0) describe(title, () => suite(settings))
  else if (process.env.CI === 'true') describe(title, () => failing(sentence))
  else describe.skip(`${title} (${sentence})`, () => test('is skipped', () => undefined))
}

function failing(sentence: string): void {
  test('runs', () => {
    throw new Error(sentence)
  })
}

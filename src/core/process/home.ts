import { homedir } from 'node:os'

/**
 * Names a home folder, the root, for a user that has none: in a container the user is often a number without an entry in
 * /etc/passwd. The AWS SDK looks for its files in the home folder before each call, and fails where there is no answer.
 *
 * Call it early, in a process that is a server. Programs that it starts get the variable too.
 */
export function nameMissingHome({
  env = process.env,
  home = homedir,
}: {
  readonly env?: NodeJS.ProcessEnv
  readonly home?: () => string
} = {}): void {
  try {
    home()
  } catch {
    env.HOME = '/'
  }
}

import { execFileSync } from 'node:child_process'

/** Makes a named pipe, which Node cannot: by the `mkfifo` of POSIX, whatever is on the PATH. */
export function makeNamedPipe(path: string): void {
  execFileSync('mkfifo', [path], { env: { PATH: '/usr/bin:/bin' } })
}

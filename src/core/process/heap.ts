import { setFlagsFromString } from 'node:v8'

/**
 * Lets the old generation double between two full collections. Left alone V8 lets it grow to several times of what is
 * live before it looks, and a broker under load, whose requests outlive the young generation, is three parts garbage.
 *
 * Call it once, early, in a process that is a server.
 *
 * @see https://nodejs.org/docs/latest-v24.x/api/v8.html#v8setflagsfromstringflags
 */
export function keepHeapSmall(): void {
  setFlagsFromString('--heap-growing-percent=100')
}

import { expect, test } from 'vitest'
import { StintError } from '../../src/core/errors.ts'
import { createLogger } from '../../src/core/log.ts'

const KEY = 'wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY' // AWS's documented example secret key

for (const at of [0, 440, 465, 480, 498])
  test(`a secret that begins at character ${at} of a cause is not logged, not even in part`, () => {
    const message = `${'word '.repeat(200).slice(0, at)} ${KEY} and so on for a long time ${'more '.repeat(200)}`
    const lines: string[] = []
    const logger = createLogger({ level: 'error', destination: { write: (line: string) => void lines.push(line) } })
    logger.error({ err: new StintError('INTERNAL', {}, new Error(message)) }, 'it failed')
    expect(lines.join()).toContain('INTERNAL')
    expect(lines.join()).not.toContain(KEY.slice(0, 4))
  })

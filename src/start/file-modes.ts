import { filesOpenToOthers } from '../config/files-open-to-others.ts'
import { definePart } from './part.ts'
import type { Surroundings } from './surroundings.ts'

/** Warns of files of the configuration that other users of this machine can read or change. */
export const fileModes = definePart({
  name: 'fileModes',
  start({ config, logger }: Surroundings) {
    const notices = filesOpenToOthers(config)
    for (const notice of notices) logger.warn({ notice }, 'a file of the configuration is open to others')
    return { value: notices }
  },
})

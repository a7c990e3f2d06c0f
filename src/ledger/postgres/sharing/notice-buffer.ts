/** A notification holds less than 8,000 bytes. */
const MAX_BYTES = 7_000
/** Notifications sent at once; with more to tell, the others are told to look at everything. */
const MAX_PAYLOADS = 8
const SEPARATOR = ','

/** Changes that other replicas have yet to be told of. It never grows beyond what one round of notifications holds. */
export class NoticeBuffer {
  #grantIds = new Set<string>()
  #isAboutAll = false
  #bytes = 0

  get isEmpty(): boolean {
    return !this.#isAboutAll && this.#grantIds.size === 0
  }

  /** @param grantId undefined: anything may have changed */
  add(grantId: string | undefined): void {
    if (this.#isAboutAll || (grantId !== undefined && this.#grantIds.has(grantId))) return
    this.#bytes += (grantId?.length ?? 0) + SEPARATOR.length
    if (grantId !== undefined && this.#bytes <= MAX_PAYLOADS * MAX_BYTES * 0.9) {
      this.#grantIds.add(grantId)
      return
    }
    this.#isAboutAll = true
    this.#grantIds.clear()
  }

  /** The texts of notifications that tell all of it; the buffer is empty then. */
  take(): string[] {
    const payloads = this.#isAboutAll ? [''] : pack([...this.#grantIds])
    this.#isAboutAll = false
    this.#grantIds.clear()
    this.#bytes = 0
    return payloads
  }
}

/** The grants that a notification names; undefined: anything may have changed. */
export function readNotice(text: string): readonly string[] | undefined {
  return text === '' ? undefined : text.split(SEPARATOR)
}

function pack(grantIds: readonly string[]): string[] {
  const payloads: string[] = []
  let last = ''
  for (const id of grantIds) {
    if (last !== '' && last.length + SEPARATOR.length + id.length > MAX_BYTES) {
      payloads.push(last)
      last = ''
    }
    last = last === '' ? id : `${last}${SEPARATOR}${id}`
  }
  return [...payloads, last]
}

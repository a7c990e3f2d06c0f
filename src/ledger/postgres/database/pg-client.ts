import { Client } from 'pg'

type Connected = (error: Error | null) => void

/**
 * A client that lets go of its connection when it fails to log in for a reason of its own, such as a password file that cannot be
 * read. By itself pg leaves it open until the server gives it up, for a minute: a broker that tries again and again would take every
 * connection that the server has.
 */
export class PgClient extends Client {
  override connect(): Promise<this>
  override connect(callback: Connected): void
  override connect(callback?: Connected): Promise<this> | undefined {
    const connecting = this.#connect()
    if (!callback) return connecting
    connecting.then(() => callback(null), callback)
    return undefined
  }

  async #connect(): Promise<this> {
    try {
      await super.connect()
      return this
    } catch (error) {
      void this.end().catch(() => undefined)
      throw error
    }
  }
}

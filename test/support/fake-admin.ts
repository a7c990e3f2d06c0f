import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'

/** An admin API whose answers a test writes: `'GET /v1/whoami'` to a status and a JSON body. */
export class FakeAdmin {
  readonly routes: Record<string, { status?: number; body: unknown }> = {}
  readonly calls: { route: string; query: Record<string, string>; body: unknown; authorization: string | undefined }[] =
    []
  readonly #server: Server

  private constructor() {
    this.#server = createServer((request, response) => {
      const url = new URL(request.url ?? '/', 'http://localhost')
      const route = `${request.method} ${url.pathname}`
      let text = ''
      request.on('data', (chunk) => {
        text += chunk
      })
      request.on('end', () => {
        const query = Object.fromEntries(url.searchParams)
        const body: unknown = text ? JSON.parse(text) : undefined
        this.calls.push({ route, query, body, authorization: request.headers.authorization })
        const cursor = query.cursor ? `?cursor=${query.cursor}` : ''
        const notFound = { status: 404, body: { code: 'NOT_FOUND', detail: `no ${route}` } }
        const answer = this.routes[route + cursor] ?? notFound
        response.writeHead(answer.status ?? 200, { 'content-type': 'application/json' })
        response.end(typeof answer.body === 'string' ? answer.body : JSON.stringify(answer.body))
      })
    })
  }

  static async start(): Promise<FakeAdmin> {
    const admin = new FakeAdmin()
    await new Promise<void>((resolve) => admin.#server.listen(0, '127.0.0.1', resolve))
    return admin
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`
  }

  stop(): Promise<void> {
    return new Promise((resolve) => {
      this.#server.close(() => resolve())
      this.#server.closeAllConnections()
    })
  }
}

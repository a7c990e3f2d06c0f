import { parentPort } from 'node:worker_threads'

/** A thread that opens nothing, and never answers a write. */
parentPort?.on('message', () => undefined)
parentPort?.postMessage({ opened: true })

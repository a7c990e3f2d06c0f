import { parentPort } from 'node:worker_threads'

/** A thread that opens nothing, and dies of the first write as of a fault that nobody foresaw. */
parentPort?.on('message', () => {
  throw new Error('a fault of the thread')
})
parentPort?.postMessage({ opened: true })

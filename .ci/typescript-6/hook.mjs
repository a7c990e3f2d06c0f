// Preload: dependency-cruiser and openapi-typescript use the compiler's JavaScript API, which TypeScript 7 no longer
// has. Without this, dependency-cruiser finds no import in any .ts file, and openapi-typescript does not start.
import { registerHooks } from 'node:module'

const NEED_THE_API = ['/dependency-cruiser/', '/openapi-typescript/']
const REPLACEMENTS = {
  typescript: { url: new URL('index.cjs', import.meta.url).href, format: 'commonjs' },
  'typescript/package.json': { url: new URL('package.json', import.meta.url).href, format: 'json' },
}

registerHooks({
  resolve(specifier, context, nextResolve) {
    const needsTheApi = NEED_THE_API.some((folder) => context.parentURL?.includes(`/node_modules${folder}`))
    const replacement = needsTheApi ? REPLACEMENTS[specifier] : undefined
    return replacement === undefined ? nextResolve(specifier, context) : { ...replacement, shortCircuit: true }
  },
})

// Preload: dependency-cruiser reads TypeScript through the compiler's JavaScript API, which TypeScript 7 no longer
// has. Without this it finds no import in any .ts file.
import { registerHooks } from 'node:module'

const REPLACEMENTS = {
  typescript: { url: new URL('index.cjs', import.meta.url).href, format: 'commonjs' },
  'typescript/package.json': { url: new URL('package.json', import.meta.url).href, format: 'json' },
}

registerHooks({
  resolve(specifier, context, nextResolve) {
    const replacement = context.parentURL?.includes('/dependency-cruiser/') ? REPLACEMENTS[specifier] : undefined
    return replacement === undefined ? nextResolve(specifier, context) : { ...replacement, shortCircuit: true }
  },
})

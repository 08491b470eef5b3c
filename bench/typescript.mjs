import { readFile } from 'node:fs/promises'
import { transform } from 'esbuild'

/**
 * Lets Node 20 import TypeScript files: a hook for `node:module`.
 * @type {import('node:module').LoadHook}
 */
export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context)
  const { code } = await transform(await readFile(new URL(url), 'utf8'), {
    loader: 'ts',
    target: 'node20',
    sourcefile: url,
  })
  return { format: 'module', source: code, shortCircuit: true }
}

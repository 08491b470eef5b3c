import { readFile } from 'node:fs/promises'
import { transform } from 'rolldown/utils'

/**
 * Lets Node 20 import TypeScript files: a hook for `node:module`.
 * @type {import('node:module').LoadHook}
 */
export async function load(url, context, nextLoad) {
  if (!url.startsWith('file:') || !url.endsWith('.ts')) return nextLoad(url, context)
  const { code, errors } = await transform(url, await readFile(new URL(url), 'utf8'), { lang: 'ts', target: 'node20' })
  if (errors[0]) throw errors[0]
  return { format: 'module', source: code, shortCircuit: true }
}

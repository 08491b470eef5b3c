import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { must, run } from '../../test/machine/command.mjs'

/**
 * What an engine had before the demo ran for the first time: that stays when the demo is taken away.
 * @typedef {{ images: string[], volumes: string[] }} Before
 * @typedef {import('./engine.mjs').Engine} Engine
 */

/**
 * @param {string} root
 * @param {Engine} engine
 * @param {string[]} images
 */
export async function recordWhatIsThere(root, engine, images) {
  const file = fileOf(root, engine)
  if (existsSync(file)) return
  const found = await Promise.all(
    images.map(async image => ((await run(engine, ['image', 'inspect', image])).code === 0 ? [image] : [])),
  )
  const volumes = await must(engine, ['volume', 'ls', '--format', '{{.Name}}'])
  mkdirSync(join(root, '.demo'), { recursive: true })
  writeFileSync(file, JSON.stringify({ images: found.flat(), volumes: volumes.split('\n').filter(Boolean) }))
}

/**
 * @param {string} root
 * @param {Engine} engine
 * @returns {Before | undefined} nothing when the demo has not run with this engine
 */
export function readRecord(root, engine) {
  const file = fileOf(root, engine)
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : undefined
}

/**
 * @param {string} root
 * @param {Engine} engine
 */
function fileOf(root, engine) {
  return join(root, '.demo', `before-${engine}.json`)
}

import { existsSync, statSync, utimesSync } from 'node:fs'
import { join } from 'node:path'
import { lastLines, run, say } from './command.mjs'

const quiet = ['--no-audit', '--no-fund', '--loglevel=error']

/**
 * Installs the npm packages of the lock file, if they are missing or older than it.
 * @param {string} root the folder of package.json
 */
export async function ensureDependencies(root) {
  const installed = join(root, 'node_modules', '.package-lock.json')
  const lock = join(root, 'package-lock.json')
  if (existsSync(installed) && statSync(installed).mtimeMs >= statSync(lock).mtimeMs) return
  say('installing npm packages')
  // `npm ci` refuses a lock file that lacks the optional packages of another platform; `npm install` keeps to the rest.
  const { code } = await run('npm', ['ci', ...quiet], { cwd: root })
  if (code === 0) return
  const { code: status, stdout, stderr } = await run('npm', ['install', '--no-save', ...quiet], { cwd: root })
  if (status !== 0) throw new Error(`npm install exited with ${status}: ${lastLines(stderr || stdout, 15)}`)
  if (existsSync(installed)) utimesSync(installed, new Date(), new Date())
}

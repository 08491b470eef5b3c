import { existsSync, realpathSync } from 'node:fs'
import { basename, dirname, join, relative } from 'node:path'
import { JijiError } from '../errors.ts'
import { lastLine } from '../runner/engine-failure.ts'
import type { Runner } from '../runner/runner.ts'
import { askGit, gitAnswers } from '../shell/git.ts'

/**
 * Refuses to write secrets to a file that git has, or would take with the next `git add`.
 * @throws JijiError usage that says which line .gitignore lacks
 */
export async function refuseWhatGitTakes(
  here: Runner,
  path: string,
  signal: AbortSignal,
  { hasOwnFolder = false } = {},
): Promise<void> {
  const { folder, rest } = split(path)
  const { code, stdout, stderr } = await here.run(askGit(folder, rest), { signal, timeout: 60_000 })
  if (code === gitAnswers.isApart) return
  if (code !== gitAnswers.isTracked && code !== gitAnswers.wouldBeAdded)
    throw new JijiError('failed', `git cannot be asked about ${path}: ${lastLine(stderr)}`, { hint: 'or use --force' })
  const top = stdout.replace(/\n$/, '')
  const ignored = relative(top, join(folder, rest))
  const line = `/${hasOwnFolder ? `${dirname(ignored)}/` : ignored}`.replace(/[\\*?[]| $/g, '\\$&')
  const advice = `add the line ${line} to ${join(top, '.gitignore')}`
  const isTracked = code === gitAnswers.isTracked
  throw new JijiError('usage', `git ${isTracked ? 'keeps' : 'would commit'} ${path}, and with it the secrets`, {
    hint: `${isTracked ? `git rm --cached ${path}, then ` : ''}${advice}; or use --force`,
  })
}

/** The nearest folder that exists, by its real name, and the way from there. */
function split(path: string): { folder: string; rest: string } {
  const parent = dirname(path)
  if (existsSync(parent) || parent === path) return { folder: realpathSync(parent), rest: basename(path) }
  const { folder, rest } = split(parent)
  return { folder, rest: join(rest, basename(path)) }
}

import { existsSync, realpathSync } from 'node:fs'
import { homedir } from 'node:os'
import { basename, dirname, isAbsolute, join, relative } from 'node:path'
import type { Config } from '../config/config.ts'
import { byPosition, type Problem } from '../config/problem.ts'
import { references } from '../config/rules.ts'
import { envFiles } from '../config/secrets.ts'
import type { Runner } from '../runner/runner.ts'
import { askGit, gitAnswers } from '../shell/git.ts'
import type { Context } from './context.ts'
import { thisMachine } from './servers.ts'

/** All that is likely to be wrong with a configuration and what it reads, as far as this machine knows. */
export async function allWarnings(context: Context, config: Config): Promise<Problem[]> {
  return [...config.warnings, ...(await gitWarnings(thisMachine(context), config, context.signal))].sort(byPosition)
}

/** Files with secrets in them that git has, or would take with the next `git add`. */
async function gitWarnings(here: Runner, config: Config, signal: AbortSignal): Promise<Problem[]> {
  const found = await Promise.all(
    filesWithSecrets(config).map(async ({ file, at }) => {
      const { code, stdout } = await here.run(askGit(realpathSync(dirname(file)), basename(file)), {
        signal,
        timeout: 60_000,
      })
      const isTracked = code === gitAnswers.isTracked
      if (!isTracked && code !== gitAnswers.wouldBeAdded) return []
      const line = `/${relative(stdout.trimEnd(), realpathSync(file))}`
      return [
        { ...at, code: 'not-ignored', ...wordsFor(relative(config.root, file), line, isTracked) } satisfies Problem,
      ]
    }),
  )
  return found.flat()
}

function wordsFor(file: string, line: string, isTracked: boolean): Pick<Problem, 'message' | 'hint'> {
  const ignore = `add the line ${line} to .gitignore`
  return isTracked
    ? {
        message: `git keeps ${file}, and with it the secrets in it`,
        hint: `git rm --cached ${file}, then ${ignore}; secrets that were pushed are known to others: change them`,
      }
    : { message: `git would take ${file} with the next commit, and with it the secrets in it`, hint: ignore }
}

type Place = Pick<Problem, 'file' | 'line' | 'column' | 'path'>

/** `.env` files are their own place; a key is named by the configuration. */
function filesWithSecrets(config: Config): { file: string; at: Place }[] {
  const env = envFiles(config).map(name => {
    const file = join(config.root, name)
    return { file, at: { file, line: 1, column: 1, path: '' } }
  })
  const keys = references(config).flatMap(({ reference: { text, otherwise, isName, isCommand, path } }) => {
    if (otherwise === 'value' || isName || isCommand) return []
    const written = text.replace(/^~(?=\/)/, homedir())
    return [
      {
        file: isAbsolute(written) ? written : join(config.root, written),
        at: { ...config.locate(path), path: path.join('.') },
      },
    ]
  })
  const all = [...env, ...keys].filter(({ file }) => existsSync(file))
  return [...new Map(all.map(one => [one.file, one])).values()]
}

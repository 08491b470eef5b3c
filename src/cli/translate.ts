import { existsSync, readdirSync, statSync } from 'node:fs'
import { dirname, join, posix, relative, resolve } from 'node:path'
import type { Draft } from '../config/draft.ts'
import { readEnvFile } from '../config/env-file.ts'
import { translateCompose } from '../config/import/compose.ts'
import { translateKamal } from '../config/import/kamal.ts'
import { adviceOn } from '../config/import/kamal-neighbours.ts'
import { kindOf } from '../config/import/kind.ts'
import type { Setting } from '../config/import/setting.ts'
import type { Translation } from '../config/import/translation.ts'
import { projectName } from '../config/propose/draft.ts'
import type { Answers, Facts } from '../config/propose/facts.ts'
import { proposeRegistry } from '../config/propose/registry.ts'
import { proposeServers } from '../config/propose/servers.ts'
import { JijiError } from '../errors.ts'
import { textOf } from './look.ts'

/** A file of another tool, and whose it is. */
export type Source = { file: string; text: string; kind: 'compose' | 'kamal' }

/** @throws JijiError usage when it cannot be read, or is none that can be translated */
export function readSource(directory: string, written: string): Source {
  const path = resolve(directory, written)
  const text = textOf(path)
  if (text === undefined) {
    const message = existsSync(path) ? `${path} is no file that can be read` : `there is no ${path}`
    throw new JijiError('usage', message, { hint: 'name a compose.yml, or the config/deploy.yml of Kamal' })
  }
  return { file: relative(directory, path), text, kind: kindOf(written, text) }
}

/** The file as a configuration, and what is to be said about it. */
export function translate(
  directory: string,
  { file, text, kind }: Source,
  facts: Facts,
  answers: Answers,
): Translation {
  const setting: Setting = {
    file,
    folder: folderOf(file),
    project: projectName(facts, answers),
    servers: proposeServers(answers.servers),
    domain: answers.domain,
    kindOf: path => kindAt(join(directory, path)),
    namesIn: path => namesIn(join(directory, path)),
  }
  const translation = kind === 'kamal' ? translateKamal(text, setting) : translateCompose(text, setting)
  const { draft } = translation
  if (answers.name !== undefined) translation.draft.project = setting.project
  if (kind === 'compose')
    insertAfterProject(draft, { builder: { registry: proposeRegistry(answers.registry, facts.github?.owner) } })
  return translation
}

/** What else of Kamal's there is to be seen to. */
export function adviceBeside(directory: string, { file, kind }: Source, needed: readonly string[]): string[] {
  if (kind !== 'kamal') return []
  const root = join(directory, folderOf(file), file.includes('config/') ? '..' : '.')
  const names = (folder: string) => (existsSync(folder) ? readdirSync(folder) : [])
  const files = ['secrets-common', 'secrets'].map(name => join(root, '.kamal', name))
  return adviceOn(
    {
      hooks: names(join(root, '.kamal/hooks')).filter(name => !/^\.|\.sample$|~$/.test(name)),
      secrets: [...new Set(files.flatMap(path => namesIn(path) ?? []))],
    },
    needed,
  )
}

function folderOf(file: string): string {
  return posix.normalize(dirname(file).replaceAll('\\', '/'))
}

function kindAt(path: string): ReturnType<Setting['kindOf']> {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat?.isDirectory() ? 'folder' : stat?.isFile() ? 'file' : undefined
}

function namesIn(path: string): string[] | undefined {
  return existsSync(path) ? Object.keys(readEnvFile(path).values) : undefined
}

function insertAfterProject(draft: Draft, more: Draft): void {
  const { project, ...rest } = draft
  for (const key of Object.keys(draft)) delete draft[key]
  Object.assign(draft, { project, ...more, ...rest })
}

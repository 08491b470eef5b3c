import {
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  rmSync,
  writeFileSync,
  writeSync,
} from 'node:fs'
import { dirname, isAbsolute, join } from 'node:path'

/** A file that is written as one goes, so that all of it is there when this process is killed. */
export type LogFile = { path: string; write(text: string): void }

type Environment = Readonly<Record<string, string | undefined>>

/** Of each command of a project. */
const kept = 5

/**
 * Makes a log in this user's folder for what programs remember, and takes away the oldest of that command.
 * @param name time, command and something that no other run has
 * @throws Error where there is no such folder, it is not this user's own, or nothing can be written there
 */
export function openLogFile(environment: Environment, project: string, name: string): LogFile {
  const all = join(stateFolder(environment), 'jiji-logs')
  const folder = join(all, project)
  for (const one of [all, folder]) makeOwnFolder(one)
  keepFromGit(all)
  removeOldest(folder, name)
  const path = join(folder, `${name}.log`)
  const { O_APPEND, O_CREAT, O_EXCL, O_NOFOLLOW, O_WRONLY } = constants
  const file = openSync(path, O_APPEND | O_CREAT | O_EXCL | O_NOFOLLOW | O_WRONLY, 0o600)
  return { path, write: text => void writeSync(file, text) }
}

/** As https://specifications.freedesktop.org/basedir-spec has it: a relative path is none. */
function stateFolder({ XDG_STATE_HOME = '', HOME = '' }: Environment): string {
  if (isAbsolute(XDG_STATE_HOME)) return XDG_STATE_HOME
  if (isAbsolute(HOME)) return join(HOME, '.local/state')
  throw new Error('neither XDG_STATE_HOME nor HOME names a folder')
}

/** What others can put a link into, or look into, is no place for it. */
function makeOwnFolder(folder: string): void {
  makeFolder(folder)
  const stat = lstatSync(folder)
  if (!stat.isDirectory()) throw new Error(`${folder} is a link, and no folder`)
  if (stat.uid !== process.getuid?.()) throw new Error(`${folder} belongs to somebody else`)
  if ((stat.mode & 0o077) !== 0) chmodSync(folder, 0o700)
}

/** Node's own way to make the folders above as well never ends where one cannot be made, as in /proc. */
function makeFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 })
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    if (code === 'EEXIST') return
    if (code !== 'ENOENT' || dirname(folder) === folder) throw error
    makeFolder(dirname(folder))
    mkdirSync(folder, { mode: 0o700 })
  }
}

function keepFromGit(folder: string): void {
  try {
    writeFileSync(join(folder, '.gitignore'), '*\n', { flag: 'wx', mode: 0o600 })
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error
  }
}

/** Names of one command begin with their time, so that they sort by it. */
function removeOldest(folder: string, name: string): void {
  const logs = readdirSync(folder).filter(one => commandOf(one) === commandOf(`${name}.log`))
  for (const one of logs.toSorted().slice(0, -kept + 1)) rmSync(join(folder, one), { force: true })
}

function commandOf(file: string): string | undefined {
  return /^\d{4}-\d\d-\d\dT[\d.-]+Z-([a-z-]+)-[0-9a-f]{6}\.log$/.exec(file)?.[1]
}

import { randomBytes } from 'node:crypto'
import {
  closeSync,
  constants,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { JijiError } from '../errors.ts'

export type NewFile = { path: string; contents: string | Buffer; mode?: number }

/**
 * Puts files in their places, each at once and whole: nobody ever sees a part of one, or one that others may read. All or
 * none: if one fails, those before it are put back. `check` is given the files while they are not in their places yet.
 * @throws JijiError usage, failed
 */
export function putFiles(files: readonly NewFile[], check: (written: readonly string[]) => void = () => {}): void {
  const written: string[] = []
  try {
    for (const file of files) {
      refuseOddPlace(file.path)
      mkdirSync(dirname(file.path), { recursive: true, mode: 0o700 })
      written.push(writeBeside(file))
    }
    check(written)
    moveAll(files, written)
  } catch (error) {
    throw error instanceof JijiError ? error : readable(error)
  } finally {
    for (const path of written) rmSync(path, { force: true })
  }
}

/** A symbolic link could lead anywhere, and what it leads to was not asked for. */
function refuseOddPlace(path: string): void {
  const stat = lstatSync(path, { throwIfNoEntry: false })
  if (stat === undefined || stat.isFile()) return
  const what = stat.isSymbolicLink() ? 'a symbolic link' : stat.isDirectory() ? 'a folder' : 'no ordinary file'
  throw new JijiError('usage', `${path} is ${what}`, {
    hint: stat.isSymbolicLink() ? 'name the file that it leads to' : 'name a file',
  })
}

function writeBeside({ path, contents, mode = 0o600 }: NewFile): string {
  const beside = join(dirname(path), `.${basename(path)}.${randomBytes(6).toString('hex')}.tmp`)
  const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants
  const file = openSync(beside, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600)
  try {
    writeFileSync(file, contents)
    keepOwner(file, path)
    fchmodSync(file, mode)
    fsyncSync(file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  } finally {
    closeSync(file)
  }
  return beside
}

/** Root may replace somebody's own file, who must still be able to read it. */
function keepOwner(file: number, path: string): void {
  const before = lstatSync(path, { throwIfNoEntry: false })
  if (before && process.getuid?.() === 0) fchownSync(file, before.uid, before.gid)
}

function moveAll(files: readonly NewFile[], written: readonly string[]): void {
  const undo: (() => void)[] = []
  try {
    files.forEach(({ path }, index) => {
      const before = existsSync(path)
        ? { path, contents: readFileSync(path), mode: lstatSync(path).mode & 0o777 }
        : undefined
      renameSync(written[index] ?? '', path)
      undo.push(() => (before ? renameSync(writeBeside(before), path) : rmSync(path, { force: true })))
    })
  } catch (error) {
    for (const one of undo.toReversed()) one()
    throw error
  }
  for (const folder of new Set(files.map(({ path }) => dirname(path)))) flushFolder(folder)
}

/** The new name itself must reach the disk; where folders cannot be opened, it does so in time. */
function flushFolder(path: string): void {
  try {
    const folder = openSync(path, constants.O_RDONLY)
    try {
      fsyncSync(folder)
    } finally {
      closeSync(folder)
    }
  } catch {
    // What had to be written is written.
  }
}

function readable(error: unknown): unknown {
  const { code, path } = error as NodeJS.ErrnoException
  if (code === undefined) return error
  return new JijiError('failed', `${path ?? 'the file'} cannot be written: ${(error as Error).message}`, {
    cause: error,
  })
}

import { execFileSync } from 'node:child_process'
import { chownSync, existsSync, mkdirSync, symlinkSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { refuseWhatGitTakes } from '../../src/registry/git.ts'
import { localRunner } from '../../src/runner/local.ts'
import { folderWith, write } from '../config/folder.ts'

const { signal } = new AbortController()
const git = (folder: string, ...words: string[]) => execFileSync('git', words, { cwd: folder, stdio: 'ignore' })

/** What is refused, and the advice; undefined where it is allowed. */
async function refusal(path: string, options?: { hasOwnFolder: boolean }): Promise<string | undefined> {
  try {
    await refuseWhatGitTakes(localRunner('here'), path, signal, options)
    return undefined
  } catch (error) {
    const { message, hint } = error as { message: string; hint: string }
    return `${message} (${hint})`
  }
}

function workTree(files: Record<string, string> = {}): string {
  const folder = folderWith(files)
  git(folder, 'init', '-q')
  return folder
}

describe('a file is refused', () => {
  test('that git would commit, and the line for .gitignore is named', async () => {
    const folder = workTree()
    expect(await refusal(join(folder, 'auth.json'))).toBe(
      `git would commit ${folder}/auth.json, and with it the secrets (add the line /auth.json to ${folder}/.gitignore; or use --force)`,
    )
  })
  test('in folders that are not there yet', async () => {
    const folder = workTree({ 'x/y': '' })
    expect(await refusal(join(folder, 'x/new/folder/a.json'))).toContain('the line /x/new/folder/a.json to')
    expect(await refusal(join(folder, 'x/auth.d/a.json'), { hasOwnFolder: true })).toContain('the line /x/auth.d/ to')
  })
  test('that git keeps, although it is ignored', async () => {
    const folder = workTree({ '.gitignore': 'a.json\n', 'a.json': '' })
    git(folder, 'add', '-f', 'a.json')
    expect(await refusal(join(folder, 'a.json'))).toContain('git keeps')
    expect(await refusal(join(folder, 'a.json'))).toContain('git rm --cached')
  })
  test('by its real place', async () => {
    const folder = workTree({ 'real/x': '' })
    const link = join(folderWith({}), 'link')
    symlinkSync(join(folder, 'real'), link)
    expect(await refusal(join(link, 'a.json'))).toContain('the line /real/a.json to')
  })
  test('whatever is in its name', async () => {
    const folder = workTree({ '.gitignore': 'plain\n' })
    expect(await refusal(join(folder, "it's *[x]?"))).toContain("the line /it's \\*\\[x]\\? to")
    write(folder, { '.gitignore': "/it's \\*\\[x]\\?\n" })
    expect(await refusal(join(folder, "it's *[x]?"))).toBeUndefined()
    expect(await refusal(join(folder, '-n $(touch pwned)'))).toContain('git would commit')
    expect(existsSync(join(folder, 'pwned'))).toBe(false)
  })
  test('in a work tree of somebody else', async () => {
    if (process.getuid?.() !== 0) return
    const folder = workTree()
    chownSync(folder, 65_534, 65_534)
    chownSync(join(folder, '.git'), 65_534, 65_534)
    expect(await refusal(join(folder, 'a.json'))).toContain('git would commit')
  })
  test('also when a git hook calls, whose variables name another repository', async () => {
    const folder = workTree()
    vi.stubEnv('GIT_DIR', '/nowhere')
    vi.stubEnv('GIT_WORK_TREE', '/nowhere')
    try {
      expect(await refusal(join(folder, 'a.json'))).toContain('git would commit')
    } finally {
      vi.unstubAllEnvs()
    }
  })
})

describe('a file is allowed', () => {
  test.each(['*.json', '/out/', 'out/*', '**/a.json'])('that %s ignores', async pattern => {
    const folder = workTree({ '.gitignore': `${pattern}\n` })
    expect(await refusal(join(folder, 'out/a.json'))).toBeUndefined()
  })
  test('outside of every work tree, and in .git itself', async () => {
    expect(await refusal(join(folderWith({}), 'a.json'))).toBeUndefined()
    const folder = workTree()
    mkdirSync(join(folder, '.git/x'))
    expect(await refusal(join(folder, '.git/x/a.json'))).toBeUndefined()
  })
})

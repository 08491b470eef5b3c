import { execFileSync } from 'node:child_process'
import { PassThrough } from 'node:stream'
import { beforeAll, describe, expect, test, vi } from 'vitest'
import { main } from '../../src/cli/main.ts'
import { smallest } from '../config/deploy-yml.ts'
import { folderWith, write } from '../config/folder.ts'

beforeAll(() => vi.stubGlobal('JIJI_VERSION', '0.0.0'))

const git = (directory: string, ...words: string[]) => execFileSync('git', words, { cwd: directory, stdio: 'ignore' })

async function validate(directory: string, ...words: string[]): Promise<string> {
  const [stdin, stdout, stderr] = [0, 1, 2].map(() => new PassThrough())
  stdin?.end()
  const argv = ['validate', ...words]
  const world = { argv, environment: {}, forget: () => {}, directory, stdin, stdout, stderr }
  expect(await main(world as unknown as Parameters<typeof main>[0])).toBe(0)
  return `${stderr?.read() ?? ''}${stdout?.read() ?? ''}`
}

/** Real git, in a folder of its own. */
describe('files with secrets that git would take', () => {
  const key = 'ssh: {keys: [id_deploy]}\n'
  const files = {
    '.jiji/deploy.yml': `${smallest}${key}`,
    '.jiji/deploy.staging.yml': 'deploy: {retain: 3}\n',
    '.env': 'TOKEN=hunter2\n',
    '.env.staging': 'TOKEN=hunter3\n',
    id_deploy: 'a key\n',
  }
  const folder = () => {
    const directory = folderWith(files)
    git(directory, 'init', '-q')
    return directory
  }

  test('are named with the line that .gitignore lacks, and never shown', async () => {
    const said = await validate(folder(), '-e', 'staging')
    expect(said).not.toContain('hunter')
    expect(said).toContain(
      'warning: .env:1:1: git would take .env with the next commit, and with it the secrets in it\n  add the line /.env to .gitignore\n',
    )
    expect(said).toContain('warning: .env.staging:1:1: git would take .env.staging')
    expect(said).toContain('deploy.yml:6:14: ssh.keys.0: git would take id_deploy')
  })
  test('are those that are read, and no others', async () => {
    expect(await validate(folder())).not.toContain('.env.staging')
  })
  test('are not those that it ignores, nor any where there is no work tree', async () => {
    const directory = folder()
    write(directory, { '.gitignore': '.env\n.env.*\nid_*\n' })
    expect(await validate(directory, '-e', 'staging')).not.toContain('warning')
    expect(await validate(folderWith(files))).not.toContain('warning')
  })
  test('are worse when it has them already', async () => {
    const directory = folder()
    git(directory, 'add', '-f', '.env')
    expect(await validate(directory)).toContain(
      'git keeps .env, and with it the secrets in it\n  git rm --cached .env, then',
    )
  })
  test('have a place in JSON', async () => {
    const { warnings } = JSON.parse(await validate(folder(), '-o', 'json'))
    expect(warnings).toMatchObject([
      { line: 1, column: 1, path: '', code: 'not-ignored', hint: 'add the line /.env to .gitignore' },
      { line: 6, column: 14, path: 'ssh.keys.0', code: 'not-ignored' },
    ])
  })
})

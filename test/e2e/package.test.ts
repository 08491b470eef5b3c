import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type ActionResult, action, runAction } from './action.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|E(HOST|NET)UNREACH/
const needed = /^(package\.json|README\.md|LICENSE|dist\/[\w-]+\.js|dist\/LICENSES\.txt|dist\/man\/[\w.-]+\.[15])$/
/** Of this checkout, what a clone does not have. */
const left = new Set(['node_modules', 'dist', '.git', '.demo'])
const isTemplate = (file: string) => file.startsWith('templates/') && existsSync(join(root, file))

/** As it is in a fresh clone, built by `npm pack`, and installed by the action of this repository. */
describe('the package', () => {
  let folder: string
  let bin: string
  let installed: ActionResult
  const at = (...names: string[]) => join(folder, ...names)
  const run = (program: string, ...words: string[]) =>
    execa(program, words, { cwd: at('project'), env: { PATH: bin }, reject: false, stdin: 'ignore' })

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jiji-package-'))
    bin = onlyWith(at('bin'), ['node', 'npm', 'sh', 'env', 'bash'])
    mkdirSync(at('project'))
    cpSync(root, at('clone'), { recursive: true, filter: path => !left.has(relative(root, path)) })
    symlinkSync(join(root, 'node_modules'), at('clone', 'node_modules'))
    const environment = { ...ownEnvironment(), PATH: bin, GITHUB_ACTION_PATH: at('clone') }
    installed = await runAction(
      {},
      { workspace: at('project'), temp: at('temp'), environment },
      action.runs.steps.slice(0, 1),
    )
  }, 600_000) // npm has to be asked, on a machine that may be busy
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  const tarball = () => at('temp', `jiji-${version}.tgz`)

  test('has what is needed, and nothing else', async () => {
    const { stdout } = await execa('tar', ['-tzf', tarball()])
    const files = stdout.split('\n').map(file => file.replace('package/', ''))
    expect(files.filter(file => !needed.test(file) && !isTemplate(file))).toEqual([])
    const built = readdirSync(at('clone', 'dist'), { recursive: true, withFileTypes: true })
    expect(files.filter(file => file.startsWith('dist/'))).toHaveLength(built.filter(one => one.isFile()).length)
    for (const file of ['README.md', 'LICENSE', 'templates/deploy.yml', 'templates/hooks/pre-deploy.sample'])
      expect(files).toContain(file)
  })

  test('begins with two files, since each that is loaded takes time', () => {
    const begins = (program: string) => [...importedBy(at('clone', 'dist', program))].map(file => basename(file))
    expect(begins('main.js')).toEqual(['main.js', expect.stringMatching(/^core-/)])
    expect(begins('docker-credential-jiji.js')).toEqual(['docker-credential-jiji.js'])
  })

  test('says of itself only what holds', async () => {
    const { buffer } = new Uint8Array(readFileSync(tarball()))
    const { messages, pkg = {} } = await publint({ pack: { tarball: buffer }, level: 'suggestion', strict: true })
    expect(messages.map(message => formatMessage(message, pkg))).toEqual([])
  })

  test('is installed by one command, also where nothing can be compiled', async ({ skip }) => {
    const { code, stderr, environment } = installed
    if (code !== 0 && unreachable.test(stderr)) skip(`npm cannot reach its registry: ${stderr}`)
    expect({ code, stderr }).toMatchObject({ code: 0 })
    const prefix = at('temp', 'jiji')
    expect(environment.PATH).toBe(`${join(prefix, 'bin')}:${bin}`)

    const jiji = (...words: string[]) => run(join(prefix, 'bin', 'jiji'), ...words)
    expect((await jiji('--version')).stdout).toBe(`jiji ${version}`)
    expect((await jiji('--help')).stdout).toContain('Exit status:')
    writeFileSync(at('project', 'Dockerfile'), 'FROM node:20-slim\nEXPOSE 3000\n')
    expect(await jiji('init', '--name', 'shop', '--server', '127.0.0.1:1')).toMatchObject({ exitCode: 0 })
    expect(await jiji('validate')).toMatchObject({ exitCode: 0 })
    expect(await jiji('status')).toMatchObject({ exitCode: 4 }) // what speaks SSH is outside of the bundle
    expect((await run(join(prefix, 'bin', 'docker-credential-jiji'), 'list')).stdout).toBe('{}')
    expect(readFileSync(join(prefix, 'share/man/man1/jiji-deploy.1'), 'utf8')).toContain('JIJI\\-DEPLOY')
    expect(existsSync(join(prefix, 'share/man/man5/jiji-deploy.yml.5'))).toBe(true)
  })
})

/** The files of a bundle that one of them cannot begin without, itself included. */
function importedBy(file: string, known = new Set<string>()): Set<string> {
  if (known.has(file)) return known
  known.add(file)
  const imports = readFileSync(file, 'utf8').matchAll(/^import .*?"(\.\/[^"]+)";$/gm)
  for (const [, name = ''] of imports) importedBy(join(dirname(file), name), known)
  return known
}

/** npm tells what it runs of its own settings, which another npm would take for its own. */
function ownEnvironment(): Record<string, string> {
  const own = Object.entries(process.env).filter(([name]) => !/^npm_(config_(local|global)_prefix|package)/.test(name))
  return Object.fromEntries(own.map(([name, value = '']) => [name, value]))
}

/** A folder for PATH that has these programs and no others. */
function onlyWith(folder: string, programs: readonly string[]): string {
  mkdirSync(folder)
  const places = (process.env.PATH ?? '').split(delimiter)
  for (const program of programs) {
    const found = program === 'node' ? process.execPath : places.map(place => join(place, program)).find(existsSync)
    if (found) symlinkSync(realpathSync(found), join(folder, program))
  }
  return folder
}

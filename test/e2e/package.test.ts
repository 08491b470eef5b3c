import {
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
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { execa } from 'execa'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../..', import.meta.url))
const { version } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))
const unreachable = /ENOTFOUND|EAI_AGAIN|ECONNREFUSED|ETIMEDOUT|E(HOST|NET)UNREACH/
const needed = /^(package\.json|README\.md|LICENSE|dist\/[\w-]+\.js|dist\/LICENSES\.txt|dist\/man\/[\w.-]+\.[15])$/
const isTemplate = (file: string) => file.startsWith('templates/') && existsSync(join(root, file))

describe('the package', () => {
  let folder: string
  let tarball: string
  let files: string[]

  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'jiji-package-'))
    const words = ['pack', '--json', '--ignore-scripts', '--pack-destination', folder]
    const { stdout } = await execa('npm', words, { cwd: root })
    const [packed] = Object.values(JSON.parse(stdout)) as { filename: string; files: { path: string }[] }[]
    files = packed?.files.map(({ path }) => path) ?? []
    tarball = join(folder, packed?.filename ?? '')
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test('has what is needed, and nothing else', () => {
    expect(files.filter(file => !needed.test(file) && !isTemplate(file))).toEqual([])
    const built = readdirSync(join(root, 'dist'), { recursive: true, withFileTypes: true })
    expect(files.filter(file => file.startsWith('dist/'))).toHaveLength(built.filter(one => one.isFile()).length)
    for (const file of ['README.md', 'LICENSE', 'templates/deploy.yml', 'templates/hooks/pre-deploy.sample'])
      expect(files).toContain(file)
  })

  test('says of itself only what holds', async () => {
    const { buffer } = new Uint8Array(readFileSync(tarball))
    const { messages, pkg = {} } = await publint({ pack: { tarball: buffer }, level: 'suggestion', strict: true })
    expect(messages.map(message => formatMessage(message, pkg))).toEqual([])
  })

  test('is installed by one command, also where nothing can be compiled', async ({ skip }) => {
    const prefix = join(folder, 'prefix')
    const bin = onlyWith(join(folder, 'bin'), ['node', 'npm', 'sh', 'env'])
    const run = (program: string, ...words: string[]) =>
      execa(program, words, { cwd: folder, env: { PATH: bin }, reject: false, stdin: 'ignore' })
    const options = ['--global', '--prefix', prefix, '--prefer-offline', '--no-audit', '--no-fund', '--loglevel=error']
    const { exitCode, stderr } = await run(join(bin, 'npm'), 'install', ...options, tarball)
    if (exitCode !== 0 && unreachable.test(stderr)) skip(`npm cannot reach its registry: ${stderr}`)
    expect({ exitCode, stderr }).toMatchObject({ exitCode: 0 })

    const jiji = (...words: string[]) => run(join(prefix, 'bin', 'jiji'), ...words)
    expect((await jiji('--version')).stdout).toBe(`jiji ${version}`)
    expect((await jiji('--help')).stdout).toContain('Exit status:')
    writeFileSync(join(folder, 'Dockerfile'), 'FROM node:20-slim\nEXPOSE 3000\n')
    expect((await jiji('init', '--name', 'shop', '--server', '127.0.0.1:1')).exitCode).toBe(0)
    expect(await jiji('validate')).toMatchObject({ exitCode: 0 })
    expect(await jiji('status')).toMatchObject({ exitCode: 4 }) // what speaks SSH is outside of the bundle
    expect((await run(join(prefix, 'bin', 'docker-credential-jiji'), 'list')).stdout).toBe('{}')
    expect(readFileSync(join(prefix, 'share/man/man1/jiji-deploy.1'), 'utf8')).toContain('JIJI\\-DEPLOY')
    expect(existsSync(join(prefix, 'share/man/man5/jiji-deploy.yml.5'))).toBe(true)
  })
})

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

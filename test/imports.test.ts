import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, normalize } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'

/** The rules of DESIGN section 6: text of each file by its path below src/. */
type Sources = Readonly<Record<string, string>>

const layers = [
  'errors.ts',
  'config',
  'shell',
  'runner',
  'registry',
  'deploy',
  'ui',
  'cli',
  'main.ts',
  'docker-credential-jiji.ts',
]

const homes: Record<string, string> = {
  ssh2: 'runner',
  execa: 'runner',
  yaml: 'config',
  zod: 'config',
  dotenv: 'config',
  chalk: 'ui',
  cac: 'cli',
}

const rules: Record<string, (sources: Sources) => string[]> = {
  'a file imports from its own folder and those below it': sources =>
    eachImport(sources).flatMap(({ file, from }) => {
      const target = targetOf(file, from)
      if (target === undefined) return []
      if (!layers.includes(layerOf(target))) return [`${file} imports ${from}, which is no part of the house`]
      return layers.indexOf(layerOf(target)) > layers.indexOf(layerOf(file)) ? [`${file} must not import ${from}`] : []
    }),
  'an import names a file that exists': sources =>
    eachImport(sources).flatMap(({ file, from }) => {
      const target = targetOf(file, from)
      return target === undefined || target in sources ? [] : [`${file} imports ${from}, which does not exist`]
    }),
  'a package is used in one folder only': sources =>
    eachImport(sources).flatMap(({ file, from }) => {
      const name = from.split('/')[0] ?? ''
      if (from.startsWith('.') || from.startsWith('node:')) return []
      if (!(name in homes)) return [`${file} imports ${from}, a package that has no home`]
      return homes[name] === layerOf(file) ? [] : [`${file} imports ${from}, which belongs in ${homes[name]}/`]
    }),
  'nobody ends the process': sources => occurrences(sources, /process\.exit\s*\(/g),
  'the exit code is set in the two programs': sources =>
    occurrences(sources, /process\.exitCode/g).filter(one => !/^(main|docker-credential-jiji)\.ts:/.test(one)),
  'nothing imports a program': sources =>
    eachImport(sources)
      .filter(({ file, from }) => /^(main|docker-credential-jiji)\.ts$/.test(targetOf(file, from) ?? ''))
      .map(({ file, from }) => `${file} must not import ${from}`),
  'nothing in shell/ is asynchronous': sources =>
    occurrences(sources, /\b(async|await|Promise|setTimeout|then\()/g).filter(one => one.startsWith('shell/')),
  'the ground knows neither disk nor network': sources =>
    eachImport(sources)
      .filter(({ file, from }) => layerOf(file) === 'shell' && /^node:(?!crypto$)/.test(from))
      .map(({ file, from }) => `${file} imports ${from}`),
  'no state at module level': sources => [
    ...occurrences(sources, /^(export )?(let|var) .*/gm),
    ...Object.entries(sources).flatMap(([file, text]) =>
      collections(text).flatMap(name => occurrences({ [file]: text }, changes(name))),
    ),
  ],
  'no cycles, of types neither': sources => cycles(sources),
}

describe('the house', () => {
  const sources = readSources(fileURLToPath(new URL('../src', import.meta.url)))

  test('has files on every floor', () => {
    for (const layer of layers) expect(Object.keys(sources).map(layerOf)).toContain(layer)
  })
  test.each(Object.keys(rules))('%s', rule => expect(rules[rule]?.(sources)).toEqual([]))
})

describe('the rules find', () => {
  test.each<[string, string, Sources, string]>([
    [
      'an import upward',
      'a file imports from its own folder and those below it',
      { 'config/a.ts': "import { b } from '../ui/b.ts'" },
      'config/a.ts must not import ../ui/b.ts',
    ],
    [
      'a type imported upward',
      'a file imports from its own folder and those below it',
      { 'shell/a.ts': "import type {\n  B,\n} from '../cli/commands/b.ts'" },
      'shell/a.ts must not import ../cli/commands/b.ts',
    ],
    [
      'an import upward that comes late',
      'a file imports from its own folder and those below it',
      { 'deploy/a.ts': "const b = await import('../ui/b.ts')" },
      'deploy/a.ts must not import ../ui/b.ts',
    ],
    [
      'a folder that is not in the list',
      'a file imports from its own folder and those below it',
      { 'cli/a.ts': "export * from '../util/b.ts'" },
      'cli/a.ts imports ../util/b.ts, which is no part of the house',
    ],
    [
      'a file that does not exist',
      'an import names a file that exists',
      { 'cli/a.ts': "import './b.ts'" },
      'cli/a.ts imports ./b.ts, which does not exist',
    ],
    [
      'a package in a wrong folder',
      'a package is used in one folder only',
      { 'deploy/a.ts': "import { Client } from 'ssh2'" },
      'deploy/a.ts imports ssh2, which belongs in runner/',
    ],
    [
      'a package that nobody has decided on',
      'a package is used in one folder only',
      { 'cli/a.ts': "import _ from 'lodash'" },
      'cli/a.ts imports lodash, a package that has no home',
    ],
    ['an exit', 'nobody ends the process', { 'cli/a.ts': 'x\nprocess.exit(1)' }, 'cli/a.ts:2: process.exit('],
    [
      'an exit code',
      'the exit code is set in the two programs',
      { 'cli/a.ts': 'process.exitCode = 1' },
      'cli/a.ts:1: process.exitCode',
    ],
    [
      'an import of a program',
      'nothing imports a program',
      { 'docker-credential-jiji.ts': "import './main.ts'" },
      'docker-credential-jiji.ts must not import ./main.ts',
    ],
    [
      'something asynchronous',
      'nothing in shell/ is asynchronous',
      { 'shell/a.ts': 'export async function a() {}' },
      'shell/a.ts:1: async',
    ],
    [
      'a disk',
      'the ground knows neither disk nor network',
      { 'shell/a.ts': "import 'node:fs'" },
      'shell/a.ts imports node:fs',
    ],
    ['a variable', 'no state at module level', { 'ui/a.ts': 'let count = 0' }, 'ui/a.ts:1: let count = 0'],
    [
      'a collection that grows',
      'no state at module level',
      { 'ui/a.ts': 'const seen = new Map<string, number>()\nfunction f() { seen.set("a", 1) }' },
      'ui/a.ts:2: seen.set(',
    ],
    [
      'a cycle',
      'no cycles, of types neither',
      {
        'ui/a.ts': "import './b.ts'",
        'ui/b.ts': "import type { C } from './c.ts'",
        'ui/c.ts': "import { a } from './a.ts'",
      },
      'ui/a.ts -> ui/b.ts -> ui/c.ts -> ui/a.ts',
    ],
  ])('%s', (_, rule, sources, message) => expect(rules[rule]?.(sources)).toEqual([message]))

  test('nothing in comments', () => {
    const sources = { 'shell/a.ts': '// await process.exit(1)\n/**\n * async: Promise\n */\nexport const a = 1' }
    for (const rule of Object.values(rules)) expect(rule(sources)).toEqual([])
  })
})

function readSources(folder: string): Sources {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return Object.fromEntries(
    files
      .map(entry => join(entry.parentPath, entry.name))
      .map(path => [path.slice(folder.length + 1), readFileSync(path, 'utf8')]),
  )
}

function layerOf(file: string): string {
  return file.split('/')[0] ?? ''
}

function eachImport(sources: Sources): { file: string; from: string }[] {
  const pattern = /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*'([^']+)'|\bimport\s*\(\s*'([^']+)'|\bimport\s+'([^']+)'/g
  return Object.entries(sources).flatMap(([file, text]) =>
    [...withoutComments(text).matchAll(pattern)].map(([, a, b, c]) => ({ file, from: a ?? b ?? c ?? '' })),
  )
}

/** The path below src/ that a relative import leads to. */
function targetOf(file: string, from: string): string | undefined {
  return from.startsWith('.') ? normalize(join(dirname(file), from)) : undefined
}

function occurrences(sources: Sources, pattern: RegExp): string[] {
  return Object.entries(sources).flatMap(([file, source]) => {
    const text = withoutComments(source)
    return [...text.matchAll(pattern)].map(
      match => `${file}:${text.slice(0, match.index).split('\n').length}: ${match[0]}`,
    )
  })
}

function withoutComments(text: string): string {
  return text.replace(/\/\*[\s\S]*?\*\//g, comment => comment.replace(/[^\n]/g, '')).replace(/(^|[\s;])\/\/.*$/gm, '$1')
}

function collections(text: string): string[] {
  return [...text.matchAll(/^(?:export )?const (\w+)[^=\n]*= (?:new (?:Weak)?(?:Map|Set)\b|\[|\{)/gm)].map(
    ([, name = '']) => name,
  )
}

function changes(name: string): RegExp {
  const methods = 'set|add|delete|clear|push|pop|shift|unshift|splice|sort|reverse|fill'
  return new RegExp(`(?<![.\\w])${name}(?:\\.(?:${methods})\\(|\\[[^\\]]*\\] = |\\.\\w+ = )`, 'g')
}

function cycles(sources: Sources): string[] {
  const found: string[] = []
  const done = new Set<string>()
  const imports = (file: string) =>
    eachImport({ [file]: sources[file] ?? '' }).flatMap(({ from }) => targetOf(file, from) ?? [])
  const visit = (file: string, path: readonly string[]) => {
    const start = path.indexOf(file)
    if (start >= 0) found.push([...path.slice(start), file].join(' -> '))
    if (start >= 0 || done.has(file)) return
    for (const next of imports(file)) visit(next, [...path, file])
    done.add(file)
  }
  for (const file of Object.keys(sources)) visit(file, [])
  return found
}

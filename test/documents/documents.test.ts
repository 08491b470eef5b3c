import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { parse as parseYaml } from 'yaml'
import { catalogue } from '../../src/cli/catalogue.ts'
import { describeOption, shared } from '../../src/cli/options.ts'
import { parse } from '../../src/cli/parse.ts'
import { configSchema } from '../../src/config/json-schema.ts'
import { entriesOf, findEntries } from '../../src/config/reference.ts'
import { linesOf, problemsOf } from '../config/deploy-yml.ts'
import { anchorsOf, type Block, codeIn, commandLines, linksIn, readMarkdown } from './markdown.ts'

const root = fileURLToPath(new URL('../..', import.meta.url))
const pages = pagesBelow(root)
const source = readAll(join(root, 'src'))

const options = new Set(
  [...Object.values(shared), ...catalogue.flatMap(command => command.options ?? [])].map(
    one => describeOption(one).name,
  ),
)
/** Of engines, of the kubelet, and of the original Jiji. */
const foreign = [
  ...['authfile', 'tls-verify'],
  ...['image-credential-provider-bin-dir', 'image-credential-provider-config'],
  ...['build', 'host-env'],
]

test('all pages are looked at', () => {
  expect(pages.length).toBeGreaterThan(20)
  expect(pages).toEqual(expect.arrayContaining(['README.md', 'SECURITY.md', 'docs/first-deploy.md']))
})

test('the README has two screens, and docs/README.md has all pages', () => {
  expect(read('README.md').split('\n').length).toBeLessThanOrEqual(100)
  const listed = linksIn(readMarkdown(read('docs/README.md')).prose).map(link => link.replace(/#.*/, ''))
  const own = pages.filter(page => dirname(page) === 'docs' && page !== 'docs/README.md')
  expect(own.filter(page => !listed.includes(page.slice('docs/'.length)))).toEqual([])
})

describe.each(pages)('%s', page => {
  const { blocks, prose } = readMarkdown(read(page))

  test('has links that lead somewhere', () => {
    expect(linksIn(prose).filter(link => !leadsSomewhere(page, link))).toEqual([])
  })
  test('has command lines that jiji takes', () => {
    const shown = blocks.filter(({ language }) => language !== 'yaml').flatMap(({ text }) => commandLines(text, 'jiji'))
    const named = codeIn(prose)
      .flatMap(code => commandLines(code, 'jiji'))
      .filter(words => !isPattern(words))
    expect([
      ...shown.flatMap(words => refusalOf(words)),
      ...named.flatMap(words => refusalOf(words, / needs /)),
    ]).toEqual([])
  })
  test('names options that there are', () => {
    const named = codeIn(prose).flatMap(code => /^--([a-z][a-z-]*)/.exec(code)?.[1] ?? [])
    expect(named.filter(name => !options.has(name) && !foreign.includes(name))).toEqual([])
  })
  test('has scripts of npm that there are', () => {
    const { scripts } = JSON.parse(read('package.json')) as { scripts: Record<string, string> }
    const texts = [...blocks.map(({ text }) => text), ...codeIn(prose)]
    const named = texts
      .flatMap(text => commandLines(text, 'npm'))
      .map(words => (words[0] === 'run' ? words[1] : words[0]))
    expect(
      named.filter(name => !['install', 'link', 'ci', 'pack', ...Object.keys(scripts)].includes(name ?? '')),
    ).toEqual([])
  })
  test('has YAML that is valid', () => {
    expect(blocks.filter(isConfiguration).flatMap(problemsOfBlock)).toEqual([])
  })
  test('names files that there are', () => {
    const below = page === 'docs/architecture.md' ? /^(config|shell|runner|registry|deploy|ui|cli)\/[\w/.-]*$/ : /^$/
    const paths = codeIn(prose).flatMap(code =>
      /^(src|test|docs|examples|templates|bench)\/[\w./-]*$/.test(code) ? code : below.test(code) ? `src/${code}` : [],
    )
    expect(paths.filter(path => !existsSync(join(root, path)))).toEqual([])
  })
  // The tables of that page have the words of other tools.
  if (page === 'docs/moving.md') return
  test('names keys that there are', () => {
    const entries = entriesOf(configSchema())
    const tops = 'project|builder|registries|ssh|servers|environment|services|deploy|proxy'
    const keys = codeIn(prose).filter(
      code => new RegExp(`^(${tops})(\\.[A-Za-z_]+)+$`).test(code) && !/\.(ya?ml|ts)$/.test(code),
    )
    expect(keys.filter(key => findEntries(entries, key).found.length === 0)).toEqual([])
  })
})

describe('docs/troubleshooting.md', () => {
  const headings = [...read('docs/troubleshooting.md').matchAll(/^### (.*)$/gm)].flatMap(([, heading = '']) =>
    codeIn(heading),
  )

  test('quotes messages', () => expect(headings.length).toBeGreaterThan(20))
  test.each(headings)('%s is said by jiji', heading => {
    const parts = heading
      .split('…')
      .map(part => part.replace(/^[\s:;,]+|[\s:;,]+$/g, ''))
      .filter(Boolean)
    expect(parts.filter(part => !source.includes(part))).toEqual([])
  })
})

describe('a mistake is found:', () => {
  test.each([
    ['a page that is not there', 'nowhere.md', false],
    ['a heading that is not there', 'README.md#nowhere', false],
    ['a page', 'README.md', true],
    ['a heading of another page', 'docs/troubleshooting.md#servers', true],
    ['a folder', 'docs', true],
  ])('%s', (_, link, isThere) => expect(leadsSomewhere('README.md', link)).toBe(isThere))
  test.each([
    ['jiji deploi', ['there is no command deploi']],
    ['jiji deploy --fast', ['jiji deploy knows no option --fast']],
    ['jiji rollback v1 v2', ['jiji rollback does not take "v2"']],
    ['A=1 jiji status -o json | jq . && jiji logs "-f" > x   # jiji no', []],
    ["cat x | jiji registry import -; jiji exec web -- sh -c 'ls | wc'", []],
  ])('%s', (line, refusals) => expect(commandLines(line, 'jiji').flatMap(words => refusalOf(words))).toEqual(refusals))
  test.each([
    ['', 'project: myapp\nservices: {}\n', [expect.stringContaining('servers missing-key')]],
    ['', 'deploy: {paralel: 2}\n', ['1:10 deploy.paralel unknown-key: unknown key paralel (did you mean parallel?)']],
    ['under services.web', 'memory: much\n', [expect.stringContaining('services.web.memory wrong-value')]],
    ['under services.web', 'memory: 512m\n', []],
  ])('in YAML %s: %s', (about, text, problems) => {
    const found = problemsOfBlock({ language: 'yaml', about, text, line: 1 })
    expect(found).toEqual(problems)
  })
})

function read(page: string): string {
  return readFileSync(join(root, page), 'utf8')
}

function pagesBelow(folder: string): string[] {
  const entries = readdirSync(folder, { withFileTypes: true }).filter(
    ({ name }) => !/^(node_modules|dist|\.git)$/.test(name),
  )
  return entries.flatMap(entry => {
    const path = join(folder, entry.name)
    if (entry.isDirectory()) return pagesBelow(path)
    return entry.name.endsWith('.md') ? [relative(root, path)] : []
  })
}

function readAll(folder: string): string {
  const files = readdirSync(folder, { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
  return files.map(({ parentPath, name }) => readFileSync(join(parentPath, name), 'utf8')).join('\n')
}

function leadsSomewhere(page: string, link: string): boolean {
  const [path = '', anchor] = link.split('#')
  const target = path === '' ? join(root, page) : resolve(root, dirname(page), path)
  if (!existsSync(target)) return false
  return anchor === undefined || anchorsOf(readMarkdown(readFileSync(target, 'utf8')).prose).includes(anchor)
}

/** `jiji COMMAND --help` and `jiji registry …` stand for any. */
function isPattern(words: readonly string[]): boolean {
  return words.some(word => /^(…|COMMAND)$/.test(word))
}

function refusalOf(words: readonly string[], allowed = /^$/): string[] {
  try {
    parse(catalogue, words, {})
    return []
  } catch (error) {
    const { message } = error as Error
    return allowed.test(message) ? [] : [message]
  }
}

/** Other YAML says what it is: ```yaml of a kubelet. */
function isConfiguration({ language, about }: Block): boolean {
  return language === 'yaml' && (about === '' || about.startsWith('under '))
}

/** Of a whole deploy.yml as it is, by lines; a part of one, beginning at its top or ```yaml under services.web, in the rest of one. */
function problemsOfBlock({ about, text }: Block): string[] {
  const path = about
    .replace(/^under /, '')
    .split('.')
    .filter(Boolean)
  if (/^project:/m.test(text)) return linesOf(problemsOf(text, undefined, filesNamed))
  const part = path.reduceRight<unknown>((value, key) => ({ [key]: value }), parseYaml(text)) as Part
  const { web = {}, ...others } = part.services ?? {}
  const hosts = [web, ...Object.values(others)].flatMap(service => service.hosts ?? [])
  const servers = Object.fromEntries(['web1', ...hosts].map(name => [name, { host: `${name}.example.com` }]))
  const image = web.build || web.image ? {} : { image: 'redis:7' }
  const rest = { project: 'myapp', servers: { ...servers, ...part.servers } }
  const services = { web: { ...image, hosts: ['web1'], ...web }, ...others, ...(part.deploy?.order ? { db } : {}) }
  const problems = linesOf(problemsOf(JSON.stringify({ ...part, ...rest, services }), undefined, filesNamed))
  return path.length > 0 || problems.length === 0
    ? problems
    : linesOf(problemsOf(text)).filter(line => !/missing-key/.test(line))
}

type Part = {
  servers?: Record<string, unknown>
  services?: Record<string, { hosts?: string[]; image?: string; build?: unknown }>
  deploy?: { order?: string[] }
}

const db = { image: 'postgres:17', hosts: ['web1'] }

/** What the examples upload. */
const filesNamed = { 'config/app.conf': '', 'config/key.pem': '', 'gcp.json': '{}' }

// Bundles the sources into dist/: what every command needs in one file, since each file that is loaded costs, and what
// only some need in chunks that are loaded when they are, because all that is loaded is parsed.
import { execFileSync } from 'node:child_process'
import { chmodSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'rolldown'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))
const programs = ['src/main.ts', 'src/docker-credential-jiji.ts']

rmSync('dist', { recursive: true, force: true })
const { output } = await build({
  input: programs,
  platform: 'node',
  // ssh2 finds its native add-on beside itself, which makes tunnels two thirds faster.
  external: ['ssh2'],
  transform: { target: 'node20', define: { JIJI_VERSION: JSON.stringify(version) } },
  output: {
    dir: 'dist',
    format: 'esm',
    minify: 'dce-only',
    codeSplitting: {
      // Not the programs themselves: they wait for the chunks they load, which would wait for them.
      groups: [{ name: 'core', tags: ['$initial'], test: file => !programs.some(program => file.endsWith(program)) }],
    },
  },
  logLevel: 'warn',
})
for (const file of output) if (file.type === 'chunk' && file.isEntry) chmodSync(join('dist', file.fileName), 0o755)
writeFileSync('dist/LICENSES.txt', licencesOf(output.flatMap(file => (file.type === 'chunk' ? file.moduleIds : []))))
execFileSync(process.execPath, ['dist/main.js', 'man', 'dist/man'])

/**
 * The licences of the packages that are in the bundle, which ask to go with every copy.
 * @param {string[]} files
 */
function licencesOf(files) {
  const folders = new Set(files.flatMap(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file) ?? []))
  const texts = [...folders].sort().map(folder => {
    const licence = readdirSync(folder).find(name => /^licen[cs]e/i.test(name))
    if (!licence) throw new Error(`${folder} has no licence that could go with the bundle`)
    const { name, version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
    return `${name} ${version}\n\n${readFileSync(join(folder, licence), 'utf8').trim()}\n`
  })
  return `The programs in this folder contain these packages.\n\n${texts.join(`\n${'-'.repeat(80)}\n\n`)}`
}

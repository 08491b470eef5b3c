// Bundles the sources into dist/: a chunk per command, loaded when it is needed, because all that is loaded is parsed.
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { build } from 'esbuild'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

rmSync('dist', { recursive: true, force: true })
const { metafile } = await build({
  entryPoints: ['src/main.ts', 'src/docker-credential-jiji.ts'],
  outdir: 'dist',
  bundle: true,
  splitting: true,
  minifySyntax: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  // ssh2 finds its native add-on beside itself, which makes tunnels two thirds faster.
  external: ['ssh2'],
  define: { JIJI_VERSION: JSON.stringify(version) },
  // Packages in CommonJS ask for Node's own modules through `require`, which a module does not have.
  banner: {
    js: "import { createRequire as jijiRequire } from 'node:module'; const require = jijiRequire(import.meta.url);",
  },
  logLevel: 'warning',
  metafile: true,
})
writeFileSync('dist/LICENSES.txt', licencesOf(Object.keys(metafile.inputs)))
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

// Bundles the sources into dist/: a chunk per command, loaded when it is needed, because all that is loaded is parsed.
import { readFileSync, rmSync } from 'node:fs'
import { build } from 'esbuild'

const { version } = JSON.parse(readFileSync('package.json', 'utf8'))

rmSync('dist', { recursive: true, force: true })
await build({
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
})

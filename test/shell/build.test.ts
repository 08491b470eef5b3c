import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/config/config.ts'
import { Secret } from '../../src/config/secret.ts'
import { type BuildCache, type BuildOptions, buildImage } from '../../src/shell/build.ts'
import { exits } from '../../src/shell/engine.ts'
import { benchWith } from './shells.ts'

const build = { context: '.', args: {}, secrets: [], ssh: [] }
const name = 'ghcr.io/me/app/web:1'

const options = (over: Partial<BuildOptions>): BuildOptions => ({
  names: [name],
  context: '/context',
  platform: undefined,
  foreign: undefined,
  noCache: false,
  cache: undefined,
  labels: {},
  secrets: [],
  login: undefined,
  ...over,
})

type Cache = NonNullable<BuildOptions['cache']>
const cache = (given: BuildCache, over: Partial<Pick<Cache, 'isWritten' | 'tokens'>> = {}): Cache => ({
  isWritten: true,
  tokens: [],
  ...given,
  ...over,
})

/** Engines as they answer: with buildx, with BuildKit of their own, and with neither. */
const engines = {
  buildx: `*' buildx inspect'|'buildx inspect') echo 'Driver:  docker-container' ;;
*'buildx version') exit 0 ;;`,
  'driver docker': `*'buildx inspect') printf 'Name:  default\\nDriver: docker\\n' ;;
*'info --format'*) echo '[["Backing Filesystem","extfs"]]' ;;
*'buildx version') exit 0 ;;`,
  containerd: `*'buildx inspect') echo 'Driver: docker' ;;
*'info --format'*) echo '[["driver-type","io.containerd.snapshotter.v1"]]' ;;
*'buildx version') exit 0 ;;`,
  'built in': `*'buildx version') exit 1 ;;
*'version --format'*) echo 20.10.24 ;;`,
  old: `*'buildx version') exit 1 ;;
*'version --format'*) echo 28.2.2 ;;`,
  podman: `'build --help') echo ' --cache-to string' ;;`,
  'podman 4.2': `'build --help') echo ' --layers' ;;`,
}

/** What is built with, or the status that the script ended with. */
async function built(kind: keyof typeof engines, over: Partial<BuildOptions>): Promise<string | number | null> {
  const engine: Engine = kind.startsWith('podman') ? 'podman' : 'docker'
  const bench = benchWith(engines[kind])
  const { code } = await bench.run(buildImage(engine, build, options(over)))
  const words = bench.calls().filter(call => call.includes('/context'))
  return words.length === 0 ? code : words.map(call => call.slice(1).join(' ').replace(` ${name}`, '')).join('; ')
}

const registry: BuildCache = { type: 'registry', ref: 'ghcr.io/me/cache:web' }
const inline: BuildCache & { ref: string } = { type: 'inline', ref: 'ghcr.io/me/app/web:buildcache' }
const gha: BuildCache = { type: 'gha', scope: 'app-web' }

describe('a cache', () => {
  const from = 'type=registry,ref=ghcr.io/me/cache:web'
  test.each<[keyof typeof engines, BuildCache, string | number]>([
    ['buildx', registry, `buildx build --load --cache-from ${from} --cache-to ${from},mode=max`],
    ['containerd', registry, `buildx build --load --cache-from ${from} --cache-to ${from},mode=max`],
    ['driver docker', registry, exits.noCacheWriter],
    ['built in', registry, exits.noBuildx],
    ['old', registry, exits.noBuildx],
    ['podman', { type: 'registry', ref: 'r/cache' }, 'build --layers --cache-from r/cache --cache-to r/cache'],
    ['podman 4.2', { type: 'registry', ref: 'r/cache' }, exits.noCacheWriter],
    ['buildx', inline, `buildx build --load --cache-from type=registry,ref=${inline.ref} --cache-to type=inline`],
    [
      'driver docker',
      inline,
      `buildx build --load --cache-from type=registry,ref=${inline.ref} --cache-to type=inline`,
    ],
    ['built in', inline, `build --build-arg BUILDKIT_INLINE_CACHE=1 --cache-from ${inline.ref}`],
    ['old', inline, exits.noBuildx],
    [
      'buildx',
      gha,
      'buildx build --load --cache-from type=gha,scope=app-web --cache-to type=gha,scope=app-web,mode=max',
    ],
    ['driver docker', gha, exits.noCacheWriter],
    ['built in', gha, exits.noBuildx],
  ])('%s: %j', async (kind, given, expected) => {
    const result = await built(kind, { cache: cache(given) })
    expect(typeof result === 'string' ? result.replace(/ -t.*/, '') : result).toEqual(expected)
  })
  test('is only read where nothing is pushed, and only written where it is not to be used', async () => {
    expect(await built('buildx', { cache: cache(registry, { isWritten: false }) })).not.toContain('--cache-to')
    expect(await built('podman', { cache: cache(registry, { isWritten: false }) })).not.toContain('--cache-to')
    for (const kind of ['buildx', 'podman', 'built in'] as const) {
      const words = await built(kind, { cache: cache(kind === 'built in' ? inline : registry), noCache: true })
      expect(words).not.toContain('--cache-from')
      expect(words).toContain(kind === 'built in' ? 'BUILDKIT_INLINE_CACHE' : '--cache-to')
    }
  })
  test('has its tokens in the environment, and nowhere else', async () => {
    const token = new Secret('ACTIONS_RUNTIME_TOKEN', "it's a token")
    const script = buildImage('docker', build, options({ cache: cache(gha, { tokens: [token] }) }))
    expect(String(script)).toContain('export ACTIONS_RUNTIME_TOKEN=[ACTIONS_RUNTIME_TOKEN]')
    const bench = benchWith(`*'buildx build'*) printenv ACTIONS_RUNTIME_TOKEN ;;\n${engines.buildx}`)
    expect((await bench.run(script)).stdout).toBe("it's a token\n")
    expect(bench.calls().flat().join(' ')).not.toContain('a token')
  })
})

describe('an image', () => {
  const arm = { platform: 'linux/arm64' }
  test('must be for what was asked for', async () => {
    const bench = (arch: string) => benchWith(`*'image inspect'*) echo ${arch} ;;\n${engines.buildx}`)
    const run = async (arch: string) => (await bench(arch).run(buildImage('docker', build, options(arm)))).code
    expect([await run('arm64'), await run('amd64'), await run('')]).toEqual([0, exits.otherArch, exits.otherArch])
  })
  test('of the old builder gets a second try without the layers that it keeps', async () => {
    expect(await built('old', arm)).toBe(
      'build --force-rm -t --platform linux/arm64 /context; build --force-rm --no-cache -t --platform linux/arm64 /context',
    )
    expect(await built('built in', arm)).toBe('build -t --platform linux/arm64 /context')
  })
})

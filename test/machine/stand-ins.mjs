import {
  chmodSync,
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { basename, delimiter, dirname, join } from 'node:path'
import { must, run, say } from './command.mjs'
import { unpackPackages } from './packages.mjs'

const label = 'jiji.stand-in'

/**
 * What an official image has that Jiji and its examples rely on. `debian` is the package that holds the programs; Node's
 * is the one that runs this.
 * @typedef {object} Recipe
 * @property {Record<string, string>} [programs] by where they lie in the image
 * @property {string} [debian]
 * @property {string[]} [directories]
 * @property {Record<string, string>} [files] those that begin with `#!` become executable
 * @property {string[]} changes Dockerfile instructions
 */

const PATH = 'ENV PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/** @type {Record<string, Recipe>} */
const recipes = {
  'busybox:1': { changes: [PATH, 'CMD ["sh"]'] },
  'caddy:2': {
    programs: { 'usr/bin/caddy': 'caddy' },
    debian: 'caddy',
    directories: ['config/caddy', 'data/caddy', 'srv'],
    files: { 'etc/caddy/Caddyfile': ':80 {\n\troot * /usr/share/caddy\n\tfile_server\n}\n' },
    changes: [
      PATH,
      'ENV XDG_CONFIG_HOME=/config',
      'ENV XDG_DATA_HOME=/data',
      'WORKDIR /srv',
      'EXPOSE 80',
      'EXPOSE 443',
      'EXPOSE 2019',
      'CMD ["caddy","run","--config","/etc/caddy/Caddyfile","--adapter","caddyfile"]',
    ],
  },
  'registry:2': {
    programs: { 'bin/registry': 'docker-registry' },
    debian: 'docker-registry',
    directories: ['var/lib/registry'],
    files: {
      'etc/docker/registry/config.yml': [
        'version: 0.1',
        'log: {fields: {service: registry}}',
        'storage: {cache: {blobdescriptor: inmemory}, filesystem: {rootdirectory: /var/lib/registry}}',
        'http: {addr: ":5000", headers: {X-Content-Type-Options: [nosniff]}}',
        '',
      ].join('\n'),
      'entrypoint.sh': [
        '#!/bin/sh',
        'set -e',
        'case "$1" in',
        '  *.yaml|*.yml) set -- registry serve "$@" ;;',
        '  serve|garbage-collect|help|-*) set -- registry "$@" ;;',
        'esac',
        'exec "$@"',
        '',
      ].join('\n'),
    },
    changes: [
      PATH,
      'VOLUME /var/lib/registry',
      'EXPOSE 5000',
      'ENTRYPOINT ["/entrypoint.sh"]',
      'CMD ["/etc/docker/registry/config.yml"]',
    ],
  },
  'node:20-slim': {
    programs: { 'usr/local/bin/node': process.execPath },
    directories: ['home/node'],
    files: {
      'usr/local/bin/docker-entrypoint.sh': [
        '#!/bin/sh',
        'set -e',
        'if [ "${1#-}" != "$1" ] || [ -z "$(command -v "$1")" ] || { [ -f "$1" ] && ! [ -x "$1" ]; }; then set -- node "$@"; fi',
        'exec "$@"',
        '',
      ].join('\n'),
    },
    changes: [PATH, 'ENTRYPOINT ["docker-entrypoint.sh"]', 'CMD ["node"]'],
  },
  'redis:7': {
    // One binary, which goes by its name.
    programs: { 'usr/local/bin/redis-server': 'redis-check-rdb', 'usr/local/bin/redis-cli': 'redis-cli' },
    debian: 'redis-tools',
    directories: ['data'],
    files: {
      'usr/local/bin/docker-entrypoint.sh': [
        '#!/bin/sh',
        'set -e',
        'if [ "${1#-}" != "$1" ] || [ "${1%.conf}" != "$1" ]; then set -- redis-server "$@"; fi',
        'exec "$@"',
        '',
      ].join('\n'),
    },
    changes: [
      PATH,
      'VOLUME /data',
      'WORKDIR /data',
      'EXPOSE 6379',
      'ENTRYPOINT ["docker-entrypoint.sh"]',
      'CMD ["redis-server"]',
    ],
  },
}

/**
 * Makes sure that the machine's engine has these images: pulls those that are missing and, where there is nothing to
 * pull from, makes stand-ins from this machine's Node and Debian's packages, and says so.
 * @param {'docker' | 'podman'} engine
 * @param {string[]} images such as `caddy:2`, out of those that a stand-in can be made of
 * @returns {Promise<{ present: string[], pulled: string[], made: string[] }>}
 */
export async function ensureImages(engine, images) {
  const unknown = images.filter(image => !recipes[image])
  if (unknown.length > 0) throw new Error(`no stand-in is known for ${unknown.join(', ')}`)

  const there = await Promise.all(images.map(image => hasImage(engine, image)))
  const absent = images.filter((_, i) => !there[i])
  const present = images.filter((_, i) => there[i])
  if (absent.length === 0) return { present, pulled: [], made: [] }

  const { pulled, reason } = await pullAll(engine, absent)
  const made = absent.filter(image => !pulled.includes(image))
  if (made.length > 0) {
    const materials = await makeAll(engine, made)
    say(`made stand-ins for ${made.join(', ')} from ${materials.join(', ')}, because pulling failed: ${reason}`)
  }
  return { present, pulled, made }
}

/**
 * Takes away the stand-ins, and no image that was pulled.
 * @param {'docker' | 'podman'} engine
 * @returns {Promise<string[]>} those removed
 */
export async function removeStandIns(engine) {
  const removed = []
  for (const image of Object.keys(recipes)) {
    const format = `{{index .Config.Labels "${label}"}}`
    const { code, stdout } = await run(engine, ['image', 'inspect', '--format', format, nameFor(engine, image)])
    if (code !== 0 || stdout.trim() !== '1') continue
    if ((await run(engine, ['rmi', nameFor(engine, image)])).code === 0) removed.push(image)
  }
  return removed
}

/**
 * The name under which an engine keeps what everybody calls `caddy:2`.
 * @param {'docker' | 'podman'} engine
 * @param {string} image
 */
function nameFor(engine, image) {
  return engine === 'podman' ? `docker.io/library/${image}` : image
}

/**
 * @param {'docker' | 'podman'} engine
 * @param {string} image
 */
async function hasImage(engine, image) {
  return (await run(engine, ['image', 'inspect', '--format', '{{.Id}}', nameFor(engine, image)])).code === 0
}

/**
 * Pulls all at once. The first failure ends those that no registry has answered yet: it is the network's, and theirs too.
 * @param {'docker' | 'podman'} engine
 * @param {string[]} images
 */
async function pullAll(engine, images) {
  const pulled = /** @type {string[]} */ ([])
  let reason = ''
  const unanswered = new Set(images.map(() => new AbortController()))
  const pending = [...unanswered]
  await Promise.all(
    images.map(async (image, i) => {
      const abort = /** @type {AbortController} */ (pending[i])
      const limit = setTimeout(() => abort.abort(), 10_000)
      const { code, stderr } = await run(engine, ['pull', nameFor(engine, image)], {
        signal: abort.signal,
        timeout: 600_000,
        onOutput: text => {
          if (!/Pulling from|Pulling fs layer|Getting image source|Copying blob/.test(text)) return
          clearTimeout(limit)
          unanswered.delete(abort)
        },
      })
      clearTimeout(limit)
      unanswered.delete(abort)
      if (code === 0) return pulled.push(image)
      reason ||= stderr.trim().split('\n').at(-1) || 'no answer within 10 seconds'
      for (const other of unanswered) other.abort()
    }),
  )
  return { pulled, reason }
}

/**
 * @param {'docker' | 'podman'} engine
 * @param {string[]} images
 * @returns {Promise<string[]>} what they were made from
 */
async function makeAll(engine, images) {
  const wanted = images.flatMap(image => recipes[image]?.debian ?? [])
  const needed = images.flatMap(image => (isHere(image) ? [] : (recipes[image]?.debian ?? [])))
  const busyboxHere = findProgram('busybox')
  // A static busybox crashes when it looks up a name on some networks, so Debian's dynamic one is preferred.
  const isStatic = !busyboxHere || (await libraries(busyboxHere)).length === 0
  const unpacked = await unpackPackages([...needed, ...(isStatic ? ['busybox'] : [])]).catch(error => {
    if (needed.length > 0 || !busyboxHere) throw error
  })
  try {
    const unpackedBusybox = unpacked && findProgram('busybox', unpacked)
    const busybox = unpackedBusybox ?? busyboxHere
    if (!busybox) throw new Error('there is no busybox to make stand-ins with')
    await Promise.all(
      images.map(image => {
        const programs = Object.entries(recipes[image]?.programs ?? {})
        const found = programs.map(([path, name]) => [path, findProgram(name) ?? findProgram(name, unpacked ?? '/')])
        return makeImage(engine, image, { busybox, programs: Object.fromEntries(found) })
      }),
    )
    const node = images.some(image => programsOf(image).includes(process.execPath))
      ? [`Node ${process.versions.node}`]
      : []
    return [...node, `Debian's ${[...wanted, 'busybox'].join(', ')}`]
  } finally {
    if (unpacked) rmSync(unpacked, { recursive: true, force: true })
  }
}

/** @param {string} image */
function programsOf(image) {
  return Object.values(recipes[image]?.programs ?? {})
}

/** @param {string} image */
function isHere(image) {
  return programsOf(image).every(name => findProgram(name))
}

/**
 * @param {'docker' | 'podman'} engine
 * @param {string} image
 * @param {{ busybox: string, programs: Record<string, string | undefined> }} materials
 */
async function makeImage(engine, image, { busybox, programs }) {
  const recipe = /** @type {Recipe} */ (recipes[image])
  const root = mkdtempSync(join(tmpdir(), 'jiji-stand-in-'))
  try {
    await layBase(root, busybox)
    for (const directory of recipe.directories ?? []) mkdirSync(join(root, directory), { recursive: true })
    for (const [path, text] of Object.entries(recipe.files ?? {})) {
      write(root, path, text, text.startsWith('#!') ? 0o755 : 0o644)
    }
    for (const [path, program] of Object.entries(programs)) if (program) await copyProgram(root, program, path)
    const tar = `${root}.tar`
    await must('tar', ['-C', root, '--numeric-owner', '--owner=0', '--group=0', '-cf', tar, '.'])
    const changes = [...recipe.changes, `LABEL ${label}=1`].flatMap(change => ['--change', change])
    await must(engine, ['import', ...changes, tar, nameFor(engine, image)])
  } finally {
    rmSync(root, { recursive: true, force: true })
    rmSync(`${root}.tar`, { force: true })
  }
}

/**
 * What every image starts from: a shell with its tools, users, certificates and what looks up names.
 * @param {string} root
 * @param {string} busybox
 */
async function layBase(root, busybox) {
  chmodSync(root, 0o755)
  for (const directory of ['bin', 'dev', 'proc', 'sys', 'root', 'run', 'var', 'home', 'usr/bin', 'usr/local/bin']) {
    mkdirSync(join(root, directory), { recursive: true })
  }
  mkdirSync(join(root, 'tmp'))
  chmodSync(join(root, 'tmp'), 0o1777)
  await copyProgram(root, busybox, 'bin/busybox')
  const applets = await must(busybox, ['--list'])
  for (const applet of applets.split(/\s+/)) if (applet !== 'busybox') symlinkSync('busybox', join(root, 'bin', applet))
  symlinkSync('/bin/env', join(root, 'usr/bin/env'))
  write(
    root,
    'etc/passwd',
    'root:x:0:0:root:/root:/bin/sh\nnode:x:1000:1000::/home/node:/bin/sh\nnobody:x:65534:65534::/:/bin/false\n',
  )
  write(root, 'etc/group', 'root:x:0:\nnode:x:1000:\nnogroup:x:65534:\n')
  write(root, 'etc/nsswitch.conf', 'hosts: files dns\n')
  const certificates = '/etc/ssl/certs/ca-certificates.crt'
  if (existsSync(certificates)) cpSync(certificates, join(root, certificates))
}

/**
 * Copies a program with the libraries that it loads.
 * @param {string} root
 * @param {string} program
 * @param {string} path
 */
async function copyProgram(root, program, path) {
  const target = join(root, path)
  mkdirSync(dirname(target), { recursive: true })
  copyFileSync(realpathSync(program), target)
  chmodSync(target, 0o755)
  for (const library of await libraries(program)) {
    mkdirSync(join(root, dirname(library)), { recursive: true })
    copyFileSync(realpathSync(library), join(root, library))
  }
}

/**
 * The libraries that a program needs, and those that glibc opens only when it looks up a name; none if it is static.
 * @param {string} program
 */
async function libraries(program) {
  const { stdout } = await run('ldd', [program])
  const missing = /^\s*(\S+) => not found/m.exec(stdout)
  if (missing) throw new Error(`${basename(program)} needs ${missing[1]}, which is not on this machine`)
  const loaded = [...stdout.matchAll(/(\/\S+) \(0x/g)].map(match => /** @type {string} */ (match[1]))
  const libc = loaded.find(library => basename(library) === 'libc.so.6')
  const lookups = libc
    ? ['libnss_dns.so.2', 'libnss_files.so.2', 'libresolv.so.2'].map(name => join(dirname(libc), name))
    : []
  return [...new Set([...loaded, ...lookups.filter(existsSync)])]
}

/**
 * @param {string} name a program's name or path
 * @param {string} [root] the directory into which a package was unpacked
 */
function findProgram(name, root) {
  if (name.startsWith('/')) return name
  const own = root ? ['/usr/sbin', '/usr/bin', '/sbin', '/bin'] : (process.env.PATH ?? '').split(delimiter)
  return own.map(directory => join(root ?? '/', directory, name)).find(existsSync)
}

/**
 * @param {string} root
 * @param {string} path
 * @param {string} text
 * @param {number} [mode]
 */
function write(root, path, text, mode = 0o644) {
  mkdirSync(join(root, dirname(path)), { recursive: true })
  writeFileSync(join(root, path), text, { mode })
}

import type { Engine, Service } from '../../src/config/config.ts'
import { Secret } from '../../src/config/secret.ts'
import { appendAudit, doneAndRecorded, followAudit, readAudit, readLogins } from '../../src/shell/audit.ts'
import { packBackup, unpackBackup } from '../../src/shell/backup.ts'
import { buildImage } from '../../src/shell/build.ts'
import { readCertificates } from '../../src/shell/certificates.ts'
import { holdFolder, packFolder, unpackFolder } from '../../src/shell/contexts.ts'
import { examine, examineHere, readThrough } from '../../src/shell/doctor.ts'
import { requireEngine } from '../../src/shell/engine.ts'
import { askDetour, exchangeProxy } from '../../src/shell/exchange.ts'
import { execIn, runWords } from '../../src/shell/exec.ts'
import { askHealth, questionsFor } from '../../src/shell/health.ts'
import { findImages, loadImage, pullImages, pushImage, pushImageAs, saveImage } from '../../src/shell/images.ts'
import {
  askLocalRegistry,
  collectGarbage,
  ensureLocalRegistry,
  readRegistryVolume,
  removeLocalRegistry,
} from '../../src/shell/local-registry.ts'
import { holdLock, readLock, releaseLock, requireLock, takeLock } from '../../src/shell/lock.ts'
import { findLogins, logIn, logOut, recorded } from '../../src/shell/login.ts'
import { readLogs, watchRunning } from '../../src/shell/logs.ts'
import { observe } from '../../src/shell/observe.ts'
import { createOneOff, removeOneOff, runOneOff } from '../../src/shell/one-off.ts'
import { createProxy, restoreSite, settleSite, writeSite } from '../../src/shell/proxy.ts'
import { finishRelease, finishReturn, recordCurrent, withdrawRecord } from '../../src/shell/records.ts'
import { pruneReleases, removeProxy, removeServices } from '../../src/shell/remove.ts'
import { replaceContainer } from '../../src/shell/replace.ts'
import { askRoom } from '../../src/shell/room.ts'
import { type Script, sh } from '../../src/shell/script.ts'
import { findLayers, giveImages, tryLogins } from '../../src/shell/seed.ts'
import { askForInit, initServer } from '../../src/shell/server-init.ts'
import { runServiceHook } from '../../src/shell/service-hook.ts'
import { renderSite } from '../../src/shell/site.ts'
import { stay } from '../../src/shell/stay.ts'
import { listBelongings, removeEmptyState, tearDown } from '../../src/shell/teardown.ts'
import { readBundle, readTrust, readWays } from '../../src/shell/trust.ts'
import { configOf } from '../config/deploy-yml.ts'

/** Text that would do harm where it is not quoted; each use of it leaves the file `pwned` in $BENCH. */
export const hostile = `a'b"c $(touch "$BENCH/pwned") \`touch "$BENCH/pwned"\` ; touch $BENCH/pwned; # \\`
export const hostileLines = `${hostile}\ntouch "$BENCH/pwned"\n`

export const secretValues = ["hunter'2 $(touch $BENCH/pwned)", 'multi\nline\n-----END-----\n']
const [single = '', multiple = ''] = secretValues

/** Every key of a container, with hostile text wherever any text may stand. */
export const container = {
  user: hostile,
  entrypoint: ['./begin', hostile, hostileLines],
  labels: { 'com.example.note': hostileLines },
  directories: [
    { local: `data/${hostile}`, remote: `/data${hostile}`, mode: '700', owner: '1000:1000', options: 'rw' },
  ],
  files: [
    { local: `config/${hostile}`, remote: `/etc/${hostile}`, owner: '1000' },
    { local: 'key', remote: '/etc/key', mode: '600', options: 'ro' },
  ],
  tmpfs: [`/tmp/${hostile}`],
  memory: '512m',
  cpus: '0.5',
  shm_size: '64m',
  ulimits: { nofile: '1024:2048' },
  cap_add: ['NET_ADMIN'],
  cap_drop: ['ALL'],
  devices: [`/dev/${hostile}`],
  privileged: true,
  extra_hosts: [`db:${hostile}`],
  log: { driver: 'json-file', options: { tag: hostile, 'max-size': '10m' } },
  options: { 'security-opt': [hostile, hostileLines], hostname: hostile },
} satisfies Partial<Service>

export const service: Service = {
  ...(configOf(`project: myapp
servers: {web1: {host: a}}
services:
  web:
    image: redis:7
    hosts: [web1]
    ports: ["3000", "127.0.0.1:8081:80/tcp"]
    volumes: ["data:/data", "/srv:/srv:ro"]
    stop_first: true
    proxy:
      targets:
        - {app_port: 3000, hosts: [app.example.com, "*.example.com"]}
        - {app_port: 4000, hosts: [api.example.com], ssl: true, path_prefix: /v1, max_request_body: 1m, forward_headers: [10.0.0.0/8]}
`).services[0] as Service),
  command: ['./work', hostile, '-n', ''],
  environment: { clear: { PLAIN: 'x', HOSTILE: hostile, LINES: hostileLines }, secrets: [] },
}

export const worker: Service = {
  ...service,
  ...container,
  name: 'worker',
  stop_first: false,
  healthcheck: { command: ['./check', hostile, hostileLines], interval: 0, timeout: 1000, deploy_timeout: 0 },
}
delete (worker as { proxy?: unknown }).proxy

export const login = {
  key: 'ghcr.io/owner',
  username: `me'$(touch $BENCH/pwned)`,
  password: new Secret('TOKEN', single),
}
export const owner = {
  by: hostile,
  host: hostile,
  since: '2026-01-31T12:00:00Z',
  command: 'deploy',
  message: hostileLines,
}
const timing = { drain_timeout: 1000, stop_timeout: 1000, settle: 0 }
export const scope = 'myapp-staging'

const slot = { ports: [3000, 4000], replicas: 2 }
const site = renderSite(
  { scope, httpsPort: 8443, certificates: {} },
  [{ name: service.name, proxy: service.proxy ?? { targets: [] }, slots: { a: slot, b: slot } }],
  [{ file: 'abc.pem', pem: new Secret('KEY', multiple) }],
)

const created = {
  image: 'ghcr.io/owner/app:1.10',
  release: '20260131-120000',
  version: '1.10',
  digest: 'sha256:0',
  secrets: [
    { name: 'TOKEN', value: new Secret('TOKEN', single) },
    { name: 'KEY', value: new Secret('KEY', multiple) },
  ],
  files: container.files.map(file => ({
    ...file,
    content: new Secret(file.local, Buffer.from(multiple).toString('base64')),
  })),
}
const oneOff = {
  scope,
  service: worker,
  secrets: created.secrets,
  files: created.files,
  name: 'myapp-web-run-1',
  image: created.image,
  command: [hostile, hostileLines],
}
const hostileRecord = {
  ...{ schemaVersion: 1 as const, id: '20260131-120000', version: '1', at: 'now', by: hostile },
  services: {},
}

const build = {
  context: '.',
  dockerfile: `docker/${hostile}`,
  args: { A: hostile, B: hostileLines },
  target: hostile,
  secrets: [],
  ssh: ['default', `id=/keys/${hostile}`],
}
const local = { type: 'local', port: 9270, image: `registry:2${hostile}` } as const

const neighbour = { server: 'web1', user: hostile, host: hostile, port: 22, hostKey: `ssh-ed25519 ${hostile}` }

function traceOf(result: 'done' | 'failed'): Script {
  const event = { action: 'registry login' as const, registry: 'ghcr.io/owner', username: hostile, result }
  return appendAudit(scope, { at: '2026-01-31T12:00:00Z', by: hostile, project: 'myapp', server: 'web1', ...event })
}

/** Every script that there is, with values that would do harm. */
export function everyScript(engine: Engine): Record<string, Script> {
  return {
    'observe a server': observe(engine, scope),
    'ask for room': askRoom(engine, scope),
    'hold the lock': holdLock(scope, owner, sh`:`),
    'take the lock': takeLock(scope, owner),
    'require the lock': requireLock(scope, owner),
    'release the lock': releaseLock(scope),
    'read the lock': readLock(scope),
    'append to the audit': appendAudit(scope, {
      at: '2026-01-31T12:00:00Z',
      by: hostile,
      action: 'deploy',
      project: 'myapp',
      server: 'web1',
      result: 'failed',
      reason: hostileLines,
    }),
    'read the audit': readAudit(scope, { count: 20 }),
    'read some of the audit': readAudit(scope, { action: hostile }),
    'follow the audit': followAudit(scope, hostile),
    'release the lock, and record that': doneAndRecorded(releaseLock(scope), traceOf('done')),
    'record a release': recordCurrent('docker', scope, hostileRecord),
    'withdraw a release': withdrawRecord(scope, hostile, { record: hostileRecord, current: hostile }),
    'withdraw the first release': withdrawRecord(scope, hostile, {}),
    'finish a release': finishRelease(engine, scope, {
      ...{ retire: [hostile], containers: [hostile], images: [hostile], keep: [hostile] },
      releases: ['20260101-000000'],
    }),
    'finish a release, nothing old': finishRelease(engine, scope, {
      ...{ retire: [], containers: [], images: [], keep: [], releases: [] },
    }),
    'finish going back to a release': finishReturn(engine, scope, [hostile]),
    'build an image': buildImage(engine, build, {
      names: ['ghcr.io/owner/app:1.10', `other${hostile}`],
      context: `/tmp/${hostile}`,
      platform: 'linux/arm64',
      foreign: 'arm64',
      noCache: false,
      cache: {
        type: 'registry',
        ref: `r${hostile}`,
        isWritten: true,
        tokens: [new Secret('ACTIONS_RUNTIME_TOKEN', single)],
      },
      labels: { 'a.b': hostile },
      secrets: [new Secret('NPM_TOKEN', single), new Secret('OTHER', multiple)],
      login: new Secret('TOKEN', '{"auths":{}}'),
    }),
    'build an image, plainly': buildImage(
      engine,
      { context: '.', args: {}, secrets: [], ssh: [] },
      {
        names: ['localhost:9270/app:1'],
        context: '/tmp',
        platform: undefined,
        foreign: undefined,
        noCache: true,
        cache: undefined,
        labels: {},
        secrets: [],
        login: undefined,
      },
    ),
    'build an image with the cache of GitHub Actions': buildImage(engine, build, {
      names: ['ghcr.io/owner/app:1'],
      context: '/tmp',
      platform: undefined,
      foreign: undefined,
      noCache: false,
      cache: { type: 'gha', scope: hostile, isWritten: true, tokens: [new Secret('ACTIONS_RUNTIME_TOKEN', single)] },
      labels: {},
      secrets: [],
      login: undefined,
    }),
    'push an image': pushImage(engine, 'ghcr.io/owner/app:1.10', new Secret('TOKEN', '{"auths":{}}')),
    'push an image under another name': pushImageAs(engine, `localhost:9270/app${hostile}`, '127.0.0.1:4711/app:1'),
    'hold a folder': holdFolder(),
    'pack a folder': packFolder(`/tmp/${hostile}`, [hostile, '-x']),
    'unpack a folder': unpackFolder(`/tmp/${hostile}`),
    'push an image here': pushImage(engine, 'localhost:9270/app:1.10', undefined),
    'pull images': pullImages(engine, [
      { service: 'web', source: 'ghcr.io/owner/app@sha256:0', name: 'ghcr.io/owner/app:1', login },
      { service: 'db', source: `redis${hostile}`, name: `redis${hostile}`, login: undefined },
    ]),
    'pull nothing': pullImages(engine, []),
    'find images': findImages(engine, [`redis${hostile}`, 'ghcr.io/owner/app:1']),
    'save an image': saveImage(engine, `redis${hostile}`),
    'load an image': loadImage(engine, `redis${hostile}`),
    'find layers': findLayers(engine),
    'try logins': tryLogins([neighbour, { ...neighbour, server: 'web2', port: 2222 }]),
    'hand images on': giveImages(engine, [`redis${hostile}`, 'ghcr.io/owner/app:1'], 'podman', neighbour),
    'start the local registry': ensureLocalRegistry(engine, local),
    'ask for the local registry': askLocalRegistry(engine),
    'remove the local registry': removeLocalRegistry(engine),
    'read the volume of the local registry': readRegistryVolume(engine),
    'collect the garbage of the local registry': collectGarbage(engine),
    stay: stay(),
    'log in': recorded(logIn(engine, login), { done: traceOf('done'), failed: traceOf('failed') }),
    'log in with several lines': recorded(logIn(engine, { ...login, password: new Secret('KEY', multiple) }), {
      done: sh`:`,
      failed: sh`:`,
    }),
    'log in to Docker Hub': recorded(logIn(engine, { ...login, key: 'docker.io' }), { done: sh`:`, failed: sh`:` }),
    'log out': recorded(logOut(engine, 'ghcr.io/owner'), { done: traceOf('done'), failed: traceOf('failed') }),
    'log out of Docker Hub': recorded(logOut(engine, 'docker.io'), { done: sh`:`, failed: sh`:` }),
    'find logins': findLogins(engine, ['ghcr.io/owner', 'docker.io']),
    'read logins': readLogins(scope),
    'read what is trusted': readTrust(engine, ['ghcr.io', hostile]),
    'read the bundle': readBundle(),
    'read the ways': readWays(engine),
    'read logs': readLogs(engine, 'myapp-web-1', { follow: true, lines: 10, since: hostile }),
    'watch what runs': watchRunning(engine, `label${hostile}`),
    'run a command in a container': execIn(engine, 'myapp-web-1', ['echo', hostile, hostileLines]),
    'read certificates': readCertificates(engine, [
      { host: 'app.example.com' },
      { host: `*.${hostile}`, file: hostile },
    ]),
    'run a command': runWords(['echo', hostile, hostileLines]),
    'run a one-off container': runOneOff(engine, oneOff),
    'make a one-off container': createOneOff(engine, oneOff, hostile),
    'remove a one-off container': removeOneOff(engine, oneOff),
    'run a hook of a service': runServiceHook(engine, {
      scope,
      owner,
      service: worker,
      secrets: created.secrets,
      files: created.files,
      name: 'myapp-web-2-hook',
      image: created.image,
      command: [hostile, hostileLines],
    }),
    'start the proxy': createProxy(engine, { image: `caddy:2${hostile}`, http_port: 80, https_port: 443 }),
    'write routes': writeSite(engine, site),
    'restore routes': restoreSite(engine, site),
    'settle routes': settleSite(engine, site),
    'ask services how they are': askHealth(engine, [
      { name: 'myapp-web-1', questions: questionsFor(service.proxy?.targets ?? [], [3000]) },
    ]),
    'ask what a server needs': askForInit(engine, scope),
    ...Object.fromEntries(
      (['apt', 'dnf', 'apk', 'zypper', 'pacman'] as const).map(manager => [
        `set a server up by ${manager}`,
        initServer(engine, [
          { do: 'install', manager, names: ['podman', hostile], whereKnown: [hostile] },
          { do: 'linger', user: hostile },
          { do: 'network' },
          { do: 'proxy', image: `caddy:2${hostile}`, http_port: 80, https_port: 443 },
        ]),
      ]),
    ),
    ...Object.fromEntries(
      (['systemd', 'openrc', 'service'] as const).map(by => [
        `start an engine by ${by}`,
        initServer(engine, [
          { do: 'start', by },
          { do: 'join', user: hostile },
        ]),
      ]),
    ),
    'ask for a detour': askDetour(engine),
    'replace the proxy': exchangeProxy(engine, {
      settings: { image: `caddy:2${hostile}`, http_port: 80, https_port: 443 },
      before: { http_port: 8080, https_port: 8443 },
      drainTimeout: 1000,
      isForced: false,
      isPulled: true,
      mayGap: true,
    }),
    'remove the proxy': removeProxy(engine, { isWithVolumes: true }),
    'remove services': removeServices(engine, scope, {
      services: [{ service: 'web', containers: ['myapp-web-1', hostile], volumes: [hostile] }],
      isWithVolumes: true,
      site,
      images: [hostile],
      keep: [hostile],
      releases: {
        rewrite: [{ schemaVersion: 1, id: '20260131-120000', version: '1', at: 'now', by: hostile, services: {} }],
        drop: ['20260101-000000'],
      },
    }),
    'list what a project has': listBelongings(engine, scope),
    'tear a project down': tearDown(engine, scope, {
      containers: [hostile],
      images: [hostile],
      volumes: [hostile],
      isWithVolumes: true,
      isLast: true,
    }),
    'tear one of several projects down': tearDown(engine, scope, {
      containers: [],
      images: [],
      volumes: [],
      isWithVolumes: false,
      isLast: false,
    }),
    'remove the state that is empty': removeEmptyState(scope),
    'pack a backup': packBackup(engine, scope),
    'unpack a backup': unpackBackup(engine, scope),
    'prune releases': pruneReleases(engine, scope, {
      containers: [hostile],
      images: [hostile],
      keep: [hostile],
      releases: ['20260101-000000'],
    }),
    'examine a server': examine(engine, scope, ['app.example.com', hostile]),
    'examine this machine': examineHere(engine),
    'read through a tunnel': readThrough(1),
    'ask for the engine': requireEngine(engine),
    'replace a container': replaceContainer(engine, {
      scope,
      owner,
      service,
      candidate: { names: ['myapp-web-2', 'myapp-web-2-2'], slot: 'b', create: created },
      live: { names: ['myapp-web-1'], slot: 'a' },
      afterwards: 'stop',
      leftovers: { remove: ['x'], stop: ['y'] },
      timing,
    }),
    'replace a container that has no route': replaceContainer(engine, {
      scope,
      owner,
      service: worker,
      candidate: { names: ['myapp-worker-2'], slot: 'b', create: created },
      live: { names: ['myapp-worker-1'], slot: 'a' },
      afterwards: 'remove',
      leftovers: { remove: [], stop: [] },
      timing,
    }),
    'start a first container': replaceContainer(engine, {
      scope,
      owner,
      service: { ...worker, healthcheck: undefined, environment: { clear: {}, secrets: [] } },
      candidate: { names: ['myapp-worker-1'], slot: 'a', create: { ...created, secrets: [], files: [] } },
      live: undefined,
      afterwards: 'stop',
      leftovers: { remove: [], stop: [] },
      timing,
    }),
    'make a container again': replaceContainer(engine, {
      scope,
      owner,
      service: { ...worker, environment: { clear: {}, secrets: [] } },
      candidate: {
        names: ['myapp-worker-1'],
        slot: 'a',
        create: { image: hostile, id: hostile, release: 'r', version: hostile, digest: hostile, isKept: true },
      },
      live: { names: ['myapp-worker-2'], slot: 'b' },
      afterwards: 'stop',
      leftovers: { remove: [hostile], stop: [] },
      timing,
    }),
    'go back to a container': replaceContainer(engine, {
      scope,
      owner,
      service,
      candidate: { names: ['myapp-web-1'], slot: 'a', isMoved: true },
      live: { names: ['myapp-web-2'], slot: 'b' },
      afterwards: 'remove',
      leftovers: { remove: [], stop: [] },
      timing,
    }),
  }
}

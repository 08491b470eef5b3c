import { execFileSync, spawnSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import type { Engine } from '../../src/config/config.ts'
import { Secret } from '../../src/config/secret.ts'
import { appendAudit, doneAndRecorded, followAudit, parseAuditEntry, readAudit } from '../../src/shell/audit.ts'
import { authFile, exits, hostEntry, requireEngine } from '../../src/shell/engine.ts'
import { pullImages } from '../../src/shell/images.ts'
import { holdLock, readLock, releaseLock, requireLock, takeLock } from '../../src/shell/lock.ts'
import { findLogins, logIn, logOut, recorded } from '../../src/shell/login.ts'
import { readLogs } from '../../src/shell/logs.ts'
import { switchWords } from '../../src/shell/proxy.ts'
import { replaceContainer } from '../../src/shell/replace.ts'
import { lines, sh } from '../../src/shell/script.ts'
import { everyScript, hostile, hostileLines, login, owner, scope, secretValues, service } from './hostile.ts'
import { type Bench, benchWith, misunderstood, shells } from './shells.ts'

const engines: Engine[] = ['docker', 'podman']
const all = engines.flatMap(engine =>
  Object.entries(everyScript(engine)).map(([name, script]) => [engine, name, script] as const),
)

describe('every shell understands how to', () => {
  test.each(all)('%s: %s', (_, __, script) => {
    for (const shell of shells) expect(misunderstood(shell, script), shell.join(' ')).toBeUndefined()
  })
})

describe('no text becomes code when it is to', () => {
  const answers = `'ps '*) echo c1 ;;
'images '*|*'image inspect'*|'inspect '*) exit 0 ;;
'exec '*) cat >/dev/null; exit 0 ;;
*'buildx version') exit 0 ;;`

  test.each(all)('%s: %s', async (_, name, script) => {
    const bench = benchWith(answers)
    const until: Record<string, string> = {
      'hold the lock': 'ready',
      stay: 'ready',
      'watch what runs': 'running',
      'follow the audit': 'known',
      'hold a folder': 'folder',
    }
    const hangUpAt = until[name]
    if (!/^(hold|take) the lock$/.test(name)) bench.lock(scope, owner)
    await bench.run(script, { isFed: name === 'hold the lock', ...(hangUpAt ? { hangUpAt } : {}) })
    expect(readdirSync(bench.folder)).not.toContain('pwned')
    for (const call of bench.calls())
      for (const value of secretValues) expect(call.join(' '), 'a secret among the words').not.toContain(value)
  })
})

describe('no secret can be read in a script that is shown', () => {
  test.each(all)('%s: %s', (_, __, script) => {
    for (const value of secretValues) {
      expect(String(script)).not.toContain(value)
      expect(String(script)).not.toContain(Buffer.from(value).toString('base64'))
    }
  })
})

describe('what is written', () => {
  test('to log in', () => {
    const one = { key: 'ghcr.io/owner', username: 'me', password: new Secret('TOKEN', 'x') }
    expect(`${logIn('docker', one)}`).toBe(
      "printf '%s\\n' [TOKEN] | docker login --username me --password-stdin ghcr.io >/dev/null",
    )
    expect(`${logIn('podman', one)}`).toBe(
      `file=\${REGISTRY_AUTH_FILE:-\${XDG_CONFIG_HOME:-$HOME/.config}/containers/auth.json}
mkdir -p "\${file%/*}" || return
printf '%s' [TOKEN] | podman login --authfile "$file" --username me --password-stdin ghcr.io/owner >/dev/null`,
    )
  })
  test('to read logs', () => {
    const how = { follow: true, lines: 20, since: '10m' }
    expect(`${readLogs('docker', 'app-web-1', how)}`).toBe(
      'interruptible docker logs --timestamps --tail 20 --follow --since 10m app-web-1 2>&1',
    )
  })
  test('to pull with a credential that is never at rest', () => {
    const one = { key: 'ghcr.io', username: 'me', password: new Secret('TOKEN', 'x') }
    const pull = { service: 'web', source: 'ghcr.io/me/app@sha256:01', name: 'ghcr.io/me/app:1', login: one }
    expect(`${pullImages('podman', [pull])}`).toBe(`make_private; :
if podman image inspect ghcr.io/me/app@sha256:01 >/dev/null 2>&1; then echo 'there web'
else
  printf '%s' [TOKEN] >"$private"/config.json
  interruptible podman pull -q --authfile "$private/config.json"  ghcr.io/me/app@sha256:01 >/dev/null || { status=$?; echo 'failed web'; exit "$status"; }
  echo 'pulled web'
fi
podman tag ghcr.io/me/app@sha256:01 ghcr.io/me/app:1 || exit
printf 'digest %s ' web
podman image inspect --format '{{json .RepoDigests}}' ghcr.io/me/app:1`)
  })
  test('to switch', () => {
    expect(switchWords('app', 'web', 'b')).toEqual(['touch', '/jiji/live/app/web.b'])
    expect(switchWords('app', 'web', 'a')).toEqual(['rm', '-f', '/jiji/live/app/web.b'])
  })
  test.each<[Engine, string, string, string]>([
    ['docker', 'ghcr.io/owner', 'ghcr.io', 'me:a:b'],
    ['podman', 'ghcr.io/owner', 'ghcr.io', 'me:a:b'],
    ['docker', 'docker.io', 'https://index.docker.io/v1/', 'me:a:b'],
    ['podman', 'docker.io', 'docker.io', 'me:a:b'],
    ['docker', 'registry.example.com:5000', 'registry.example.com:5000', 'me:a:b'],
  ])('as a login for %s at %s', (engine, key, entry, plain) => {
    const file = authFile(hostEntry(engine, key), { username: 'me', password: new Secret('TOKEN', 'a:b') })
    expect(String(file)).toBe('[TOKEN]')
    expect(JSON.parse(file.reveal())).toEqual({ auths: { [entry]: { auth: Buffer.from(plain).toString('base64') } } })
  })
})

describe('a container', () => {
  const replacing = (engine: Engine, answers: string, over: Partial<Parameters<typeof replaceContainer>[1]> = {}) => {
    const bench = benchWith(answers)
    bench.lock('myapp', owner)
    const script = replaceContainer(engine, {
      scope: 'myapp',
      owner,
      service: { ...service, stop_first: false },
      candidate: {
        names: ['new'],
        slot: 'b',
        create: {
          image: 'app:1',
          release: 'r2',
          version: '1.10',
          digest: 'sha256:0',
          secrets: [
            { name: 'TOKEN', value: new Secret('TOKEN', secretValues[0] ?? '') },
            { name: 'KEY', value: new Secret('KEY', secretValues[1] ?? '') },
          ],
          files: [],
        },
      },
      live: { names: ['old'], slot: 'a' },
      afterwards: 'stop',
      leftovers: { remove: [], stop: [] },
      timing: { drain_timeout: 1000, stop_timeout: 2000, settle: 0 },
      ...over,
    })
    return { bench, script }
  }
  const replace = (...words: Parameters<typeof replacing>) => {
    const { bench, script } = replacing(...words)
    return { bench, ran: bench.run(script) }
  }
  const healthy = `'inspect --format {{.State'*) echo 'true 0 0 healthy' ;;
'inspect --format {{(index'*) echo 10.0.0.9 ;;`
  const keepEnvironment = `'run '*) for word; do [ "$last" != --env-file ] || cat "$word" >"$BENCH/environment"; last=$word; done
  printf '%s' "$LINES" >"$BENCH/lines"; printf '%s' "$KEY" >"$BENCH/key" ;;`

  test.each(engines)('gets every variable to the byte, in files and not among the words (%s)', async engine => {
    const { bench, ran } = replace(engine, `${healthy}\n${keepEnvironment}`)
    expect((await ran).stdout).toBe('started\nhealthy\nstopped\n')
    expect(readFileSync(join(bench.folder, 'environment'), 'utf8')).toBe(
      `PLAIN=x\nHOSTILE=${hostile}\nTOKEN=${secretValues[0]}\n`,
    )
    expect(readFileSync(join(bench.folder, 'lines'), 'utf8')).toBe(hostileLines)
    expect(readFileSync(join(bench.folder, 'key'), 'utf8')).toBe(secretValues[1])
    const words = runOf(bench)
    expect(words).toEqual(expect.arrayContaining(['-e', 'LINES', 'KEY', 'myapp-web-data:/data', '/srv:/srv:ro']))
    expect(words.slice(words.indexOf('app:1'))).toEqual(['app:1', './work', hostile, '-n', ''])
    expect(words).toEqual(
      expect.arrayContaining([
        'jiji.hosts=app.example.com *.example.com api.example.com',
        'jiji.ports=3000 4000',
        'jiji.slot=b',
      ]),
    )
  })

  test('that is healthy takes over, and the old one is stopped', async () => {
    const { bench, ran } = replace('docker', healthy)
    expect((await ran).code).toBe(0)
    expect(verbs(bench)).toEqual([
      'network',
      'run',
      'inspect',
      'inspect',
      'inspect',
      'exec',
      'inspect',
      'exec',
      'exec',
      'update',
      'stop',
    ])
    expect(bench.calls().slice(-2)).toEqual([
      ['docker', 'update', '--restart', 'no', 'old'],
      ['docker', 'stop', '-t', '2', 'old'],
    ])
  })

  test('that ends is shown with its last lines, and goes', async () => {
    const { bench, ran } = replace(
      'docker',
      `'inspect --format {{.State'*) echo 'false 0 3' ;;
'logs '*) echo one; echo two >&2 ;;`,
    )
    const { code, stdout } = await ran
    expect(code).toBe(exits.unhealthy)
    expect(stdout).toBe('started\nreason it ended with status 3\nlog one\nlog two\n')
    expect(bench.calls().at(-1)).toEqual(['docker', 'rm', '-f', 'new'])
    expect(verbs(bench)).not.toContain('stop')
  })

  test('that does not answer in time goes', async () => {
    const { bench, ran } = replace(
      'docker',
      `${healthy}
'exec '*) echo 503; exit 1 ;;`,
      {
        service: {
          ...service,
          stop_first: false,
          proxy: {
            targets: defined(service.proxy).targets.map(target => ({
              ...target,
              healthcheck: { path: '/up', interval: 100, timeout: 1000, deploy_timeout: 0 },
            })),
          },
        },
      },
    )
    const { code, stdout } = await ran
    expect(code).toBe(exits.unhealthy)
    expect(stdout).toBe('started\nreason :3000/up answered 503 in 0 s\n')
    expect(bench.calls().at(-1)).toEqual(['docker', 'rm', '-f', 'new'])
  })

  describe('while the clock is put on by an hour at each look', () => {
    const jumping = `#!/bin/sh
echo x >>"$0.looks"
echo $((1000000000 + 3600 * $(wc -l <"$0.looks")))
`
    const clockIn = (folder: string) => writeFileSync(join(folder, 'date'), jumping, { mode: 0o755 })
    const once = (name: string) => `[ -e "$BENCH/${name}" ] || { : >"$BENCH/${name}"; echo 503; exit 1; }`

    test('has its time to become healthy', async () => {
      const { bench, script } = replacing('docker', `${healthy}\n'exec '*) ${once('asked')} ;;`)
      clockIn(bench.folder)
      expect((await bench.run(script)).stdout).toBe('started\nhealthy\nstopped\n')
    })

    test('lets requests finish that still run', async () => {
      const { bench, script } = replacing('docker', healthy)
      await bench.run(script)
      const words = defined(
        bench
          .calls()
          .flat()
          .find(word => word.includes('is_busy')),
      )
      clockIn(bench.folder)
      const wget = `#!/bin/sh\n[ -e "$0.asked" ] && busy=0 || busy=1\n: >"$0.asked"\necho '"address":"old:1","num_requests":'$busy,\n`
      writeFileSync(join(bench.folder, 'wget'), wget, { mode: 0o755 })
      const env = { ...bench.environment, old: 'old:1', limit: '600', looks: '1' }
      expect(execFileSync('sh', ['-c', words, 'sh', 'true'], { env, encoding: 'utf8' })).toBe('switched\ndrained\n')
    })
  })

  test('that cannot be started goes, and says so', async () => {
    const { bench, ran } = replace('docker', `'run '*) echo 'port is taken' >&2; exit 125 ;;`)
    const { code, stdout, stderr } = await ran
    expect([code, stdout, stderr]).toEqual([exits.notStarted, '', 'port is taken\n'])
    expect(bench.calls().at(-1)).toEqual(['docker', 'rm', '-f', 'new'])
  })

  test('that is to stop first gives the old one back when it fails', async () => {
    const { bench, ran } = replace('docker', `'inspect '*) echo 'false 0 1' ;;`, {
      service: { ...service, stop_first: true },
    })
    expect((await ran).code).toBe(exits.unhealthy)
    const calls = bench.calls().map(call => call.slice(1).join(' '))
    expect(calls.slice(0, 2)).toEqual(['update --restart no old', 'stop -t 2 old'])
    expect(calls.slice(-3)).toEqual(['rm -f new', 'start old', 'update --restart always old'])
  })

  test('that is interrupted goes', async () => {
    const bench = benchWith(`'inspect '*) echo 'true 0 0 starting' ;;`)
    bench.lock('myapp', owner)
    const plain = { ...service, stop_first: false }
    delete (plain as { proxy?: unknown }).proxy
    const script = replaceContainer('docker', {
      scope: 'myapp',
      owner,
      service: plain,
      candidate: {
        names: ['new'],
        slot: 'b',
        create: { image: 'app:1', release: 'r', version: '1', digest: '', secrets: [], files: [] },
      },
      live: { names: ['old'], slot: 'a' },
      afterwards: 'stop',
      leftovers: { remove: [], stop: [] },
      timing: { drain_timeout: 1000, stop_timeout: 2000, settle: 0 },
    })
    expect((await bench.run(script, { hangUpAt: 'started' })).code).toBe(143)
    expect(bench.calls().at(-1)).toEqual(['docker', 'rm', '-f', 'new'])
    expect(verbs(bench)).not.toContain('stop')
  })

  test('that shares the network of another, and ends while that one becomes healthy, lets neither live', async () => {
    const sharer = { ...service, name: 'side', network_mode: 'service:web' as const }
    delete (sharer as { proxy?: unknown }).proxy
    const { bench, ran } = replace(
      'docker',
      `'inspect --format {{.State'*'}} side') echo "$([ -e "$BENCH/asked" ] && echo false || echo true) 0 3" ;;
${healthy}
'exec '*wget*) : >"$BENCH/asked" ;;
'logs '*) echo the queue is gone ;;`,
      {
        sharers: [
          {
            service: sharer,
            candidate: { names: ['side'], slot: 'b' },
            live: undefined,
            afterwards: 'stop',
            leftovers: { remove: [], stop: [] },
          },
        ],
      },
    )
    const { code, stdout } = await ran
    expect(code).toBe(exits.unhealthy)
    expect(stdout).toMatch(/^about side\nreason it ended with status 3\nlog the queue is gone\n$/m)
    expect(bench.calls().slice(-2)).toEqual([
      ['docker', 'stop', '-t', '2', 'side'],
      ['docker', 'rm', '-f', 'new'],
    ])
  })

  test('whose switch fails is switched back, and goes', async () => {
    const { bench, ran } = replace(
      'docker',
      `${healthy}
*'sh touch /jiji'*) exit 1 ;;`,
    )
    expect((await ran).code).toBe(exits.notSwitched)
    const calls = bench.calls().map(call => call.slice(1).join(' '))
    expect(calls.slice(-2)).toEqual(['exec jiji-proxy rm -f /jiji/live/myapp/web.b', 'rm -f new'])
  })
})

describe('a lock', () => {
  const owner = { by: hostile, host: 'laptop', since: 'now', command: 'deploy' }

  test.each(shells.map(shell => [shell.join(' '), shell] as const))(
    'keeps others out until it is let go (%s)',
    async (_, shell) => {
      const bench = benchWith()
      let meanwhile = ''
      const folder = join(bench.folder, 'state/app/lock')
      const second = bench
        .run(holdLock('app', owner, sh`echo inside`), { shell, isFed: true, hangUpAt: 'ready' })
        .then(async first => {
          meanwhile = first.stdout
          return bench.run(takeLock('app', owner), { shell })
        })
      expect((await second).code).toBe(0)
      expect(meanwhile).toBe('inside\nready\n')
      expect(JSON.parse(readFileSync(join(folder, 'owner'), 'utf8'))).toEqual(owner)
      const third = await bench.run(takeLock('app', { ...owner, by: 'other' }), { shell })
      expect(third.code).toBe(exits.lockHeld)
      expect(JSON.parse(third.stdout.replace(/^lock /, ''))).toEqual(owner)
      const released = await bench.run(releaseLock('app'), { shell })
      expect([released.code, existsSync(folder)]).toEqual([0, false])
      expect(await bench.run(releaseLock('app'), { shell })).toMatchObject({ code: 0, stdout: '' })
    },
  )
})

describe('a lock that is held with a heartbeat', () => {
  const ann = { by: 'ann', host: 'laptop', since: 'now', command: 'deploy' }
  const ben = { ...ann, by: 'ben' }
  const hold = (owner: typeof ann) => holdLock('app', owner, sh`:`, { seconds: 0.3, misses: 4 })
  const each = shells.map(shell => [shell.join(' '), shell] as const)
  const untilHeld = (bench: Bench) =>
    expect.poll(async () => (await bench.run(readLock('app'))).stdout).toContain('holder live')

  test.each(each)('stays as long as there are signs of life, and goes with its stdin (%s)', async (_, shell) => {
    const bench = benchWith()
    const gone = new AbortController()
    const holding = bench.run(hold(ann), { shell, isFed: true, beats: gone.signal })
    await new Promise(resolve => setTimeout(resolve, 2500))
    const seen = await bench.run(readLock('app'), { shell })
    expect(seen.stdout).toMatch(/^lock .*\nholder live [01]\n$/)
    expect((await bench.run(takeLock('app', ben), { shell })).code).toBe(exits.lockHeld)
    gone.abort()
    expect((await holding).code).toBe(143)
    expect(existsSync(join(bench.folder, 'state/app/lock'))).toBe(false)
  })
  test.each(each)('is given up in silence, and then taken over (%s)', async (_, shell) => {
    const bench = benchWith()
    expect((await bench.run(hold(ann), { shell, isFed: true })).code).toBe(exits.lockSilent)
    expect((await bench.run(readLock('app'), { shell })).stdout).toBe(`lock ${JSON.stringify(ann)}\nholder gone \n`)
    expect((await bench.run(requireLock('app', ann), { shell })).code).toBe(0)
    const taken = await bench.run(takeLock('app', ben), { shell })
    expect(taken).toMatchObject({ code: 0, stdout: `gone ${JSON.stringify(ann)}\n` })
    expect((await bench.run(requireLock('app', ann), { shell })).code).toBe(exits.lockLost)
    expect((await bench.run(readLock('app'), { shell })).stdout).toBe(`lock ${JSON.stringify(ben)}\n`)
  })
  test.each(each)("is nobody's where a power cut has left its files empty (%s)", async (_, shell) => {
    const bench = benchWith()
    const folder = join(bench.folder, 'state/app/lock')
    mkdirSync(folder, { recursive: true })
    for (const name of ['owner', 'holder']) writeFileSync(join(folder, name), '')
    expect((await bench.run(readLock('app'), { shell })).stdout).toBe('lock {}\nholder gone \n')
    expect(await bench.run(takeLock('app', ben), { shell })).toMatchObject({ code: 0, stdout: 'gone {}\n' })
    expect((await bench.run(requireLock('app', ben))).code).toBe(0)
  })
  test('ends when it is taken away, and leaves the next one alone', async () => {
    const bench = benchWith()
    const holding = bench.run(hold(ann), { isFed: true, beats: new AbortController().signal })
    await untilHeld(bench)
    await bench.run(releaseLock('app'))
    expect((await bench.run(takeLock('app', ben))).code).toBe(0)
    expect((await holding).code).toBe(exits.lockLost)
    expect((await bench.run(requireLock('app', ben))).code).toBe(0)
  })
  test('goes over to a new connection of the same owner, whether or not the old one is noticed', async () => {
    const bench = benchWith()
    const old = bench.run(hold(ann), { isFed: true, beats: new AbortController().signal })
    await untilHeld(bench)
    const gone = new AbortController()
    let said = ''
    const onStdout = (stdout: string) => {
      said = stdout
    }
    const next = bench.run(hold(ann), { isFed: true, beats: gone.signal, onStdout })
    expect((await old).code).toBe(exits.lockLost)
    expect((await bench.run(takeLock('app', ben))).code).toBe(exits.lockHeld)
    await expect.poll(() => said).toContain('ready')
    gone.abort()
    expect(await next).toMatchObject({ code: 143, stdout: 'kept\nready\n' })
  })
})

describe('the audit', () => {
  const entry = {
    at: '2026-01-31T12:00:00Z',
    by: hostile,
    action: 'deploy' as const,
    project: 'app',
    server: 'web1',
    result: 'failed' as const,
    reason: hostileLines,
  }
  const numbered = (number: number) => ({ ...entry, at: `${number}` })
  const entriesIn = (stdout: string) =>
    stdout.split('\n').flatMap(line => (line.startsWith('entry ') ? [line.slice('entry '.length)] : []))
  const timesIn = (stdout: string) => entriesIn(stdout).flatMap(line => parseAuditEntry(line).map(({ at }) => at))
  const knownIn = (stdout: string) =>
    stdout
      .split('\n')
      .findLast(line => line.startsWith('known'))
      ?.slice(5) ?? ''
  const each = shells.map(shell => [shell.join(' '), shell] as const)
  const filesOf = (bench: Bench) => readdirSync(join(bench.folder, 'state/app')).filter(name => name !== 'releases')

  test('keeps one line for each entry, whatever is in it', async () => {
    const bench = benchWith()
    for (const number of [1, 2, 3]) await bench.run(appendAudit('app', numbered(number)))
    const { stdout } = await bench.run(readAudit('app', { count: 2 }))
    expect(entriesIn(stdout).map(line => JSON.parse(line))).toEqual([numbered(2), numbered(3)])
    expect((await bench.run(readAudit('never', { count: 2 }))).stdout).toBe('')
  })
  test.each(each)('stays within its bounds, and all that is left is read in its order: %s', async (_, shell) => {
    const bench = benchWith()
    const size = `${JSON.stringify(numbered(1))}\n`.length
    const bounds = { bytes: 3 * size, kept: 3 }
    for (let number = 1; number <= 14; number++) {
      const { code, stderr } = await bench.run(appendAudit('app', numbered(number), bounds), { shell })
      expect([code, stderr]).toEqual([0, ''])
      if (number === 3) expect(filesOf(bench)).toEqual(['audit.jsonl'])
    }
    expect(filesOf(bench)).toEqual(['audit.100002.jsonl', 'audit.100003.jsonl', 'audit.100004.jsonl'])
    const { stdout } = await bench.run(readAudit('app'), { shell })
    expect(timesIn(stdout)).toEqual([7, 8, 9, 10, 11, 12, 13, 14].map(String))
    expect(knownIn(stdout)).toBe(' audit.100002.jsonl=3 audit.100003.jsonl=3 audit.100004.jsonl=2 ')
  })
  test('loses nothing where many write at once, also over the end of a file', async () => {
    const bench = benchWith()
    const long = { ...entry, reason: 'x'.repeat(9_000) }
    const writers = Array.from({ length: 6 }, (_, writer) => Array.from({ length: 6 }, (_, one) => `${writer}-${one}`))
    const bounds = { bytes: 60_000, kept: 20 }
    await Promise.all(
      writers.map((own, writer) => {
        const script = lines(...own.map(at => appendAudit('app', { ...long, at }, bounds)))
        return bench.run(script, { shell: shells[writer % shells.length] ?? ['sh'] })
      }),
    )
    const { stdout } = await bench.run(readAudit('app'))
    expect(timesIn(stdout).toSorted()).toEqual(writers.flat().toSorted())
    expect(filesOf(bench).length).toBeGreaterThan(3)
    expect(filesOf(bench).join(' ')).not.toContain('.audit.')
  })
  const canTrace = spawnSync('strace', ['true']).status === 0
  test.skipIf(!canTrace).each(each)(
    'is written to once for a line, so that no other comes in between: %s',
    async (_, shell) => {
      const bench = benchWith()
      const trace = join(bench.folder, 'trace')
      const traced = ['strace', '-f', '-y', '-e', 'trace=write,writev', '-o', trace, ...shell] as const
      await bench.run(appendAudit('app', { ...entry, reason: 'x'.repeat(9_000) }), { shell: traced })
      expect(readFileSync(trace, 'utf8').match(/write.*audit\.jsonl>/g)).toHaveLength(1)
    },
  )
  test('leaves a line out that is spoilt, and no other', async () => {
    const bench = benchWith()
    await bench.run(appendAudit('app', numbered(1)))
    appendFileSync(join(bench.folder, 'state/app/audit.jsonl'), '{"at":"2026-01-3')
    await bench.run(appendAudit('app', numbered(2)))
    expect(timesIn((await bench.run(readAudit('app'))).stdout)).toEqual(['1', '2'])
  })
  test('says that it could not be written', async () => {
    const bench = benchWith()
    mkdirSync(join(bench.folder, 'state/app/audit.jsonl'), { recursive: true })
    expect((await bench.run(appendAudit('app', entry))).code).not.toBe(0)
  })
  test('is cut to an action or a group of them before it is cut to a number', async () => {
    const bench = benchWith()
    const actions = ['lock acquire', 'deploy', 'lock release', 'rollback', 'deploy'] as const
    for (const [index, action] of actions.entries()) {
      const reason = 'it says "action":"rollback" and "action":"lock'
      await bench.run(appendAudit('app', { ...numbered(index), action, reason }))
    }
    const read = async (action: string, count: number) =>
      timesIn((await bench.run(readAudit('app', { action, count }))).stdout)
    expect(await read('deploy', 5)).toEqual(['1', '4'])
    expect(await read('deploy', 1)).toEqual(['4'])
    expect(await read('lock', 5)).toEqual(['0', '2'])
    expect(await read('lock release', 5)).toEqual(['2'])
    expect(await read('roll', 5)).toEqual([])
  })
  test.each(each)('is followed from where it was left, over the end of a file: %s', async (_, shell) => {
    const bench = benchWith()
    const bounds = { bytes: 2 * JSON.stringify(numbered(1)).length, kept: 4 }
    const add = (number: number) => bench.run(appendAudit('app', numbered(number), bounds))
    await add(1)
    const known = knownIn((await bench.run(readAudit('app'), { shell })).stdout)
    for (const number of [2, 3]) await add(number)
    const first = await bench.run(followAudit('app', known), { shell, hangUpAt: '100001' })
    expect(timesIn(first.stdout)).toEqual(['2', '3'])
    const second = bench.run(followAudit('app', knownIn(first.stdout)), { shell, hangUpAt: '100002' })
    await add(4)
    await add(5)
    expect(timesIn((await second).stdout)).toEqual(['4', '5'])
  })
  test('is followed before there is one', async () => {
    const bench = benchWith()
    const following = bench.run(followAudit('app', ''), { hangUpAt: 'known' })
    await bench.run(appendAudit('app', numbered(1)))
    expect(timesIn((await following).stdout)).toEqual(['1'])
  })
  test('keeps no lock from being released', async () => {
    const bench = benchWith()
    bench.lock('app', owner)
    mkdirSync(join(bench.folder, 'state/app/audit.jsonl'))
    const { code } = await bench.run(doneAndRecorded(releaseLock('app'), appendAudit('app', entry)))
    expect([code, existsSync(join(bench.folder, 'state/app/lock'))]).toEqual([0, false])
  })
  test('has no entry of a lock that was not there, or could not be had', async () => {
    const bench = benchWith()
    await bench.run(doneAndRecorded(releaseLock('app'), appendAudit('app', entry)))
    bench.lock('app', { ...owner, by: 'another' })
    const { code } = await bench.run(doneAndRecorded(takeLock('app', owner), appendAudit('app', entry)))
    expect([code, filesOf(bench)]).toEqual([exits.lockHeld, ['lock']])
  })
})

describe('an engine', () => {
  test.each<[Engine, string, number]>([
    ['docker', `version*) echo '{"version":"27","arch":"amd64"}' ;;`, 0],
    ['podman', `version*) echo '{"version":"5","arch":"linux/amd64"}' ;;`, 0],
    ['docker', 'version*) echo down >&2; exit 1 ;;', exits.engineSilent],
    ['podman', 'version*) exit 125 ;;', exits.engineSilent],
  ])('%s that answers %s: %i', async (engine, answers, code) => {
    expect((await benchWith(answers).run(requireEngine(engine), { environment: { DOCKER_HOST: 'x' } })).code).toBe(code)
  })
  test.each(engines)('%s that is not there', async engine => {
    const bench = benchWith()
    const environment = { PATH: '/nowhere' }
    const script = sh`PATH=/nowhere; ${requireEngine(engine)}`
    expect((await bench.run(script, { environment, shell: ['/bin/sh'] })).code).toBe(exits.engineMissing)
  })
})

const file = sh`mkdir -p "$HOME/.docker"; echo '{"auths":{"ghcr.io":{}}}' >"$HOME/.docker/config.json"`

describe('logging out', () => {
  test('of where there is no login changes nothing', async () => {
    const docker = benchWith()
    expect(await docker.run(logOut('docker', 'ghcr.io'))).toMatchObject({ code: 0, stdout: 'already\n' })
    expect(docker.calls()).toEqual([])
    const podman = benchWith("'login --get-login'*) exit 125 ;;")
    expect(await podman.run(logOut('podman', 'ghcr.io'))).toMatchObject({ code: 0, stdout: 'already\n' })
    expect(verbs(podman)).toEqual(['login'])
  })
  test('of where there is one', async () => {
    const docker = benchWith(`'logout '*) echo '{"auths":{}}' >"$HOME/.docker/config.json" ;;`)
    expect(
      (
        await docker.run(sh`${file}
${logOut('docker', 'ghcr.io/owner')}`)
      ).stdout,
    ).toBe('done\n')
    expect(docker.calls()).toEqual([['docker', 'logout', 'ghcr.io']])
    const podman = benchWith("'login --get-login'*) echo me ;;")
    expect((await podman.run(logOut('podman', 'ghcr.io'))).stdout).toBe('done\n')
  })
  test('has failed where Docker says that it is done, and a helper that does not run still has it', async () => {
    const script = lines(file, logOut('docker', 'ghcr.io'))
    const { code, stdout, stderr } = await benchWith().run(recorded(script, { done: sh`:`, failed: sh`:` }))
    expect([code, stdout, stderr]).toEqual([1, '', expect.stringContaining('the login is still there')])
  })
})

describe('who is logged in with Docker', () => {
  const auth = (user: string) => Buffer.from(`${user}:hunter2:3`).toString('base64')
  const compact = { 'https://index.docker.io/v1/': { auth: auth('hub') }, 'ghcr.io': { auth: auth('robot$a b') } }
  test.each([
    ['in a line', JSON.stringify({ auths: compact, credsStore: 'x' })],
    ['in many lines', JSON.stringify({ auths: compact, credsStore: 'x' }, null, '\t')],
  ])('is read from its file %s, without the password', async (_, text) => {
    const bench = benchWith()
    mkdirSync(join(bench.folder, '.docker'))
    writeFileSync(join(bench.folder, '.docker/config.json'), text)
    const keys = ['docker.io', 'ghcr.io', 'ghcrxio', 'ghcr.io:5000']
    const { code, stdout } = await bench.run(findLogins('docker', keys))
    expect([code, stdout]).toEqual([0, 'held docker.io hub\nheld ghcr.io robot$a b\n'])
  })
  test('is not known where a helper keeps it', async () => {
    const bench = benchWith()
    const { stdout } = await bench.run(lines(file, findLogins('docker', ['ghcr.io'])))
    expect(stdout.trim()).toBe('held ghcr.io')
  })
})

describe('logging in', () => {
  const nothing = { done: sh`echo recorded done`, failed: sh`echo recorded failed` }
  // Docker takes one newline off what it reads; the password itself may end with one.
  test.each<[Engine, string, string]>([
    ['docker', '\n', 'ghcr.io'],
    ['podman', '', 'ghcr.io/owner'],
  ])('hands the password over on stdin alone (%s)', async (engine, end, registry) => {
    const bench = benchWith(`'login '*) cat >"$BENCH/stdin" ;;`)
    const { code, stdout } = await bench.run(recorded(logIn(engine, { ...login, key: 'ghcr.io/owner' }), nothing))
    expect([code, stdout]).toEqual([0, 'recorded done\n'])
    expect(readFileSync(join(bench.folder, 'stdin'), 'utf8')).toBe(`${secretValues[0]}${end}`)
    expect(bench.calls()[0]).toEqual(
      expect.arrayContaining(['--username', login.username, '--password-stdin', registry]),
    )
  })
  test.each(engines)('keeps a trace of a failure, and its status (%s)', async engine => {
    const bench = benchWith(`'login '*) cat >/dev/null; exit 9 ;;`)
    expect(await bench.run(recorded(logIn(engine, login), nothing))).toMatchObject({
      code: 9,
      stdout: 'recorded failed\n',
    })
  })
  test.each(engines)('leaves no trace of a logout where there was no login (%s)', async engine => {
    const bench = benchWith(`*get-login*) exit 1 ;;`)
    const { code, stdout } = await bench.run(recorded(logOut(engine, 'nowhere.invalid'), nothing))
    expect([code, stdout]).toEqual([0, 'already\n'])
  })

  const lines = 'first\nsecond\r\n"third"\n'
  const several = { key: 'ghcr.io/owner', username: 'me', password: new Secret('KEY', lines) }
  const ours = { auth: Buffer.from(`me:${lines}`).toString('base64') }
  const readsBack = `*get-login*) echo me ;;`
  const fileOf = (bench: ReturnType<typeof benchWith>) => join(bench.folder, 'containers/auth.json')
  const insert = async (bench: ReturnType<typeof benchWith>, before: string | undefined) => {
    mkdirSync(join(bench.folder, 'containers'))
    if (before !== undefined) writeFileSync(fileOf(bench), before)
    return bench.run(sh`XDG_CONFIG_HOME=$BENCH; unset REGISTRY_AUTH_FILE
${recorded(logIn('podman', several), nothing)}`)
  }
  test.each<[string, string | undefined, object]>([
    ['no file', undefined, {}],
    ['an empty one', '', {}],
    ['one without logins', '{\n\t"auths": {}\n}', {}],
    ['one with others', '{\n\t"auths": {\n\t\t"a.b": {\n\t\t\t"auth": "x"\n\t\t}\n\t}\n}', { 'a.b': { auth: 'x' } }],
    ['one with helpers', '{\n\t"auths": {},\n\t"credHelpers": {\n\t\t"c.d": "x"\n\t}\n}\n', {}],
  ])('gives Podman a password of several lines: %s', async (_, before, others) => {
    const bench = benchWith(readsBack)
    expect((await insert(bench, before)).code).toBe(0)
    const { auths } = JSON.parse(readFileSync(fileOf(bench), 'utf8'))
    expect(auths).toEqual({ 'ghcr.io/owner': ours, ...others })
    expect(statSync(fileOf(bench)).mode & 0o777).toBe(0o600)
    for (const call of bench.calls()) expect(call.join(' ')).not.toContain(ours.auth)
  })
  test('leaves a file of another shape as it is', async () => {
    const bench = benchWith(`*get-login*) exit 125 ;;`)
    const before = '{"auths":{"a.b":{"auth":"x"}}}'
    const { code, stderr } = await insert(bench, before)
    expect([code, stderr]).toEqual([1, expect.stringContaining('another shape')])
    expect(readFileSync(fileOf(bench), 'utf8')).toBe(before)
  })
})

describe('pulling', () => {
  const pull = { service: 'web', source: 'ghcr.io/me/app@sha256:01', name: 'ghcr.io/me/app:1', login }

  test.each(engines)(
    'has the credential in a private folder while it runs, and nowhere afterwards (%s)',
    async engine => {
      const bench = benchWith(`*'image inspect ghcr'*'@'*) exit 1 ;;
*'image inspect --format'*) echo '["ghcr.io/me/app@sha256:01"]' ;;
*pull*) for word; do case $word in /*) file=\${word%/config.json}; cp "$file/config.json" "$BENCH/login"; echo "$file" >"$BENCH/where" ;; esac; done ;;`)
      const { code, stdout } = await bench.run(pullImages(engine, [pull]))
      expect([code, stdout]).toEqual([0, 'pulled web\ndigest web ["ghcr.io/me/app@sha256:01"]\n'])
      const where = readFileSync(join(bench.folder, 'where'), 'utf8').trim()
      const auth = Buffer.from(`${login.username}:${secretValues[0]}`).toString('base64')
      expect(JSON.parse(readFileSync(join(bench.folder, 'login'), 'utf8'))).toEqual({ auths: { 'ghcr.io': { auth } } })
      expect(existsSync(where)).toBe(false)
      for (const call of bench.calls()) expect(call.join(' ')).not.toContain(auth)
    },
  )
  test('fetches nothing that is there', async () => {
    const bench = benchWith()
    expect((await bench.run(pullImages('docker', [{ ...pull, login: undefined }]))).stdout).toBe(
      'there web\ndigest web ',
    )
    expect(bench.calls().flat()).not.toContain('pull')
  })
  test('names the service whose image fails, and fetches no more', async () => {
    const bench = benchWith(`'image inspect '*) exit 1 ;;
'pull '*) echo denied >&2; exit 18 ;;`)
    const two = [
      { ...pull, login: undefined },
      { ...pull, service: 'db', login: undefined },
    ]
    const { code, stdout, stderr } = await bench.run(pullImages('docker', two))
    expect([code, stdout, stderr]).toEqual([18, 'failed web\n', 'denied\n'])
  })
})

function verbs(bench: Bench): string[] {
  return bench.calls().map(([, verb = '']) => verb)
}

function runOf(bench: Bench): string[] {
  return bench.calls().find(([, verb]) => verb === 'run') ?? []
}

function defined<T>(value: T | undefined): T {
  if (value === undefined) throw new Error('undefined')
  return value
}
